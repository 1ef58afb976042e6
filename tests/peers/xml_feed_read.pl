# Prints the feeds on standard input as Perl's XML::Feed understood them, as a JSON array. A NUL ends each feed.
use strict;
use warnings;
use JSON::PP;
use XML::Atom;
use XML::Feed;

# Without it, XML::Atom gives bytes in place of characters.
$XML::Atom::ForceUnicode = 1;

local $/ = "\0";
my @feeds;
while (my $text = <STDIN>) {
    chomp $text;
    my $feed = XML::Feed->parse(\$text) or die XML::Feed->errstr;
    my @entries = map {
        my $entry = $_;
        my ($issued, $modified) = ($entry->issued, $entry->modified);
        {
            id        => $entry->id,
            title     => $entry->title,
            link      => $entry->link,
            author    => $entry->author,
            published => $issued ? $issued->epoch : undef,
            updated   => $modified ? $modified->epoch : undef,
            content   => $entry->content->body,
            summary   => $entry->summary->body,
        }
    } $feed->entries;
    push @feeds, { format => $feed->format, entries => \@entries };
}
print JSON::PP->new->utf8->encode(\@feeds);

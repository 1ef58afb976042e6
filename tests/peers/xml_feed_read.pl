# Prints the feed on standard input as Perl's XML::Feed understood it, as JSON.
use strict;
use warnings;
use JSON::PP;
use XML::Atom;
use XML::Feed;

# Without it, XML::Atom gives bytes in place of characters.
$XML::Atom::ForceUnicode = 1;

local $/;
my $text = <STDIN>;
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
print JSON::PP->new->utf8->encode({ format => $feed->format, entries => \@entries });

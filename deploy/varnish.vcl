# Varnish in front of Feed Publisher: docs/deploy.md. Written for Varnish 6.6 and newer.
vcl 4.1;

import std;

backend feeds {
    # The name in compose.yaml. On one machine: 127.0.0.1.
    .host = "feeds";
    .port = "8080";
    .connect_timeout = 2s;
    .first_byte_timeout = 90s;
    .probe = {
        .url = "/readyz";
        .interval = 5s;
        .timeout = 2s;
        .window = 3;
        .threshold = 2;
        .initial = 2;
    }
}

sub vcl_recv {
    # Partners' answers are signed, and no cache may keep them. Keys of the newsroom and of partners are in these requests.
    if (req.url ~ "^/(partners|api)/") {
        return (pass);
    }
    # Deltas (RFC 3229) go to the readers that asked for them.
    if (req.http.A-IM) {
        return (pass);
    }
    # A browser that opens a feed goes on to the feed's page.
    if (req.http.Sec-Fetch-Dest == "document" && req.url ~ "^[^?]*\.(rss|atom|json)(\?|$)") {
        return (pass);
    }
    # No copy is older than a second beyond its time while the service can be asked.
    if (std.healthy(req.backend_hint)) {
        set req.grace = 1s;
    }
}

sub vcl_backend_response {
    # stale-if-error of the service: copies for a day in which the service does not answer.
    if (beresp.ttl > 0s && beresp.http.Cache-Control ~ "stale-if-error") {
        set beresp.grace = 24h;
    }
    # Asked for by their ETag, expired copies cost a 304.
    set beresp.keep = 10m;
}

"""Prints feeds as Python's feedparser understood them, as a JSON array. Arguments: for each feed its URL, and the tag of what was read before, or nothing."""

import calendar
import html
import json
import sys

import feedparser

# Both rewrite bodies (dropped elements, resolved addresses): the test compares what was published, not what is safe to show.
feedparser.SANITIZE_HTML = 0
feedparser.RESOLVE_RELATIVE_URIS = 0


def seconds(time):
    return None if time is None else calendar.timegm(time)


def text(entry, name):
    value = entry.get(name, "")
    return html.unescape(value) if entry[f"{name}_detail"]["type"] == "text/html" else value


def reading(entry):
    content = entry["content"][0]["value"] if "content" in entry else None
    # Without a summary of its own, feedparser repeats the content as the summary, and then there is no summary_detail.
    summary = text(entry, "summary") if "summary_detail" in entry else None
    return {
        "id": entry.get("id", ""),
        "title": text(entry, "title"),
        "link": entry.get("link", ""),
        "published": seconds(entry["published_parsed"]) if "published_parsed" in entry else None,
        # Not entry.get("updated_parsed"): feedparser answers it with the publication date where there is no other.
        "updated": seconds(entry["updated_parsed"]) if "updated_parsed" in entry else None,
        "authors": [author["name"] for author in entry.get("authors", []) if "name" in author],
        "body": summary if content is None else content,
        "summary": summary if content is not None else None,
    }


def poll(url, tag):
    # The development line of feedparser (7) has no etag.
    feed = feedparser.parse(url, **({"etag": tag} if tag else {}))
    if feed.get("status", 200) >= 400:
        sys.exit(f"status {feed.status}")
    if feed.bozo:
        sys.exit(f"{type(feed.bozo_exception).__name__}: {feed.bozo_exception}")
    return {"status": feed.status, "etag": feed.get("etag"), "entries": [reading(entry) for entry in feed.entries]}


json.dump([poll(url, tag) for url, tag in zip(sys.argv[1::2], sys.argv[2::2])], sys.stdout)

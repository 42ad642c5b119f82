"""Reads every *.rss and *.atom of a folder with feedparser and prints as JSON what it understood, by file name."""

import calendar
import json
import pathlib
import sys

import feedparser

TYPES = {".rss": "application/rss+xml", ".atom": "application/atom+xml"}


def secs(parsed):
    return calendar.timegm(parsed) if parsed else None


def link(links, rel):
    return next((one.href for one in links if one.rel == rel), None)


def entry(one, is_atom):
    # A document that says nothing of an edit has none.
    published = secs(one.published_parsed)
    updated = secs(one["updated_parsed"]) if "updated" in one else published
    html = one.content[0].value if is_atom else one.description
    return {
        "id": one.id,
        "page": one.link,
        "title": one.title,
        "html": html,
        "author": one.author,
        "published": published,
        "updated": updated,
        "tags": [tag.term for tag in one.get("tags", [])],
    }


def read(path):
    headers = {"content-type": TYPES[path.suffix]}
    with open(path, "rb") as file:
        found = feedparser.parse(
            file.read(), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
        )
    if found.bozo:
        raise SystemExit(f"{path.name}: {found.bozo_exception}")
    wanted = {".rss": "rss20", ".atom": "atom10"}[path.suffix]
    if found.version != wanted:
        raise SystemExit(f"{path.name}: {found.version}, want {wanted}")
    links = found.feed.links
    return {
        "title": found.feed.title,
        "about": found.feed.subtitle,
        "page": found.feed.link,
        "own": link(links, "self"),
        "first": link(links, "first"),
        "next": link(links, "next"),
        "hub": link(links, "hub"),
        "updated": secs(found.feed.updated_parsed),
        "entries": [entry(one, path.suffix == ".atom") for one in found.entries],
    }


folder = pathlib.Path(sys.argv[1])
json.dump({path.name: read(path) for path in sorted(folder.iterdir()) if path.suffix in TYPES}, sys.stdout)

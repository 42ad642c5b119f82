#!/usr/bin/env python3
"""A modest wiki, built as many are: Flask, gevent's WSGI server, SQLite in WAL mode, markdown-it-py, sessions in a cookie.

Called with a database and a port of 127.0.0.1. It reads and renders the page at each request, as its kind does, and stands in
for the first wiki of this project's author in tests/bench/wiki; it is no part of the programs.
"""

import sqlite3
import sys

from flask import Flask, abort, g, render_template_string, session
from gevent.pywsgi import WSGIServer
from markdown_it import MarkdownIt
from mdit_py_plugins.footnote import footnote_plugin

TEMPLATE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{{ name }}</title><link rel="stylesheet" href="/style.css"></head>
<body>
<nav><a href="/">Home</a> <a href="/recent">Recent</a>
{% if user %}<a href="/edit/{{ name }}">Edit</a> {{ user }}{% else %}<a href="/login">Log in</a>{% endif %}</nav>
<main><h1>{{ name }}</h1>
{{ html|safe }}</main>
<footer>Revision {{ rev }}</footer>
</body>
</html>
"""

app = Flask(__name__)
app.secret_key = "only for a measurement"
markdown = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).use(footnote_plugin)


def database():
    if "database" not in g:
        g.database = sqlite3.connect(sys.argv[1])
        g.database.execute("PRAGMA journal_mode = WAL")
    return g.database


@app.teardown_appcontext
def close(_):
    if "database" in g:
        g.pop("database").close()


def user():
    token = session.get("token")
    if token is None:
        return None
    row = database().execute("SELECT user FROM session WHERE token = ?", (token,)).fetchone()
    return row and row[0]


@app.get("/wiki/<name>")
def show(name):
    query = "SELECT rev, text FROM revision WHERE page = ? ORDER BY rev DESC LIMIT 1"
    row = database().execute(query, (name.replace("_", " "),)).fetchone()
    if row is None:
        abort(404)
    return render_template_string(TEMPLATE, name=name, rev=row[0], html=markdown.render(row[1]), user=user())


def prepare(name, text):
    with sqlite3.connect(sys.argv[1]) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE revision (page TEXT, rev INTEGER, text TEXT, PRIMARY KEY (page, rev))")
        connection.execute("CREATE TABLE session (token TEXT PRIMARY KEY, user TEXT)")
        connection.execute("INSERT INTO revision VALUES (?, 1, ?)", (name, text))


if __name__ == "__main__":
    if sys.argv[2] == "prepare":
        prepare(sys.argv[3], sys.stdin.read())
    else:
        WSGIServer(("127.0.0.1", int(sys.argv[2])), app, log=None).serve_forever()

#!/usr/bin/env python3
"""Makes a lastfm_tags.db, the SQLite form of the Last.fm tags, of a tree of JSON files.

  Tests/EndToEnd/lastfm_database.py LASTFM lastfm_tags.db
"""

import json
import sqlite3
import sys
from pathlib import Path


def make(tree, database):
    """Tables as the data set's own: tids(tid), tags(tag), tid_tag(tid, tag, val), joined by row ids."""
    tracks, tags, pairs = {}, {}, []
    # In the order of numbers that have nothing to do with the ids' own order, as in the real file.
    for path in sorted(Path(tree).rglob("*.json"), key=lambda path: path.stem[::-1]):
        try:
            record = json.loads(path.read_bytes())
        except ValueError:
            continue
        track = tracks.setdefault(path.stem, len(tracks) + 1)
        for tag, weight in record["tags"]:
            pairs.append((track, tags.setdefault(tag, len(tags) + 1), float(weight)))
    connection = sqlite3.connect(database)
    with connection:
        connection.execute("CREATE TABLE tids (tid TEXT)")
        connection.execute("CREATE TABLE tags (tag TEXT)")
        connection.execute("CREATE TABLE tid_tag (tid INT, tag INT, val FLOAT)")
        connection.executemany("INSERT INTO tids VALUES (?)", ((track,) for track in tracks))
        connection.executemany("INSERT INTO tags VALUES (?)", ((tag,) for tag in tags))
        connection.executemany("INSERT INTO tid_tag VALUES (?, ?, ?)", pairs)
    connection.close()


if __name__ == "__main__":
    make(*sys.argv[1:3])

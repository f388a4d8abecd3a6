"""Makes lists and labels that crnn-dist reads of the splits that people publish on.

  scripts/convert-split choi  FOLDER OUT     of MSD_split_for_tagging
  scripts/convert-split cals  FOLDER OUT     of semi-supervised-music-tagging-transformer/data/splits (or cals_annotation)
  scripts/convert-split ecals FOLDER OUT     of ecals_annotation

FOLDER holds the files as they are published (docs/published-splits.md says where). OUT gets train.txt, validation.txt and
test.txt, a track id a line; where the labels are there too, tags.txt and labels.db (in the form of lastfm_tags.db). The
commands that use them are printed last. Nothing of the files is run: pickled arrays are refused.
"""

import argparse
import ast
import csv
import json
import os
import re
import sqlite3
import sys
from pathlib import Path

import numpy

TRACK_ID = re.compile(r"TR[A-Z]{5}[0-9A-F]{11}\Z")
SIDES = ("train", "validation", "test")
# No list of the data set's million songs is larger.
MOST_BYTES = 4 << 30


def refuse(path, reason):
    sys.exit(f"{path}: {reason}")


def checked(path):
    """The path, where a file of a size to be read stands there."""
    if not path.is_file():
        refuse(path, "not there; docs/published-splits.md says where it is published")
    if path.stat().st_size > MOST_BYTES:
        refuse(path, f"larger than {MOST_BYTES >> 30} GiB, which no such file is")
    return path


def array(path):
    """Of a .npy file, never one with pickled objects: these run whatever their writer wanted."""
    try:
        return numpy.load(checked(path), allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        refuse(path, f"no .npy array of texts or numbers: {error}")


def track_ids(values, path):
    """Texts that are track ids, each once."""
    found = {}
    for place, value in enumerate(values, start=1):
        if not isinstance(value, str) or not TRACK_ID.match(value):
            refuse(path, f"entry {place}: found {str(value)[:40]!r}, expected a track id such as TRAAABD128F429CF47")
        if value in found:
            refuse(path, f"entry {place}: {value} is there a second time")
        found[value] = place
    return list(found)


def listed(path):
    return track_ids(checked(path).read_text(encoding="ascii", errors="replace").split(), path)


def array_of_ids(path):
    values = array(path)
    if values.ndim != 1 or values.dtype.kind not in "US":
        refuse(path, f"found an array of {values.dtype} {values.shape}, expected texts along one axis")
    return track_ids([value.decode("ascii", "replace") if isinstance(value, bytes) else str(value) for value in values], path)


def array_of_labels(path, songs):
    """[songs, tags], 0 or 1; nothing where the file is not there."""
    if not path.exists():
        return None
    values = array(path)
    if values.ndim != 2 or len(values) != songs or values.dtype.kind not in "biuf":
        refuse(path, f"found an array of {values.dtype} {values.shape}, expected a row for each of {songs} songs")
    if not ((values == 0) | (values == 1)).all():
        refuse(path, "a label is neither 0 nor 1")
    return values != 0


def document(path):
    try:
        return json.loads(checked(path).read_bytes())
    except ValueError as error:
        refuse(path, f"not JSON: {error}")


def texts(values, path):
    if not isinstance(values, list) or not values or not all(isinstance(value, str) and value.strip() for value in values):
        refuse(path, "expected a list of tags")
    if len(set(values)) != len(values):
        refuse(path, "a tag is there twice")
    if any("\n" in value or "\r" in value for value in values):
        refuse(path, "a tag has a line break in it")
    return values


def named_in_python(path, name):
    """The list of texts of this name in a Python file, which is not run."""
    try:
        for statement in ast.walk(ast.parse(checked(path).read_text(encoding="utf-8", errors="replace"))):
            if isinstance(statement, ast.Assign) and any(getattr(target, "id", "") == name for target in statement.targets):
                return texts(list(ast.literal_eval(statement.value)), path)
    except (SyntaxError, ValueError, TypeError, RecursionError) as error:
        refuse(path, f"cannot be read: {error}")
    refuse(path, f"has no list {name}")


class Published:
    """Ids of each side, and where they are published the labels as rows of (track id, numbers of its tags)."""

    def __init__(self, sides, tags=None, rows=None):
        self.sides, self.tags, self.rows = sides, tags, rows


def rows_of(ids, labels):
    for track_id, row in zip(ids, labels):
        yield track_id, numpy.flatnonzero(row).tolist()


def of_arrays(sides, labels, tags, path):
    """With labels where every side has them and their tags have names."""
    if tags is None or any(labels[side] is None for side in SIDES):
        return Published(sides)
    for side in SIDES:
        if labels[side].shape[1] != len(tags):
            refuse(path, f"{len(tags)} tags, but the labels of {side} have {labels[side].shape[1]} columns")
    return Published(sides, tags, (row for side in SIDES for row in rows_of(sides[side], labels[side])))


def choi(folder):
    published = dict(zip(SIDES, ("train", "valid", "test")))
    sides = {side: listed(folder / f"{name}_x_msd_id.txt") for side, name in published.items()}
    labels = {side: array_of_labels(folder / f"{name}_y.npy", len(sides[side])) for side, name in published.items()}
    tags = folder / "tags.py"
    return of_arrays(sides, labels, named_in_python(tags, "TAGS") if tags.exists() else None, tags)


def cals(folder):
    published = dict(zip(SIDES, ("train", "valid", "test")))
    if all((folder / f"{name}_ids.npy").exists() for name in published.values()):
        sides = {side: array_of_ids(folder / f"{name}_ids.npy") for side, name in published.items()}
        labels = {side: array_of_labels(folder / f"{name}_binaries.npy", len(sides[side])) for side, name in published.items()}
        return of_arrays(sides, labels, cals_tags(folder), folder)
    return Published(of_table(folder / "msd_splits.tsv", "\t", "clip_ids", "splits"))


def cals_tags(folder):
    """Their names, which the splits' folder itself does not have; nothing where neither file is there."""
    names, source = folder / "cals_tags.npy", folder / "msd_config.py"
    if names.exists():
        return texts([str(tag) for tag in array(names).ravel()], names)
    return named_in_python(source, "tag_names") if source.exists() else None


def of_table(path, separator, ids, column):
    """The sides in a table with a heading: TRAIN, VALID and TEST; others (STUDENT, NONE) are on no side."""
    names = {"TRAIN": "train", "VALID": "validation", "TEST": "test"}
    sides = {side: [] for side in SIDES}
    with open(checked(path), newline="", encoding="utf-8", errors="replace") as file:
        table = csv.DictReader(file, delimiter=separator)
        if table.fieldnames is None or not {ids, column} <= set(table.fieldnames):
            refuse(path, f"expected the columns {ids} and {column}, found {table.fieldnames}")
        for row in table:
            side = names.get(row[column] or "")
            if side:
                sides[side].append(row[ids])
    return {side: track_ids(found, path) for side, found in sides.items()}


def ecals(folder):
    path = folder / "ecals_track_split.json"
    split = document(path)
    keys = {"train": "train_track", "validation": "valid_track", "test": "test_track"}
    if not isinstance(split, dict) or not all(isinstance(split.get(key), list) for key in keys.values()):
        refuse(path, f"expected lists of track ids under {', '.join(keys.values())}")
    sides = {side: track_ids(split[key], path) for side, key in keys.items()}
    # Songs that CALS has no labels for, and eCALS has: its authors train on them.
    extra = track_ids(split.get("extra_track") or [], path)
    sides["train"] = track_ids(sides["train"] + extra, path)
    tags_path, annotation, table = folder / "ecals_tags.json", folder / "annotation.json", folder / "ecals_binary.csv"
    wanted = {track_id for side in SIDES for track_id in sides[side]}
    if tags_path.exists() and annotation.exists():
        tags = texts(document(tags_path), tags_path)
        return Published(sides, tags, of_annotation(document(annotation), tags, wanted, annotation))
    if table.exists():
        rows = of_binary_table(table, wanted)
        return Published(sides, next(rows), rows)
    return Published(sides)


def of_annotation(songs, tags, wanted, path):
    numbers = {tag: number for number, tag in enumerate(tags)}
    if not isinstance(songs, dict):
        refuse(path, "expected an object with a song for each track id")
    for track_id, song in songs.items():
        if track_id not in wanted:
            continue
        if not isinstance(song, dict) or not isinstance(song.get("tag"), list):
            refuse(path, f"{track_id}: expected a list under tag")
        unknown = [tag for tag in song["tag"] if tag not in numbers]
        if unknown:
            refuse(path, f"{track_id}: the tag {str(unknown[0])[:40]!r} is not in ecals_tags.json")
        yield track_id, sorted({numbers[tag] for tag in song["tag"]})


def of_binary_table(path, wanted):
    """First the tags, then the rows, of a table with a track id and a column for each tag, 0 or 1."""
    with open(checked(path), newline="", encoding="utf-8", errors="replace") as file:
        table = csv.reader(file)
        heading = next(table, [])
        tags = texts(heading[1:], path)
        yield tags
        for line, row in enumerate(table, start=2):
            if len(row) != len(heading):
                refuse(path, f"line {line}: {len(row)} columns, expected {len(heading)}")
            if row[0] not in wanted:
                continue
            try:
                values = [float(value) for value in row[1:]]
            except ValueError:
                refuse(path, f"line {line}: a label is no number")
            if any(value not in (0, 1) for value in values):
                refuse(path, f"line {line}: a label is neither 0 nor 1")
            yield row[0], [number for number, value in enumerate(values) if value]


def write_text(path, lines):
    temporary = path.with_name(f".{path.name}.partial-{os.getpid()}")
    temporary.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    os.replace(temporary, path)


def write_labels(path, tags, rows):
    """A database in the form of lastfm_tags.db; every tag has the weight 100."""
    temporary = path.with_name(f".{path.name}.partial-{os.getpid()}")
    temporary.unlink(missing_ok=True)
    songs = positives = 0
    connection = sqlite3.connect(temporary)
    try:
        with connection:
            connection.execute("CREATE TABLE tids (tid TEXT)")
            connection.execute("CREATE TABLE tags (tag TEXT)")
            connection.execute("CREATE TABLE tid_tag (tid INT, tag INT, val FLOAT)")
            connection.executemany("INSERT INTO tags VALUES (?)", ((tag,) for tag in tags))
            for track_id, numbers in rows:
                songs += 1
                positives += len(numbers)
                connection.execute("INSERT INTO tids VALUES (?)", (track_id,))
                connection.executemany("INSERT INTO tid_tag VALUES (?, ?, 100)", ((songs, number + 1) for number in numbers))
            connection.execute("CREATE INDEX tids_by_tid ON tids(tid)")
            connection.execute("CREATE INDEX tid_tag_by_tid ON tid_tag(tid)")
        connection.close()
        os.replace(temporary, path)
    finally:
        connection.close()
        temporary.unlink(missing_ok=True)
    return songs, positives


def refuse_overlap(sides, folder):
    seen = {}
    for side in SIDES:
        if not sides[side]:
            refuse(folder, f"no song is for {side}")
        for track_id in sides[side]:
            if track_id in seen:
                refuse(folder, f"{track_id} is both for {seen[track_id]} and for {side}")
            seen[track_id] = side


def main():
    parser = argparse.ArgumentParser(
        prog="scripts/convert-split", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("form", choices=["choi", "cals", "ecals"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    if arguments.out.exists() and not arguments.out.is_dir():
        refuse(arguments.out, "is a file, expected the path of a folder to write in")
    published = {"choi": choi, "cals": cals, "ecals": ecals}[arguments.form](arguments.folder)
    refuse_overlap(published.sides, arguments.folder)
    out = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    for side in SIDES:
        write_text(out / f"{side}.txt", published.sides[side])
        print(f"wrote {out / side}.txt: {len(published.sides[side])} songs")
    # Choi's split has artists on two sides; the others were made by artist.
    rule = "track-lists" if arguments.form == "choi" else "artist-track-lists"
    split = f"{rule}:{out}/train.txt,{out}/validation.txt,{out}/test.txt"
    if published.rows is None:
        print("no labels here: Last.fm's tags count from a weight of 50 on")
        source = "--lastfm lastfm_tags.db --min-tag-weight 50"
    else:
        songs, positives = write_labels(out / "labels.db", published.tags, published.rows)
        write_text(out / "tags.txt", published.tags)
        print(f"wrote {out / 'tags.txt'}: {len(published.tags)} tags")
        print(f"wrote {out / 'labels.db'}: {songs} songs, {positives} labels")
        source = f"--lastfm {out}/labels.db --tags {out}/tags.txt"
    print(f"\ncrnn-dist prepare --msd MSD/data {source} --segments 252 --features both --split {split} --out songs.h5"
          f"\ncrnn-dist train --data songs.h5 --out runs/{arguments.form}")


if __name__ == "__main__":
    main()

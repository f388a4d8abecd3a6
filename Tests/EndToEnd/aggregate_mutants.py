"""Damaged aggregates: track files of many songs, made from good songs; the same seed makes the same files.

Of each mutant it is known which songs must be listed, and which must be read with their own values all the same
(docs/sources.md, "A start that is out of range costs the songs that it bounds").
"""

import functools
import json
import random
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy

import mutants
import program

GROUPS = ("metadata", "analysis", "musicbrainz")
PITCHES = mutants.PITCHES
STARTS = ["idx_segments_pitches", "idx_segments_start", "idx_segments_timbre"]
SONGS = 10


# Good aggregates

@dataclass(frozen=True)
class Song:
    """A song's row of each table, and its part of each array, by name."""

    rows: dict
    arrays: dict

    @property
    def track_id(self):
        return self.rows["analysis"]["track_id"].decode()

    @property
    def pitches(self):
        return self.arrays[PITCHES]

    def record(self):
        song = self.rows["metadata"]
        return {"artist": song["artist_name"].decode(), "timestamp": "", "similars": [], "tags": [["rock", "100"]],
                "track_id": self.track_id, "title": song["title"].decode()}


def column_of(table, array):
    """The column that says where a song's part of an array starts: one for arrays that belong together."""
    names = [name for name in table.dtype.names if name.startswith("idx_")]
    return max((name for name in names if array.startswith(name.removeprefix("idx_"))), key=len)


@functools.cache
def songs_in(path):
    """Every song of a good file of one or many."""
    with h5py.File(path, "r", locking=False) as file:
        tables = {group: file[group]["songs"][:] for group in GROUPS}
        arrays = {f"{group}/{name}": file[group][name][:] for group in GROUPS for name in file[group] if name != "songs"}
    songs = []
    for row in range(len(tables["analysis"])):
        parts = {}
        for name, values in arrays.items():
            group, array = name.split("/")
            starts = [*tables[group][column_of(tables[group], array)], len(values)]
            parts[name] = values[starts[row] : starts[row + 1]]
        songs.append(Song({group: table[row] for group, table in tables.items()}, parts))
    return songs


def write(path, songs):
    """An aggregate of these songs, as the data set's own tools make one."""
    with h5py.File(path, "w", libver=("earliest", "v108")) as file:
        for name in songs[0].arrays:
            values = numpy.concatenate([song.arrays[name] for song in songs])
            file.create_dataset(name, data=values, maxshape=(None, *values.shape[1:]),
                                chunks=(256, *values.shape[1:]), compression="gzip", compression_opts=1)
        for group in GROUPS:
            table = numpy.array([song.rows[group] for song in songs])
            for column in table.dtype.names:
                array = f"{group}/{column.removeprefix('idx_')}"
                if column.startswith("idx_") and array in songs[0].arrays:
                    lengths = [len(song.arrays[array]) for song in songs]
                    table[column] = numpy.cumsum([0, *lengths[:-1]])
            file.create_dataset(f"{group}/songs", data=table, maxshape=(None,), chunks=(64,), compression="gzip")


# Damage

@dataclass
class Fate:
    """What must become of an aggregate: rows that must be listed, rows that may be; or the file as a whole."""

    bad: set = field(default_factory=set)
    open: set = field(default_factory=set)
    file: bool = False

    @staticmethod
    def of_rows(rows):
        return Fate(bad=set(rows))


WHOLE = Fate(file=True)


def unknown(songs):
    return Fate(open=set(range(len(songs))) | {None})


def change(file, table, changes):
    """A table with other values in some columns."""
    rows = file[table][:]
    for column, values in changes.items():
        rows[column] = values
    file[table][:] = rows


def set_start(file, songs, row, value):
    starts = file["analysis/songs"]["idx_segments_pitches"]
    length = len(file[PITCHES])
    before = starts[row - 1] if row > 0 else 0
    after = starts[row + 1] if row + 1 < len(starts) else length
    if row > 0 and before <= value <= after:
        return Fate(open={row - 1, row})  # Another division of the two songs: nobody can see it.
    if row == 0 and value == 0:
        return Fate()
    starts[row] = value
    change(file, "analysis/songs", {column: starts for column in STARTS})
    near = {each for each in (row - 2, row - 1, row, row + 1) if 0 <= each < len(songs)}
    bad = {each for each in (row - 1, row) if each >= 0}
    return Fate(bad=bad, open=near - bad)


def negative_start(file, songs, rng):
    return set_start(file, songs, rng.randrange(len(songs)), rng.choice([-1, -2, -(2**31), -1000]))


def start_out_of_range(file, songs, rng):
    return set_start(file, songs, rng.randrange(len(songs)), len(file[PITCHES]) + rng.choice([1, 7, 100_000, 2**30]))


def descending_starts(file, songs, rng):
    """Two neighbours' starts exchanged."""
    row = rng.randrange(1, len(songs) - 1)
    starts = file["analysis/songs"]["idx_segments_pitches"]
    if starts[row] == starts[row + 1]:
        return Fate()
    starts[[row, row + 1]] = starts[[row + 1, row]]
    change(file, "analysis/songs", {column: starts for column in STARTS})
    bad = {row - 1, row, row + 1}
    return Fate(bad=bad, open={each for each in (row - 2, row + 2) if 0 <= each < len(songs)})


def overlapping_songs(file, songs, rng):
    """A song that begins before the one in front of it."""
    row = rng.randrange(2, len(songs))
    starts = file["analysis/songs"]["idx_segments_pitches"]
    return set_start(file, songs, row, rng.randrange(int(starts[row - 1])) if starts[row - 1] > 0 else -1)


def first_song_begins_later(file, songs, rng):
    return set_start(file, songs, 0, rng.choice([1, 2, len(songs[0].pitches)]))


def starts_that_disagree(file, songs, rng):
    """One column says something else than the two others."""
    row = rng.randrange(len(songs))
    column = rng.choice(STARTS)
    starts = file["analysis/songs"][column]
    starts[row] += rng.choice([1, -1, 5])
    change(file, "analysis/songs", {column: starts})
    bad = {each for each in (row - 1, row) if each >= 0}
    return Fate(bad=bad, open={each for each in (row - 2, row + 1) if 0 <= each < len(songs)})


def all_starts_the_same(file, songs, rng):
    """No song but the last has a segment, and that one has them all."""
    change(file, "analysis/songs", {column: 0 for column in STARTS})
    return unknown(songs)


def other_number_of_rows(file, songs, rng):
    """The tables no longer have the same rows; or both have more than there can be."""
    if rng.random() < 0.2:
        for name in ("analysis/songs", "metadata/songs"):
            file[name].resize(2**33, axis=0)
    else:
        file[rng.choice(["analysis/songs", "metadata/songs"])].resize(
            rng.choice([0, len(songs) - 1, len(songs) + 1, 2**33]), axis=0)
    return WHOLE


def no_song(file, songs, rng):
    for name in ("analysis/songs", "metadata/songs"):
        file[name].resize(0, axis=0)
    return WHOLE


def pitches_cut(file, songs, rng):
    length = rng.randrange(len(file[PITCHES]))
    file[PITCHES].resize(length, axis=0)
    starts = file["analysis/songs"]["idx_segments_pitches"]
    ends = [*starts[1:], length]
    bad = {row for row in range(len(songs)) if starts[row] > length or ends[row] > length}
    return Fate(bad=bad, open={len(songs) - 1, *(row - 1 for row in bad if row > 0)} - bad)


def pitches_of_another_shape(file, songs, rng):
    values = file[PITCHES][:]
    mutants.replace(file, PITCHES, data=rng.choice([values[:, :11], values.ravel(), values[:, :, None], values.T]))
    return Fate.of_rows(range(len(songs)))


def timbre_for_pitches(file, songs, rng):
    file.move(PITCHES, "aside")
    file.move("analysis/segments_timbre", PITCHES)
    return Fate.of_rows(row for row, song in enumerate(songs) if len(song.pitches) > 0)


def no_pitches(file, songs, rng):
    del file[PITCHES]
    return WHOLE


def no_table(file, songs, rng):
    del file[rng.choice(["metadata", "metadata/songs", "analysis/songs", "analysis"])]
    return WHOLE


def column_left_out(file, songs, rng):
    table, column = rng.choice([("analysis/songs", "idx_segments_pitches"), ("analysis/songs", "track_id"),
                                ("metadata/songs", "title"), ("metadata/songs", "artist_name")])
    rows = file[table][:]
    mutants.replace(file, table, data=rows[[name for name in rows.dtype.names if name != column]].copy())
    return Fate.of_rows(range(len(songs)))


def column_of_another_type(file, songs, rng):
    kind = rng.choice(["i2", "i8", "f8", "S4", ">i4"])
    rows = file["analysis/songs"][:]
    types = [(name, kind if name == "idx_segments_pitches" else rows.dtype[name]) for name in rows.dtype.names]
    other = numpy.zeros(len(rows), types)
    for name in rows.dtype.names:
        other[name] = rows[name]
    mutants.replace(file, "analysis/songs", data=other)
    return Fate() if kind == ">i4" else Fate.of_rows(range(len(songs)))


def endless_titles(file, songs, rng):
    rows = file["metadata/songs"][:]
    types = [(name, "S1500000" if name == "title" else rows.dtype[name]) for name in rows.dtype.names]
    other = numpy.zeros(len(rows), types)
    for name in rows.dtype.names:
        other[name] = rows[name]
    mutants.replace(file, "metadata/songs", data=other, compression="gzip", compression_opts=1)
    return WHOLE


def wrong_identifier(file, songs, rng):
    row = rng.randrange(len(songs))
    identifiers = file["analysis/songs"]["track_id"]
    identifiers[row] = rng.choice([b"", b"TR", b"\xff" * 18, b"SOAAABD128F429CF47", b"\x1b[2J\xc2\x85\n"])
    change(file, "analysis/songs", {"track_id": identifiers})
    return Fate.of_rows([row])


def no_numbers(file, songs, rng):
    row = rng.choice([row for row, song in enumerate(songs) if len(song.pitches) > 0])
    start = file["analysis/songs"]["idx_segments_pitches"][row]
    segment = start + rng.randrange(min(60, len(songs[row].pitches)))
    file[PITCHES][segment, rng.randrange(12)] = rng.choice([numpy.nan, numpy.inf, -0.5, 1.5])
    return Fate.of_rows([row])


def damaged_chunk(file, songs, rng):
    chunk = rng.randrange((len(file[PITCHES]) + 255) // 256)
    file[PITCHES].id.write_direct_chunk((chunk * 256, 0), rng.choice([b"\x00", b"\x78\x01" + rng.randbytes(200)]))
    starts = file["analysis/songs"]["idx_segments_pitches"]
    bad = {row for row, song in enumerate(songs)
           if len(song.pitches) > 0 and starts[row] < chunk * 256 + 256
           and starts[row] + min(60, len(song.pitches)) > chunk * 256}
    return Fate(bad=bad)


STRUCTURE = [negative_start, start_out_of_range, descending_starts, overlapping_songs, first_song_begins_later,
             starts_that_disagree, all_starts_the_same, other_number_of_rows, no_song, pitches_cut,
             pitches_of_another_shape, timbre_for_pitches, no_pitches, no_table, column_left_out,
             column_of_another_type, endless_titles, wrong_identifier, no_numbers, damaged_chunk]


# A tree of them

class AggregateTree:
    """A folder with `msd/` of good aggregates and mutants and `lastfm/`, and what is known of each."""

    def __init__(self, folder):
        self.msd, self.lastfm = Path(folder) / "msd", Path(folder) / "lastfm"
        self.msd.mkdir(parents=True)
        self.lastfm.mkdir()
        # By file name.
        self.songs, self.damage, self.fates = {}, {}, {}


def make_tree(folder, songs, seed, *, good=3, damages=None):
    """Aggregates of ten songs each, the first `good` of them as they should be.

    `damages`: the kinds of damage, one after the other; by default a third of the files has damaged bytes."""
    tree = AggregateTree(folder)
    for song in songs:
        (tree.lastfm / f"{song.track_id}.json").write_text(json.dumps(song.record()))
    for number in range(len(songs) // SONGS):
        own = songs[number * SONGS : (number + 1) * SONGS]
        path = tree.msd / f"aggregate-{number:04}.h5"
        rng = random.Random(f"{seed}:{number}")
        write(path, own)
        tree.songs[path.name] = own
        if number < good:
            continue
        if damages is not None:
            damage = damages[(number - good) % len(damages)]
        else:
            damage = rng.choice(STRUCTURE) if rng.random() < 0.7 else rng.choice(mutants.BYTES)
        tree.damage[path.name] = damage.__name__
        if damage in mutants.BYTES:
            data = damage(bytearray(path.read_bytes()), rng, mutants.places(path))
            path.write_bytes(data)
            tree.fates[path.name] = unknown(own)
        else:
            with h5py.File(path, "r+", locking=False) as file:
                tree.fates[path.name] = damage(file, own, rng)
    return tree


def check(tree, snapshot, ranks, segments=60, timeout=600):
    """Prepares from the tree and insists that what must be listed is, and that all else has its own values.

    Returns the listed causes by file or song."""
    outcome = program.run("prepare", "--msd", tree.msd, "--lastfm", tree.lastfm, "--segments", segments,
                          "--out", snapshot, ranks=ranks, timeout=timeout)
    assert outcome.code == program.DONE, str(outcome)
    seen = [crash for crash in program.CRASHES + ("warning",) if crash in outcome.output + outcome.errors]
    assert not seen, f"{seen}\n{outcome}"
    listed = mutants.listed_causes(snapshot)

    def told(name):
        return f"{name} ({tree.damage[name.partition('[')[0]]})"

    with h5py.File(snapshot, "r", locking=False) as file:
        scale = 1000 if file.attrs["pitches_encoding"] in (b"thousandths", "thousandths") else 1
        kept = dict(zip((each.decode() for each in file["songs/track_id"][:]), file["songs/pitches"][:] / scale))
    for name, songs in tree.songs.items():
        fate = tree.fates.get(name, Fate())
        if fate.file:
            assert name in listed, f"read as if it were good: {told(name)}"
            continue
        if name in listed:
            assert None in fate.open, f"listed as a whole: {told(name)}: {listed[name]}"
            continue
        for row, song in enumerate(songs):
            place = f"{name}[{row}]"
            if row in fate.bad:
                assert place in listed, f"read as if it were good: {told(place)}"
            elif row not in fate.open:
                assert place not in listed, f"a good song listed: {place}: {listed[place]}"
                if len(song.pitches) >= segments:
                    assert song.track_id in kept, f"a good song lost: {place}"
                    difference = numpy.abs(kept[song.track_id] - song.pitches[:segments]).max()
                    assert difference < 1e-6, f"another song's values: {place}, {difference}"
    return listed

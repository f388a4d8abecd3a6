"""Damaged track files and Last.fm records, made from good ones; the same seed makes the same files.

A mutant is made in one of two ways: its bytes are damaged, anywhere or in the structures that HDF5 reads first; or it
is rebuilt as a whole file that h5py finds nothing wrong with and that is no song all the same.
"""

import contextlib
import functools
import json
import random
import resource
import sqlite3
import struct
import zlib
from pathlib import Path

import h5py
import numpy

import program

LARGE = [0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 2**40, 2**63 - 1, 2**63, 2**64 - 1]
PITCHES = "analysis/segments_pitches"


# Where the structures lie

def header_messages(data, address):
    """Type, start and length of each message of an object header of version 1 (HDF5 File Format, IV.A.1.a)."""
    if address + 16 > len(data) or data[address] != 1:
        return
    count, = struct.unpack_from("<H", data, address + 2)
    size, = struct.unpack_from("<I", data, address + 8)
    blocks = [(address + 16, size)]
    while blocks and count > 0:
        position, size = blocks.pop(0)
        end = min(position + size, len(data))
        while position + 8 <= end and count > 0:
            kind, length = struct.unpack_from("<HH", data, position)
            yield kind, position, 8 + length
            if kind == 0x10 and position + 24 <= len(data):
                blocks.append(struct.unpack_from("<QQ", data, position + 8))
            position += 8 + length
            count -= 1


def places(path):
    """Start and length of every structure of a good file that leads HDF5 to the values, by kind."""
    data = path.read_bytes()
    places = {"superblock": [(0, 96)], "headers": [], "messages": [], "layouts": [], "filters": [], "types": [],
              "spaces": [], "trees": [], "heaps": [], "names": []}
    with h5py.File(path, "r", locking=False) as file:
        objects = [file, file["metadata"], file["analysis"], file["metadata/songs"], file["analysis/songs"],
                   file[PITCHES]]
        addresses = [h5py.h5o.get_info(entry.id).addr for entry in objects]
    add_structures(places, data, addresses, {0x1: "spaces", 0x3: "types", 0x8: "layouts", 0xB: "filters"})
    return {kind: entries for kind, entries in places.items() if entries}


def add_structures(places, data, addresses, kinds):
    """Adds start and length of the objects' headers at these addresses and of the messages in them, which `kinds` calls
    by the number of their type, and of every B-tree, heap and table of names."""
    for address in addresses:
        places["headers"].append((address, 16))
        for kind, start, length in header_messages(data, address):
            places[kinds.get(kind, "messages")].append((start, length))
    for signature, kind, length in ((b"TREE", "trees", 120), (b"HEAP", "heaps", 32), (b"SNOD", "names", 200)):
        position = data.find(signature)
        while position >= 0:
            places[kind].append((position, length))
            position = data.find(signature, position + 4)


@functools.cache
def known(path):
    """Of a good file of one song: where its structures lie, and the song's Last.fm record."""
    with h5py.File(path, "r", locking=False) as file:
        song, track = file["metadata/songs"][0], file["analysis/songs"][0]["track_id"].decode()
    record = {"artist": song["artist_name"].decode(), "timestamp": "", "similars": [], "tags": [["rock", "100"]],
              "track_id": track, "title": song["title"].decode()}
    return places(path), record


# Damage to the bytes

def cut(data, rng, places):
    return data[: rng.choice([rng.randrange(len(data)), rng.randrange(4096), len(data) - rng.randrange(1, 64)])]


def flip_anywhere(data, rng, places):
    for _ in range(rng.choice([1, 8, 64, 512])):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return data


def flip_in_structure(data, rng, places):
    for _ in range(rng.choice([1, 2, 4])):
        start, length = rng.choice(places[rng.choice(sorted(places))])
        data[min(start + rng.randrange(length), len(data) - 1)] ^= 1 << rng.randrange(8)
    return data


def set_in_structure(data, rng, places):
    start, length = rng.choice(places[rng.choice(sorted(places))])
    width = rng.choice([1, 2, 4, 8])
    position = min(start + rng.randrange(max(1, length - width)), len(data) - width)
    value = rng.choice(LARGE + [len(data), len(data) - 1, rng.getrandbits(64)]) & (2 ** (8 * width) - 1)
    data[position : position + width] = value.to_bytes(width, "little")
    return data


def fill_block(data, rng, places):
    start, length = rng.randrange(len(data)), rng.choice([16, 512, 4096, 65536])
    end = min(start + length, len(data))
    data[start:end] = rng.choice([bytes(end - start), b"\xff" * (end - start), rng.randbytes(end - start)])
    return data


def swap_blocks(data, rng, places):
    length = rng.choice([64, 512, 4096])
    one, other = (rng.randrange(max(1, len(data) - length)) for _ in range(2))
    data[one : one + length], data[other : other + length] = data[other : other + length], data[one : one + length]
    return data


def point_back(data, rng, places):
    """An address inside a structure is made that of another one: loops, and things in place of others."""
    start, length = rng.choice(places[rng.choice(sorted(places))])
    target, _ = rng.choice(places[rng.choice(sorted(places))])
    position = min(start + 8 * rng.randrange(max(1, length // 8)), len(data) - 8)
    data[position : position + 8] = target.to_bytes(8, "little")
    return data


def shift(data, rng, places):
    """Bytes lost or won in the middle: everything behind them lies elsewhere."""
    position, length = rng.randrange(len(data)), rng.choice([1, 8, 4096])
    return data[:position] + (data[position + length :] if rng.random() < 0.5 else rng.randbytes(length) + data[position:])


BYTES = [cut, flip_anywhere, flip_in_structure, flip_in_structure, set_in_structure, set_in_structure, set_in_structure,
         fill_block, swap_blocks, point_back, point_back, shift]


# Files that are whole, and wrong

def replace(file, name, **options):
    del file[name]
    return file.create_dataset(name, **options)


def row_with(file, name, field, value, kind=None):
    """The one row of a table again, with another value or type in one field."""
    old = file[name][0]
    types = [(each, kind if each == field and kind is not None else old.dtype[each]) for each in old.dtype.names]
    row = numpy.zeros(1, types)
    for each in old.dtype.names:
        row[each] = value if each == field else old[each]
    replace(file, name, data=row)


def swap_datasets(file, rng):
    names = [f"analysis/{name}" for name in file["analysis"]] + [f"metadata/{name}" for name in file["metadata"]]
    one = rng.choice([PITCHES, "analysis/songs", "metadata/songs"])
    other = rng.choice([name for name in names if name != one])
    file.move(one, "aside")
    file.move(other, one)
    file.move("aside", other)
    return one != PITCHES or other != "analysis/segments_timbre"


def delete_something(file, rng):
    del file[rng.choice([PITCHES, "analysis", "metadata", "analysis/songs", "metadata/songs"])]
    return True


def another_shape(file, rng):
    values = file[PITCHES][:]
    wrong = rng.choice([values[:, :11], values.ravel(), values[:, :, None], numpy.float64(0.5), values.T,
                        numpy.concatenate([values, values], axis=1)])
    replace(file, PITCHES, data=wrong)
    return wrong.shape[1:] != (12,)


def another_type(file, rng):
    values = file[PITCHES][:]
    kind = rng.choice(["i4", "u1", "S8", "bool", "c16", "record", "text", "reference", "opaque", "array"])
    if kind == "record":
        data = numpy.zeros(values.shape, [("a", "f8"), ("b", "S3")])
    elif kind == "text":
        replace(file, PITCHES, shape=values.shape, dtype=h5py.string_dtype())
        return True
    elif kind == "reference":
        replace(file, PITCHES, shape=values.shape, dtype=h5py.ref_dtype)
        return True
    elif kind == "opaque":
        data = numpy.zeros(values.shape, "V8")
    elif kind == "array":
        replace(file, PITCHES, shape=values.shape, dtype=numpy.dtype(("f8", (3,))))
        return True
    else:
        data = values.astype(kind)
    replace(file, PITCHES, data=data)
    return True


def no_numbers(file, rng):
    pitches = file[PITCHES]
    for _ in range(rng.choice([1, 100])):
        pitches[rng.randrange(min(len(pitches), 60)), rng.randrange(12)] = rng.choice(
            [numpy.nan, numpy.inf, -numpy.inf, -0.5, 1.5, 1e300, -5e-324])
    return len(pitches) > 0


def other_length(file, rng):
    length = rng.choice([0, 1, len(file[PITCHES]) + 1, 100_000, 2**40, 2**62])
    file[PITCHES].resize(length, axis=0)
    return length > 2**20


def negative_length(file, rng):
    """Negative starts, for readers that take the length as the difference of two."""
    table = file["analysis/songs"]
    row = table[:]
    row["idx_segments_pitches"] = rng.choice([-1, -(2**31), 2**31 - 1])
    table[:] = row
    return False


def rows(file, rng):
    name = rng.choice(["analysis/songs", "metadata/songs"])
    file[name].resize(rng.choice([0, 2, 1000, 2**33]), axis=0)
    return True


def wrong_identifier(file, rng):
    row_with(file, "analysis/songs", "track_id",
             rng.choice([b"", b"TR", b"TRAAAAA", b"\xff" * 18, b"SOAAABD128F429CF47", b"TRAAABD128F42\x009CF47", b"\x1b[2J\x0b\xc2\x85"]))
    return True


def text_of_a_million(file, rng):
    field = rng.choice(["title", "artist_name", "artist_id"])
    way = rng.choice(["filled", "empty", "number", "missing", "wide"])
    if way == "filled":
        row_with(file, "metadata/songs", field, b"a" * 1_000_000, "S1000000")
        return True
    if way == "wide":
        row_with(file, "metadata/songs", field, b"a", "S40000000")
        return True
    if way == "number":
        row_with(file, "metadata/songs", field, 1.5, "f8")
        return True
    if way == "missing":
        old = file["metadata/songs"][:]
        replace(file, "metadata/songs", data=old[[name for name in old.dtype.names if name != field]].copy())
        return True
    row_with(file, "metadata/songs", field, b"")
    return False


def texts_of_any_length(file, rng):
    old = file["metadata/songs"][0]
    kind = numpy.dtype([("title", h5py.string_dtype()), ("artist_name", h5py.string_dtype()), ("artist_id", "S32")])
    replace(file, "metadata/songs", data=numpy.array(
        [(old["title"].decode(errors="replace"), "a" * 1_000_000, old["artist_id"])], kind))
    return True


def a_million_texts(file, rng):
    replace(file, rng.choice([PITCHES, "analysis/songs"]), shape=(1_000_000,), dtype="S1", chunks=(1000,))
    return True


def links(file, rng):
    name = rng.choice([PITCHES, "analysis/songs", "metadata/songs", "analysis"])
    del file[name]
    file[name] = rng.choice([
        h5py.SoftLink("/" + name), h5py.SoftLink("/nowhere"), h5py.ExternalLink("/dev/zero", "/"),
        h5py.ExternalLink(file.filename, "/"), h5py.ExternalLink("../../../nowhere.h5", "/" + name)])
    return True


def a_group_instead(file, rng):
    name = rng.choice([PITCHES, "analysis/songs", "metadata/songs"])
    del file[name]
    file[name] = file["/"] if rng.random() < 0.5 else file.create_group("other")
    return True


def elsewhere(file, rng):
    """Values in other files: a device without end, a program's memory, a virtual dataset of itself."""
    if rng.random() < 0.3:
        layout = h5py.VirtualLayout(shape=(100, 12), dtype="f8")
        layout[:] = h5py.VirtualSource(".", PITCHES, shape=(100, 12))
        del file[PITCHES]
        file.create_virtual_dataset(PITCHES, layout)
        return True
    replace(file, PITCHES, shape=(100, 12), dtype="f8",
            external=[(rng.choice(["/dev/zero", "/dev/stdin", "/proc/self/mem", "/etc/passwd"]), 0, 9600)])
    return True


def huge_chunks(file, rng):
    replace(file, PITCHES, shape=(1000, 12), maxshape=(None, 12), dtype="f8",
            chunks=rng.choice([(2**25, 12), (2**24, 12), (40_000_000, 12)]))
    return True


def other_filters(file, rng):
    """Other ways of storing the same values: all of them may be read, and none may do harm."""
    values = file[PITCHES][:]
    replace(file, PITCHES, data=values, maxshape=(None, 12), chunks=(85, 12), **rng.choice([
        {"compression": "lzf"}, {"fletcher32": True, "compression": "gzip"}, {"compression": "gzip"}, {},
        {"shuffle": True}, {"scaleoffset": 3}]))
    return False


def unknown_filter(file, rng):
    values = file[PITCHES][:]
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_chunk((85, 12))
    creation.set_filter(rng.choice([32000, 305, 32015]), h5py.h5z.FLAG_OPTIONAL, (1, 2, 3))
    space = h5py.h5s.create_simple(values.shape, (h5py.h5s.UNLIMITED, 12))
    del file[PITCHES]
    dataset = h5py.Dataset(h5py.h5d.create(file.id, PITCHES.encode(), h5py.h5t.IEEE_F64LE, space, creation))
    dataset.id.write_direct_chunk((0, 0), rng.randbytes(100))
    return True


def other_chunk(file, rng):
    """A chunk that unpacks to something else than its size says, or to nothing."""
    size = rng.choice([0, 8, 8159, 8161, 1 << 26])
    packed = bombs.setdefault(size, zlib.compress(bytes(size), 1))
    bad = rng.choice([packed, packed[:-1], b"", b"\x78\x01" + rng.randbytes(200), rng.randbytes(8160)])
    for name, place in ((PITCHES, (0, 0)), ("metadata/songs", (0,))):
        if name == PITCHES or rng.random() < 0.3:
            file[name].id.write_direct_chunk(place, bad or b"\x00")
    return True


bombs = {}

WHOLE = [swap_datasets, delete_something, another_shape, another_type, no_numbers, no_numbers, other_length,
         negative_length, rows, wrong_identifier, text_of_a_million, texts_of_any_length, a_million_texts, links,
         a_group_instead, elsewhere, huge_chunks, other_filters, unknown_filter, other_chunk]


# Last.fm records

def json_text(record, rng):
    """A damaged record's bytes, and whether nothing can be made of them."""
    text = json.dumps(record).encode()
    way = rng.randrange(10)
    if way == 0:
        return text[: rng.randrange(len(text))], True
    if way == 1:
        data = bytearray(text)
        for _ in range(rng.choice([1, 8, 64])):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        return bytes(data), False
    if way == 2:
        return json.dumps({**record, rng.choice(sorted(record)): rng.choice(
            [None, 7, -1.5, [], {}, [[]], "", "\udc00", "a" * 1_000_000, [["rock"]], [["rock", None]], [[1, 2]],
             [["rock", "-Infinity"]], [["rock", "nan"]], [["rock", "1e400"]], [["rock", -5]]])}).encode(), False
    if way == 3:
        return json.dumps({key: value for key, value in record.items() if key != rng.choice(sorted(record))}).encode(), False
    if way == 4:
        return rng.choice([b"[", b'{"a":', b"[{"]) * rng.choice([100, 100_000]), True
    if way == 5:
        return rng.choice([b"", b"null", b"7", b"[]", b'"text"', b"\xef\xbb\xbf" + text, text + text, b"\x00" * 100,
                           text.decode().encode("utf-16"), b"NaN", b"-", text.replace(b'"100"', b"NaN"),
                           text.replace(b'"100"', b"1" * 400)]), False
    if way == 6:
        return text.replace(b"rock", rng.choice([b"\xff\xfe", b"\x00", b"\\ud800", b"\\u0000", b"\n", b"\\x"])), False
    if way == 7:
        return json.dumps({**record, "tags": [["tag %d" % n, "1"] for n in range(100_000)]}).encode(), False
    if way == 8:
        return b'{"artist": "a", ' + text[1:], False
    return rng.randbytes(rng.choice([1, 100, 10_000])), True


# The tags in a database

def database(tree, path):
    """The tags of a tree's songs as `lastfm_tags.db` has them; its bytes."""
    with contextlib.closing(sqlite3.connect(path)) as tags, tags:
        tags.executescript("create table tids (tid text); create table tags (tag text);"
                           "create table tid_tag (tid int, tag int, val float);")
        for number, file in enumerate(sorted(tree.msd.iterdir()), 1):
            tags.execute("insert into tids values (?)", [file.stem])
            tags.executemany("insert into tid_tag values (?, ?, ?)", [(number, tag, 100.0) for tag in range(1, 200)])
        tags.executemany("insert into tags values (?)", [["rock" if tag == 1 else f"tag {tag}"] for tag in range(1, 200)])
        tags.executescript("create index tids_tid on tids (tid); create index tid_tag_tid on tid_tag (tid);")
    return path.read_bytes()


def damaged_database(whole, seed):
    """Bytes of a database, damaged in its header, in a page's header, or anywhere."""
    rng, data = random.Random(seed), bytearray(whole)
    way = rng.randrange(6)
    if way == 0:
        return bytes(data[: rng.choice([rng.randrange(len(data)), rng.randrange(100), 100, 0])])
    if way == 1:
        for _ in range(rng.choice([1, 3])):
            data[rng.randrange(16, 100)] = rng.choice([0, 1, 0x7F, 0xFF, rng.randrange(256)])
    elif way == 2:
        for _ in range(rng.choice([1, 8])):
            data[rng.randrange(len(data) // 4096) * 4096 + rng.randrange(12)] = rng.choice([0, 2, 5, 10, 13, 0xFF])
    elif way == 3:
        for _ in range(rng.choice([1, 64, 2000])):
            data[rng.randrange(100, len(data))] ^= 1 << rng.randrange(8)
    elif way == 4:
        page, other = (rng.randrange(len(data) // 4096) * 4096 for _ in range(2))
        data[page : page + 4096] = data[other : other + 4096]
    else:
        start = rng.randrange(len(data))
        data[start : start + 4096] = bytes(min(4096, len(data) - start))
    return bytes(data)


# A tree of them

class Tree:
    """A folder with `msd/` and `lastfm/` of good songs and mutants, and what is known of each."""

    def __init__(self, folder):
        self.msd, self.lastfm = Path(folder) / "msd", Path(folder) / "lastfm"
        self.msd.mkdir(parents=True)
        self.lastfm.mkdir()
        # File names; of mutants what was done to them.
        self.good, self.mutants, self.records, self.surely_bad = set(), {}, {}, set()

    def add(self, source, rng, good):
        """A song from a track file: as it is, or with a damaged track file, or with a damaged Last.fm record."""
        places, record = known(source)
        path, text = self.msd / source.name, json.dumps(record).encode()
        data = bytearray(source.read_bytes())
        way = rng.random()
        if good:
            self.good.add(source.name)
        elif way < 0.1:
            text, bad = json_text(record, rng)
            self.records[source.stem + ".json"] = text
            if bad:
                self.surely_bad.add(source.stem + ".json")
        elif way < 0.6:
            damage = rng.choice(BYTES)
            self.mutants[source.name] = damage.__name__
            data = damage(data, rng, places)
        path.write_bytes(data)
        if not good and way >= 0.6:
            damage = rng.choice(WHOLE)
            self.mutants[source.name] = damage.__name__
            with h5py.File(path, "r+", locking=False) as file:
                if damage(file, rng):
                    self.surely_bad.add(source.name)
        (self.lastfm / (source.stem + ".json")).write_bytes(text)


def make_tree(folder, sources, seed, *, good=20):
    """Makes a mutant of each of the given track files, which are of different songs, but of the first `good`."""
    tree = Tree(folder)
    for number, source in enumerate(sources):
        tree.add(source, random.Random(f"{seed}:{source.name}"), number < good)
    return tree


def track_files(folder):
    return sorted(Path(folder).rglob("*.h5"))


# What a run must make of it

MEMORY = 2 << 30


def check(tree, snapshot, ranks, segments=60, timeout=600):
    """Prepares from the tree and insists that every file is read or listed with its cause, whatever it holds.

    Returns the listed causes by file name."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    outcome = program.run("prepare", "--msd", tree.msd, "--lastfm", tree.lastfm, "--segments", segments,
                          "--out", snapshot, ranks=ranks, timeout=timeout)
    assert outcome.code == program.DONE, str(outcome)
    seen = [crash for crash in program.CRASHES + ("warning",) if crash in outcome.output + outcome.errors]
    assert not seen, f"{seen}\n{outcome}"
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert largest == before or largest * 1024 < MEMORY, f"a process took {largest >> 10} MiB"

    listed = listed_causes(snapshot)
    tracks = {name: cause for name, cause in listed.items() if name.endswith(".h5")}
    records = {name for name in listed if name.endswith(".json")}
    missed = sorted(f"{name} ({tree.mutants.get(name, 'record')})" for name in tree.surely_bad - listed.keys())
    assert not missed, f"read as if they were good: {missed}"
    assert tracks.keys() <= tree.mutants.keys(), f"good files listed: {sorted(tracks.keys() - tree.mutants.keys())}"
    assert records <= tree.records.keys(), f"good records listed: {sorted(records - tree.records.keys())}"

    with h5py.File(snapshot, "r", locking=False) as file:
        kept = {each.decode() for each in file["songs/track_id"][:]}
    funnel = json.loads(program.succeed("inspect", snapshot, "--json").output)["funnel"]
    everything = len(tree.good) + len(tree.mutants) + len(tree.records)
    assert (funnel["files"], funnel["read"]) == (everything, everything - len(tracks)), (
        f"{funnel}, expected {everything} files, {len(tracks)} of them listed\n{outcome}")
    long_enough = {name for name in tree.good if segments_of(tree.msd / name) >= segments}
    lost = sorted(name for name in long_enough if name.removesuffix(".h5") not in kept)
    assert not lost, f"good songs lost: {lost}"
    return listed


def listed_causes(snapshot):
    """What is listed beside a snapshot, by the file's name: one line each, with a cause."""
    text = Path(f"{snapshot}.skipped.tsv").read_text()
    lines = text.split("\n")[:-1]
    assert text.splitlines() == lines, "a file's own bytes break lines of the list"
    assert "\x1b" not in text, "a file's own bytes steer the terminal"
    listed = {Path(path).name: cause for path, cause in (line.split("\t", 1) for line in lines)}
    assert len(listed) == len(lines) and all(cause.strip() for cause in listed.values())
    return listed


def segments_of(path):
    with h5py.File(path, "r", locking=False) as file:
        return len(file[PITCHES])

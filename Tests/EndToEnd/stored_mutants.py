"""Damaged snapshots and checkpoints, made from good ones; the same seed makes the same files."""

import random
from pathlib import Path

import h5py
import numpy

import hostile_files
import mutants
import program


def places(path):
    """Start and length of every structure of a file that leads HDF5 to the values, by kind."""
    data = Path(path).read_bytes()
    found = {"superblock": [(0, 96)], "headers": [], "messages": [], "layouts": [], "attributes": [], "trees": [],
             "heaps": [], "names": []}
    addresses = [0]
    with h5py.File(path, "r", locking=False) as file:
        addresses = [h5py.h5o.get_info(file.id).addr]
        file.visititems(lambda _, item: addresses.append(h5py.h5o.get_info(item.id).addr))
    mutants.add_structures(found, data, addresses, {0x8: "layouts", 0xB: "layouts", 0xC: "attributes"})
    return {kind: entries for kind, entries in found.items() if entries}


# Files that are whole, and wrong

def datasets(file):
    names = []
    file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
    return names


def another_shape(file, rng):
    name = rng.choice(datasets(file))
    shape = rng.choice([(0,), (1,), (7,), (2**20, 2**20), (2**58,), ()])
    mutants.replace(file, name, shape=shape, dtype=rng.choice(["u1", "f4", "i8", "S1"]),
                    **({"chunks": True} if len(shape) > 1 else {}))


def another_type(file, rng):
    name = rng.choice(datasets(file))
    shape = file[name].shape
    mutants.replace(file, name, shape=shape, dtype=rng.choice(
        ["u1", "f8", "S4", "V8", "S100000", h5py.string_dtype(), h5py.ref_dtype]))


def nothing(file, rng):
    del file[rng.choice(datasets(file) + list(file))]


def loop_of_groups(file, rng):
    file[rng.choice(list(file)) + "/again"] = file["/"]


def elsewhere(file, rng):
    name = rng.choice(datasets(file))
    shape = file[name].shape or (1,)
    mutants.replace(file, name, shape=shape, dtype="u1", external=[
        (rng.choice(["/dev/zero", "/dev/stdin", "/etc/passwd"]), 0, h5py.h5f.UNLIMITED)])


def a_link(file, rng):
    name = rng.choice(datasets(file))
    del file[name]
    file[name] = rng.choice([h5py.SoftLink("/" + name), h5py.ExternalLink("/dev/zero", "/"), h5py.SoftLink("/nowhere")])


def other_values(file, rng):
    name = rng.choice([name for name in datasets(file) if file[name].size and file[name].dtype.kind in "uif"])
    values = file[name][...]
    values[...] = rng.choice([255, -1, 2**31 - 1, 0]) if values.dtype.kind == "i" else rng.choice([255, 0, 7])
    if values.dtype.kind == "f":
        values[...] = rng.choice([numpy.nan, numpy.inf, 1e30])
    file[name][...] = values


def attribute(file, rng):
    name = rng.choice(list(file.attrs))
    file.attrs[name] = rng.choice([
        "", "text", "{", "[" * 10_000, "a" * 60_000, 0, -1, 2**62, numpy.nan, [1, 2, 3], numpy.zeros(1000), b"\xff\xfe",
        '{"segments": 1e999}'])


def no_attribute(file, rng):
    del file.attrs[rng.choice(list(file.attrs))]


def damaged_chunk(file, rng):
    chunked = [name for name in datasets(file) if file[name].chunks and file[name].size]
    if not chunked:
        return other_values(file, rng)
    dataset = file[rng.choice(chunked)]
    chunk = dataset.id.get_chunk_info(rng.randrange(dataset.id.get_num_chunks()))
    dataset.id.write_direct_chunk(chunk.chunk_offset, rng.choice([b"\x00", b"\x78\x01" + rng.randbytes(200)]),
                                  rng.choice([0, 0, 1, 2, 3]))


WHOLE = [another_shape, another_type, nothing, loop_of_groups, elsewhere, a_link, other_values, attribute, attribute,
         no_attribute, damaged_chunk, damaged_chunk]


def endless(path):
    """Its format is a text of any length, in a heap over which HDF5 loops (`hostile_files.without_rest`)."""
    with h5py.File(path, "r+", locking=False) as file:
        value = file.attrs["format"]
        del file.attrs["format"]
        file.attrs.create("format", value, dtype=h5py.string_dtype())
    path.write_bytes(hostile_files.without_rest(path.read_bytes()))


def crashing(path):
    """Every tree of names or chunks is its own child, for ever."""
    data = bytearray(path.read_bytes())
    position = data.find(b"TREE")
    while position >= 0:
        data[position + 5] = 1
        # A key of names has 8 bytes; one of chunks 8 and 8 for each axis and one more, of which there are 3 here.
        child = position + (32 if data[position + 4] == 0 else 24 + 8 + 8 * 4)
        data[child : child + 8] = position.to_bytes(8, "little")
        position = data.find(b"TREE", position + 4)
    path.write_bytes(data)


def mutant(good, path, seed):
    """Makes a mutant of a good file; what was done to it."""
    rng = random.Random(seed)
    if rng.random() < 0.65:
        damage = rng.choice(mutants.BYTES)
        path.write_bytes(damage(bytearray(Path(good).read_bytes()), rng, places(good)))
    else:
        damage = rng.choice(WHOLE)
        path.write_bytes(Path(good).read_bytes())
        with h5py.File(path, "r+", locking=False) as file:
            damage(file, rng)
    return damage.__name__


SMALL = ["--filters", "[4,4,4]", "--recurrent-units", 4, "--threads", 1, "--epochs", 1, "--batch-size", 8, "--split",
         "random:0.8"]


def train(data, out):
    return ["train", "--data", data, "--out", out, *SMALL]


def make_good(folder, sources):
    """Snapshots of both forms and a checkpoint, from good track files; by name."""
    tree = mutants.make_tree(folder / "tree", sources, 0, good=len(sources))
    good = {"snapshot": folder / "snapshot.h5", "whole": folder / "whole.h5"}
    songs = ["prepare", "--msd", tree.msd, "--lastfm", tree.lastfm]
    program.succeed(*songs, "--segments", 252, "--out", good["snapshot"])
    program.succeed(*songs, "--segments", "all", "--features", "both", "--out", good["whole"])
    program.succeed(*train(good["snapshot"], folder / "good"))
    return good | {"checkpoint": folder / "good/checkpoints/epoch-0001.h5"}


def commands(name, path, good, track, run):
    """What is done with a mutant of a good file of this name."""
    if name != "checkpoint":
        return [["inspect", path], train(path, run)]
    return [["inspect", path], ["evaluate", "--checkpoint", path, "--data", good["snapshot"], "--threads", 1],
            ["predict", "--checkpoint", path, track, "--threads", 1]]


def check(path, command, **options):
    """Runs a command on a damaged file: done, or refused in one line with the file's name. Whether it was refused."""
    outcome = program.run(*command, timeout=120, **options)
    seen = [crash for crash in program.CRASHES if crash in outcome.output + outcome.errors]
    assert not seen, f"{seen}\n{outcome}"
    if outcome.code == program.DONE:
        return False
    program.refuse(outcome, program.BAD_DATA, Path(path).name)
    return True

"""Track files over which the HDF5 library itself crashes or never comes back, made from good ones.

Both are legal to the eye of h5py but for one number (HDF5 File Format Specification, version 1 of superblock and
B-trees, III.A.1 and III.E). Later versions of the library may say what is wrong instead.
"""

import re
import struct
import subprocess

import h5py

import program

PITCHES = "analysis/segments_pitches"


def hdf5_is_1_10():
    """Whether the program's library is of the series for which these files were made."""
    libraries = subprocess.run(["ldd", program.BINARY], text=True, stdout=subprocess.PIPE).stdout
    return re.search(r"libhdf5\S*\.so\.103\b", libraries) is not None


def crashing(data):
    """The root group's names stand in a tree whose only child is the tree itself: the library follows it until its
    stack is full."""
    data = bytearray(data)
    # The tree's address stands in the root's entry in the superblock, behind its name, header, kind and four zeros.
    tree, = struct.unpack_from("<Q", data, 56 + 24)
    assert data[tree : tree + 6] == b"TREE\0\0", "expected a group's tree of one level"
    data[tree + 5] = 1
    # The child follows the tree's head (24 bytes) and the first key.
    struct.pack_into("<Q", data, tree + 32, tree)
    return bytes(data)


def endless(path):
    """In place of a track file: its pitches are a virtual dataset, whose description stands in a heap in which the
    free rest is said to have no bytes. The library goes from that object to the one behind it, which is the same."""
    with h5py.File(path, "r+", locking=False) as file:
        layout = h5py.VirtualLayout(shape=(100, 12), dtype="f8")
        layout[:] = h5py.VirtualSource(".", PITCHES, shape=(100, 12))
        del file[PITCHES]
        file.create_virtual_dataset(PITCHES, layout)
    path.write_bytes(without_rest(path.read_bytes()))


def without_rest(data):
    """A file's first heap of objects of any length, its free space said to have no bytes."""
    data = bytearray(data)
    heap = data.index(b"GCOL")
    size, = struct.unpack_from("<Q", data, heap + 8)
    place = heap + 16
    while place < heap + size:
        number, _, _, length = struct.unpack_from("<HHIQ", data, place)
        if number == 0:
            struct.pack_into("<Q", data, place + 8, 0)
            return bytes(data)
        place += 16 + (length + 7) // 8 * 8
    raise AssertionError("no free space in the heap")

"""Checkpoints whose contents were changed and whose checksum was made right again, as somebody with intent would."""

import shutil
import struct

import h5py
import numpy

MASK = 2**64 - 1
PRIMES = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5)


def rotated(value, bits):
    return (value << bits | value >> 64 - bits) & MASK


def xxh64(data):
    """XXH64 with seed 0, after its specification (https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md)."""
    one, two, three, four, five = PRIMES

    def scrambled(lane):
        return rotated(lane * two & MASK, 31) * one & MASK

    whole = len(data) // 32 * 32
    if whole:
        lanes = [(one + two) & MASK, two, 0, -one & MASK]
        for words in struct.iter_unpack("<4Q", data[:whole]):
            lanes = [rotated((lane + word * two) & MASK, 31) * one & MASK for lane, word in zip(lanes, words)]
        state = sum(rotated(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18))) & MASK
        for lane in lanes:
            state = ((state ^ scrambled(lane)) * one + four) & MASK
    else:
        state = five
    state = (state + len(data)) & MASK
    rest = data[whole:]
    while len(rest) >= 8:
        state = (rotated(state ^ scrambled(int.from_bytes(rest[:8], "little")), 27) * one + four) & MASK
        rest = rest[8:]
    if len(rest) >= 4:
        state = (rotated(state ^ int.from_bytes(rest[:4], "little") * one & MASK, 23) * two + three) & MASK
        rest = rest[4:]
    for byte in rest:
        state = rotated(state ^ byte * five & MASK, 11) * one & MASK
    state = (state ^ state >> 33) * two & MASK
    state = (state ^ state >> 29) * three & MASK
    return f"{state ^ state >> 32:016x}"


def checksum(path):
    """As docs/formats.md has it."""
    entries = {}

    def count(number):
        return struct.pack("<Q", number)

    def counted(text):
        return count(len(text)) + text

    def visit(name, item):
        if not isinstance(item, h5py.Dataset):
            return
        if name.startswith("texts/"):
            data = counted(item[()])
        elif name.startswith("lists/"):
            data = count(len(item)) + b"".join(counted(text) for text in item[:])
        elif name.startswith(("integers/", "numbers/")):
            data = item[()].tobytes()
        else:
            data = count(item.ndim) + b"".join(count(extent) for extent in item.shape) + item[...].tobytes()
        entries[name.encode()] = data

    with h5py.File(path, "r", locking=False) as file:
        file.visititems(visit)
    return xxh64(b"".join(counted(name) + entries[name] for name in sorted(entries)))


def changed(good, path, values):
    """Copies a checkpoint with other values of some entries, by their full names; nothing else about it is wrong."""
    shutil.copy(good, path)
    with h5py.File(path, "r+", locking=False) as file:
        for name, value in values.items():
            if isinstance(value, str):
                value = numpy.bytes_(value.encode())
                del file[name]
                file.create_dataset(name, data=value)
            else:
                file[name][...] = value
    return sealed(path)


def sealed(path):
    """Gives a checkpoint the checksum of what it now holds."""
    right = checksum(path)
    with h5py.File(path, "r+", locking=False) as file:
        file.attrs["checksum"] = numpy.bytes_(right.encode())
    return path

"""Philox4x32-10 in numpy: the program's only source of chance (Sources/RandomNumbers), so that Python and Swift
draw the same weights, inputs and dropout masks from a seed."""

import numpy as np

PURPOSE_DROPOUT = 2
PURPOSE_TEST = 7

_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_INCREMENTS = (0x9E3779B9, 0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)


def words(key, counter):
    """Four arrays of random words for four arrays (or numbers) of counter words."""
    c = [np.asarray(word, dtype=np.uint64) for word in counter]
    for rounds in range(10):
        k0, k1 = (np.uint64((k + rounds * i) & 0xFFFFFFFF) for k, i in zip(key, _INCREMENTS))
        p0, p1 = _MULTIPLIERS[0] * c[0], _MULTIPLIERS[1] * c[2]
        c = [(p1 >> _HALF) ^ c[1] ^ k0, p1 & _LOW, (p0 >> _HALF) ^ c[3] ^ k1, p0 & _LOW]
    return [word.astype(np.uint32) for word in np.broadcast_arrays(*c)]


def key_of(seed):
    return seed & 0xFFFFFFFF, seed >> 32


def stream(seed, count, first=0, second=0, purpose=PURPOSE_TEST):
    """The first `count` words of RandomStream(seed:purpose:first:second:)."""
    blocks = np.arange((count + 3) // 4, dtype=np.uint64)
    return np.stack(words(key_of(seed), (blocks, first, second, purpose << 16)), axis=1).ravel()[:count]


def uniform(*arguments, **named):
    """Words of a stream as numbers in [0, 1), exact in double precision."""
    return stream(*arguments, **named).astype(np.float64) * 2.0**-32


def symmetric(seed, number, shape, bound, second=0):
    """A tensor of numbers in [-bound, bound) from the stream (number, second), rounded to single precision so that
    both languages start from the same values."""
    unit = uniform(seed, int(np.prod(shape)), first=number, second=second)
    return ((2 * unit - 1) * bound).astype(np.float32).reshape(shape)


def dropout_mask(shape, rate, seed, step, song, layer):
    """What one song's map is multiplied by: 0 or 1/(1-rate). `shape` ends with the channels, which count as if
    padded to a multiple of 16; element e draws output word (e % 64) / 16 of counter e / 64 * 16 + e % 16."""
    channels = shape[-1]
    padded = (channels + 15) // 16 * 16
    positions = int(np.prod(shape[:-1], dtype=np.int64))
    blocks = (positions * padded + 63) // 64
    counters = np.arange(blocks * 16, dtype=np.uint64)
    drawn = np.stack(words(key_of(seed), (counters, song, step, PURPOSE_DROPOUT << 16 | layer)))
    drawn = drawn.reshape(4, blocks, 16).transpose(1, 0, 2).ravel()[: positions * padded]
    kept = drawn.reshape(positions, padded)[:, :channels] >= np.uint32(int(rate * 2.0**32))
    return (kept * np.float64(np.float32(1 / (1 - rate)))).reshape(shape)


def check_known_answers():
    """The answers published with Random123 (kat_vectors, philox4x32 10)."""
    known = [
        ((0, 0), (0, 0, 0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((0xFFFFFFFF,) * 2, (0xFFFFFFFF,) * 4, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0xA4093822, 0x299F31D0),
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ]
    for key, counter, answer in known:
        found = tuple(int(word) for word in words(key, counter))
        assert found == answer, f"Philox: found {found}, expected {answer}"

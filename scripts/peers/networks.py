"""What the peers build: the paper's two networks, the original one and the recommended one, and how a measured process tells its result."""

import json
import statistics
import time
from dataclasses import dataclass

TAGS = 50
POOLING = ((2, 2), (2, 2), (3, 3))
SIZES = {"small": (60, 30), "large": (339, 169)}
"""Channels of each convolution, units of each GRU."""
SONG_VALUES, SONG_UNITS, TERMS = 327, (256, 256), 200
"""configs/recommended.yaml: what is known of a song, units of its dense layers, auxiliary targets."""


@dataclass(frozen=True)
class Shape:
    """A network: its input of rows and columns, zeros on either side, windows, channels, units."""

    rows: int
    columns: int
    zeros: int
    pooling: tuple
    filters: tuple
    units: int
    normalizes_time: bool
    """Whether the input's batch norm is over each column, not each row."""
    resets_after: bool


def shape_of(case):
    """The network of a case such as large-252, or choi2016."""
    if case == "choi2016":
        return Shape(96, 1366, 37, ((2, 2), (3, 3), (4, 4), (4, 4)), (64, 128, 128, 128), 32, True, False)
    size, segments = case.split("-")
    channels, units = SIZES[size]
    return Shape(12, int(segments), 0, POOLING, (channels,) * 3, units, False, True)


def measure(step, steps, warm_up):
    """Seconds of each of `steps` calls, after some that are not counted: the first ones compile and allocate."""
    seconds = []
    for number in range(warm_up + steps):
        start = time.perf_counter()
        step()
        if number >= warm_up:
            seconds.append(time.perf_counter() - start)
    return seconds


def tell(batch, seconds, **versions):
    """The last line a measured process prints; the benchmark reads it."""
    speed = batch / statistics.median(seconds)
    print(json.dumps({"songs_per_second": speed, "seconds": seconds, "versions": versions}), flush=True)

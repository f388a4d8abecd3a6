"""What the peers build: the paper's two networks, and how a measured process tells its result."""

import json
import statistics
import time

FREQUENCIES, TAGS = 12, 50
POOLING = ((2, 2), (2, 2), (3, 3))
SIZES = {"small": (60, 30), "large": (339, 169)}
"""Channels of each convolution, units of each GRU."""


def size_of(case):
    """Channels, units and segments of a case such as large-252."""
    size, segments = case.split("-")
    return *SIZES[size], int(segments)


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

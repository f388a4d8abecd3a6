"""Reads checkpoints and metrics with h5py and json alone, as any other tool would."""

import json
import time

import h5py
import numpy

# Facts of the clock, not of the training.
TIMES = ("seconds", "songs_per_second", "time", "created", "written", "_share", "slowest_rank")


def arrays(path):
    """Every dataset of an HDF5 file, by its full name."""
    found = {}

    def visit(name, item):
        if isinstance(item, h5py.Dataset):
            found[name] = item[()]

    with h5py.File(path, "r", locking=False) as file:
        file.visititems(visit)
    return found


def weights(path):
    """The numeric datasets: weights, moving statistics, optimiser state."""
    return {name: values for name, values in arrays(path).items()
            if isinstance(values, numpy.ndarray) and values.dtype.kind in "fiu"}


def differences(first, second):
    """Names of the arrays in which two checkpoints differ by as much as one bit."""
    one, other = weights(first), weights(second)
    assert one, f"{first} holds no arrays"
    assert one.keys() == other.keys(), sorted(one.keys() ^ other.keys())
    return [name for name in one
            if one[name].shape != other[name].shape or one[name].dtype != other[name].dtype
            or one[name].tobytes() != other[name].tobytes()]


def metrics(run, event=None):
    """The lines of a run's metrics.jsonl, all or those of one event."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [line for line in lines if event is None or line["event"] == event]


def wait_for_epoch(run, epoch, told=lambda: "", timeout=120):
    """Returns when a run has made a step of this epoch; what `told` returns explains why it has not."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        try:
            if any(line["epoch"] == epoch for line in metrics(run, "step")):
                return
        except (OSError, ValueError):
            pass  # not there yet, or the last line half-written
        time.sleep(0.02)
    raise AssertionError(f"no epoch {epoch} in {run}\n{told()}")


def without_times(line):
    return {key: value for key, value in line.items() if not any(word in key for word in TIMES)}

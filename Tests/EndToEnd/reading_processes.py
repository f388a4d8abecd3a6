"""The processes that read track files for ranks, found in /proc."""

import os
import time

READING = "read-for-another-process"
# In the environment of a run, which its reading processes inherit, whoever starts them.
MARK = "CRNN_DIST_TEST_MARK"


def _text(process, name):
    try:
        with open(f"/proc/{process}/{name}", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _everything():
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]


def parent(process):
    fields = _text(process, "stat").rpartition(")")[2].split()
    return int(fields[1]) if fields else None


def of(process):
    """The processes that this one started to read for it."""
    return [each for each in _everything() if parent(each) == process and READING in _text(each, "cmdline")]


def children(process):
    """All processes that this one started."""
    return [each for each in _everything() if parent(each) == process]


def processor_seconds(process):
    fields = _text(process, "stat").rpartition(")")[2].split()
    return int(fields[11]) / os.sysconf("SC_CLK_TCK") if fields else 0


def is_running(process):
    """Whether a process is there, and not only its number, which waits for somebody to ask how it ended."""
    state = _text(process, "stat").rpartition(")")[2].split()
    return bool(state) and state[0] != "Z"


def marked(mark):
    """The reading processes of all ranks of the run that was started with this mark."""
    return [each for each in _everything()
            if READING in _text(each, "cmdline") and f"{MARK}={mark}\0" in _text(each, "environ")]


def wait_until_rank_reads(mark, number, timeout=60):
    """The process of a rank of the run that was started with this mark, once it has one that reads for it."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        for each in ranks(mark):
            if f"OMPI_COMM_WORLD_RANK={number}\0" in _text(each, "environ"):
                return each
        time.sleep(0.02)
    raise AssertionError(f"rank {number} reads nothing")


def ranks(mark):
    """The processes that those read for."""
    return sorted({parent(each) for each in marked(mark)})


def wait_until_reading(mark, count, told=lambda: "", timeout=120):
    """The reading processes, once each of so many ranks has one; what `told` returns explains why there are none."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        found = marked(mark)
        if len(found) >= count:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{len(marked(mark))} reading processes, not {count}\n{told()}")


def wait_until_gone(mark, ranks=(), timeout=20):
    """Insists that no reading process of a run that has ended is left, nor any of these ranks."""
    def left():
        return marked(mark) + [rank for rank in ranks if is_running(rank)]

    deadline = time.monotonic() + timeout
    while left() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not left(), f"left over: {left()}"

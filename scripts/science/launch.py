"""How scripts call crnn-dist: the binary, under mpirun where ranks are wanted."""

import os
import shlex
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("CRNN_DIST", ROOT / ".build/release/crnn-dist"))


def cores():
    return len(os.sched_getaffinity(0))


def command(ranks=None):
    """What comes before the arguments; without ranks no mpirun."""
    if not ranks:
        return [str(BINARY)]
    crowded = ["--oversubscribe"] if ranks > cores() else []
    return ["mpirun", "-np", str(ranks), *crowded, *shlex.split(os.environ.get("CRNN_DIST_MPIRUN_OPTIONS", "")), str(BINARY)]

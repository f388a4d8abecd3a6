"""How scripts call crnn-dist: the binary, under mpirun where ranks are wanted, and the environment of both."""

import os
import shlex
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Absolute, since some scripts call it in another folder.
BINARY = Path(os.environ.get("CRNN_DIST", ROOT / ".build/release/crnn-dist")).absolute()


def cores():
    return len(os.sched_getaffinity(0))


def environment(**extra):
    """This one, with more variables."""
    # Open MPI wants to be told twice that running as root is meant, as in a container.
    allowed = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"} if os.geteuid() == 0 else {}
    return {**os.environ, **allowed, **{name: str(value) for name, value in extra.items()}}


def command(ranks=None):
    """What comes before the arguments; without ranks no mpirun."""
    if not ranks:
        return [str(BINARY)]
    crowded = ["--oversubscribe"] if ranks > cores() else []
    return ["mpirun", "-np", str(ranks), *crowded, *shlex.split(os.environ.get("CRNN_DIST_MPIRUN_OPTIONS", "")), str(BINARY)]

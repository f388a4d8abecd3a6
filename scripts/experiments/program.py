"""Calls crnn-dist, and remembers every line it was called with for the report."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("CRNN_DIST", ROOT / ".build/release/crnn-dist"))


class Trouble(Exception):
    """What ends the script with one line and an exit code."""

    def __init__(self, message, code=70):
        super().__init__(message)
        self.code = code


def environment():
    # Open MPI wants to be told twice that running as root is meant, as in a container.
    allowed = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"} if os.geteuid() == 0 else {}
    return {**os.environ, **allowed}


def cores():
    return len(os.sched_getaffinity(0))


def command(arguments, ranks=1):
    line = [str(BINARY), *(str(each) for each in arguments)]
    if ranks == 1:
        return line
    crowded = ["--oversubscribe"] if ranks > cores() else []
    return ["mpirun", "-np", str(ranks), *crowded, *line]


def as_text(arguments, ranks=1):
    """The line for a reader: paths from where the script was called."""
    def short(word):
        return os.path.relpath(word) if word.startswith("/") and not os.path.relpath(word).startswith("..") else word

    return shlex.join(short(word) if word != str(BINARY) else "crnn-dist" for word in command(arguments, ranks))


def run(arguments, ranks=1, log=None):
    """Runs it to its end; a failure ends the script with what the program said."""
    done = subprocess.run(command(arguments, ranks), env=environment(), stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if log:
        log.write_text(done.stdout + done.stderr)
    if done.returncode:
        print(done.stderr, file=sys.stderr)
        # 75: stopped by a signal after a checkpoint; the same line goes on.
        raise Trouble(f"{as_text(arguments, ranks)}\nended with {done.returncode}", done.returncode)
    return done.stdout


def told(arguments, ranks=1):
    return json.loads(run([*arguments, "--json"], ranks))


def write(path, text):
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    unfinished.write_text(text)
    unfinished.replace(path)

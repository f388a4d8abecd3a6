"""Runs the real crnn-dist, alone or under the real mpirun."""

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("CRNN_DIST", ROOT / ".build/release/crnn-dist"))
CORES = len(os.sched_getaffinity(0))

# Exit codes of the interface.
DONE, USAGE, BAD_DATA, MISSING, OUR_FAULT, STOPPED = 0, 64, 65, 66, 70, 75


@dataclass
class Outcome:
    """What one run of the program said and how it ended."""

    command: str
    code: int
    output: str
    errors: str
    seconds: float

    def __str__(self):
        return (f"{self.command}\nended with {self.code} after {self.seconds:.1f} s\n"
                f"--- output\n{self.output[-4000:]}\n--- errors\n{self.errors[-4000:]}")


def environment(**extra):
    """The environment of every run: as root, mpirun wants to be told twice that this is meant."""
    result = {**os.environ, **{name: str(value) for name, value in extra.items()}}
    if os.geteuid() == 0:
        result |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    return result


def command(arguments, ranks=None):
    """The command line; without ranks the program runs alone, without mpirun."""
    line = [str(BINARY), *map(str, arguments)]
    if ranks is None:
        return line
    launcher = ["mpirun", "-np", str(ranks), "--bind-to", "none"]
    if ranks > CORES:
        launcher.append("--oversubscribe")
    return launcher + line


def run(*arguments, ranks=None, timeout=240, folder=None, **extra):
    """Runs to the end and returns the outcome, whatever it is."""
    return finish(start(*arguments, ranks=ranks, folder=folder, **extra), timeout)


def succeed(*arguments, **options):
    """Runs and insists on exit code 0."""
    outcome = run(*arguments, **options)
    assert outcome.code == DONE, str(outcome)
    return outcome


def start(*arguments, ranks=None, folder=None, **extra):
    """Starts without waiting; `finish` collects. The process leads its own group, so that signals reach it only."""
    process = subprocess.Popen(
        command(arguments, ranks), cwd=folder, env=environment(**extra), text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    process.started = time.monotonic()
    return process


def finish(process, timeout=240):
    try:
        output, errors = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        kill(process)
        output, errors = process.communicate()
        errors += f"\n(killed by the test after {timeout} s)"
    seconds = time.monotonic() - process.started
    return Outcome(" ".join(process.args), process.returncode, output, errors, seconds)


def kill(process):
    """SIGKILL for the program, its mpirun and its ranks at once: the group that `start` made."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass

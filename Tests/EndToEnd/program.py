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
DONE, USAGE, BAD_DATA, MISSING, OUR_FAULT, UNWRITABLE, STOPPED = 0, 64, 65, 66, 70, 74, 75


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
    # Several tests at once have more ranks than there are cores, of which the launcher knows nothing: who waits lets the
    # others go first.
    if "PYTEST_XDIST_WORKER" in os.environ:
        result.setdefault("OMPI_MCA_mpi_yield_when_idle", "1")
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
    return start_line(command(arguments, ranks), folder, **extra)


def hear_all_signals():
    """In the started process: a shell that runs the tests in the background has it ignore those of the terminal."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def start_line(line, folder=None, **extra):
    """Starts any command line."""
    process = subprocess.Popen(
        line, cwd=folder, env=environment(**extra), text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        preexec_fn=hear_all_signals)
    process.started = time.monotonic()
    return process


def finish(process, timeout=240):
    try:
        output, errors = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        kill(process)
        output, errors = process.communicate()
        errors += f"\n(killed by the test after {timeout} s)"
    except BaseException:
        # Tests that are interrupted leave no ranks behind.
        kill(process)
        raise
    seconds = time.monotonic() - process.started
    return Outcome(" ".join(process.args), process.returncode, output, errors, seconds)


def kill(process):
    """SIGKILL for the program, its mpirun and its ranks at once: the group that `start` made."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def wait_until_gone(word, timeout=60):
    """Until no process has this word in its command line: ranks outlive a killed mpirun for a moment, in which they may
    still write."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        lines = []
        for entry in os.listdir("/proc"):
            try:
                lines.append(Path(f"/proc/{int(entry)}/cmdline").read_bytes())
            except (OSError, ValueError):
                pass  # no process, or one that has just gone
        if not any(str(word).encode() in line for line in lines):
            return
        time.sleep(0.02)
    raise AssertionError(f"a process with {word} in its line is still there")


def rank_of(process, word=None):
    """The rank of a process of crnn-dist in its job, under mpirun or srun; nothing where it is none, has just gone, or does
    not have the word in its line."""
    try:
        words = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
        surroundings = Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
    except OSError:
        return None
    if words[0] != str(BINARY).encode() or word is not None and str(word).encode() not in words:
        return None
    return next((int(line.partition(b"=")[2]) for line in surroundings if line.startswith(b"PMIX_RANK=")), None)


def ranks_of(run):
    """The processes that train in a folder, by their ranks."""
    ranks = {rank_of(int(entry), run): int(entry) for entry in os.listdir("/proc") if entry.isdigit()}
    return {rank: process for rank, process in ranks.items() if rank is not None}


def complaints(outcome):
    """The lines in which the program itself says what is wrong; mpirun's own talk around them left out."""
    return [line for line in outcome.errors.splitlines() if line.startswith("crnn-dist: ")]


# What a user must never see, whatever he feeds the program.
CRASHES = ("Fatal error", "Stack dump", "Program crashed", "HDF5-DIAG", "SIGSEGV", "SIGILL", "Segmentation fault",
           "Illegal instruction", "core dumped", "terminate called")


def refuse(outcome, code, *words):
    """Insists that the program refused with this exit code and one clear line that holds these words."""
    assert outcome.code == code, str(outcome)
    lines = complaints(outcome)
    assert len(lines) == 1, f"{len(lines)} complaints, not one\n{outcome}"
    for word in words:
        assert str(word).lower() in lines[0].lower(), f"no {word!r} in the complaint\n{outcome}"
    crashed = [crash for crash in CRASHES if crash in outcome.output + outcome.errors]
    assert not crashed, f"{crashed}\n{outcome}"
    assert outcome.seconds < 30, f"took too long to refuse\n{outcome}"


def real_data():
    """The folder of real files (msd/, lastfm/, aggregate/), or None where it is absent."""
    folder = Path(os.environ.get("CRNN_DIST_REAL_DATA", ROOT.parent / "shared/data"))
    return folder if (folder / "msd").is_dir() else None

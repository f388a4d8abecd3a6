"""One measured process: its command, what it printed, the memory it took, and who else was busy meanwhile."""

import json
import os
import pathlib
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BINARY = ROOT / ".build" / "release" / "crnn-dist"


class Trouble(Exception):
    """A measurement that did not give a result; the message says which and why."""


def busy_seconds():
    """Processor seconds that all processes, or other machines on the same hardware, have used since the start."""
    fields = list(map(int, pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]))
    user, nice, system, _, _, interrupts, soft_interrupts, steal = fields[:8]
    return (user + nice + system + interrupts + soft_interrupts + steal) / os.sysconf("SC_CLK_TCK")


def run(command):
    """The JSON a process prints last, with its largest resident memory (of the largest process it started) and the
    share of the machine that others used meanwhile."""
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        environment = os.environ | {"PYTHONPATH": str(HERE)}
        if os.geteuid() == 0:
            environment |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
        start, busy = time.monotonic(), busy_seconds()
        process = subprocess.Popen(
            list(map(str, command)), stdin=subprocess.DEVNULL, stdout=output, stderr=errors, env=environment, cwd=ROOT
        )
        _, status, usage = os.wait4(process.pid, 0)
        elapsed, busy = time.monotonic() - start, busy_seconds() - busy
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0), errors.seek(0)
        text = output.read()
        if process.returncode != 0:
            raise Trouble(f"{' '.join(map(str, command))}\n{errors.read()[-2000:]}")
    try:
        found = json.loads(text[text.index("{") :])
    except ValueError as error:
        raise Trouble(f"{' '.join(map(str, command))}\nno JSON in what it printed: {text[-500:]!r}") from error
    found["peak_rss_bytes"] = usage.ru_maxrss * 1024
    others = busy - usage.ru_utime - usage.ru_stime
    found["others_share"] = max(0.0, others / elapsed / os.cpu_count())
    return found

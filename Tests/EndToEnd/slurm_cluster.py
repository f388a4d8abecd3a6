"""A real Slurm on this one machine: one controller, two node daemons, an own munge.

Everything lives in a temporary folder with own ports, so that it neither needs nor disturbs a Slurm that
the machine may already have. The daemons run in the foreground as our children: what is stopped at the end
is exactly what was started, by process id, also when a test fails or the tests are interrupted.
"""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

NODES = ("n1", "n2")
# The two nodes of two processors each are one machine: the ranks give way to each other while they wait, and talk
# over the loopback device, since Open MPI believes them on two hosts and would name shared memory twice alike.
ONE_MACHINE = {
    "OMPI_MCA_mpi_yield_when_idle": "1", "OMPI_MCA_btl": "tcp,self", "OMPI_MCA_btl_tcp_if_include": "lo",
}
EXECUTABLES = ("munged", "slurmctld", "slurmd", "sbatch", "scontrol", "srun")
# Debian keeps the daemons where an ordinary user's PATH does not look.
SEARCH_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def missing_executables():
    """The Slurm and munge programs this machine lacks."""
    return [name for name in EXECUTABLES if shutil.which(name, path=SEARCH_PATH) is None]


def _die_with_parent():
    """Runs in the child: the kernel ends it should the tests themselves be killed."""
    parent_death_signal = 1
    ctypes.CDLL(None).prctl(parent_death_signal, signal.SIGTERM)
    # An interrupt typed at the terminal is for the tests, which then stop the daemons in order.
    os.setsid()


def _free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    try:
        for listener in sockets:
            listener.bind(("127.0.0.1", 0))
        return [listener.getsockname()[1] for listener in sockets]
    finally:
        for listener in sockets:
            listener.close()


class SlurmCluster:
    """Starts on entering, stops on leaving. `environment` makes sbatch, squeue and the like speak to it."""

    def __init__(self):
        self.root = Path(tempfile.mkdtemp(prefix="crnn-dist-slurm-"))
        self.daemons = []
        self.environment = {
            **os.environ,
            "PATH": SEARCH_PATH,
            "SLURM_CONF": str(self.root / "slurm.conf"),
        }

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    # Starting and stopping

    def _start(self):
        # munge refuses sockets in folders that others cannot enter, keys that others can read.
        self.root.chmod(0o755)
        for folder in ("state", "log", "spool-n1", "spool-n2"):
            (self.root / folder).mkdir()
        key = self.root / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(os.urandom(1024))
        munge_socket = self.root / "munge.socket"
        self._daemon(
            "munged",
            ["munged", "--foreground", "--force", "--num-threads=2", f"--socket={munge_socket}",
             f"--key-file={key}", f"--pid-file={self.root}/munged.pid", f"--seed-file={self.root}/munge.seed",
             f"--log-file={self.root}/log/munged-own.log"],
        )
        self._wait_for("munge's socket", munge_socket.exists)
        self._write_configuration(munge_socket)
        self._daemon("slurmctld", ["slurmctld", "-D", "-i"])
        for node in NODES:
            self._daemon(f"slurmd-{node}", ["slurmd", "-D", "-N", node])
        self._wait_for("two idle nodes", lambda: self._states() == {"idle"})

    def _write_configuration(self, munge_socket):
        controller, first, second = _free_ports(3)
        host = socket.gethostname().split(".")[0]
        user = subprocess.check_output(["id", "-un"], text=True).strip()
        # The addresses are given, since a container's own host name often resolves to nothing. A requeued job
        # waits until its old credential has expired, hence the short life. cgroups belong to the machine's
        # init, so processes are tracked by their descent, and Slurm itself looks every second whether a step keeps within the
        # memory that it asked for.
        (self.root / "slurm.conf").write_text(f"""\
ClusterName=crnn-dist-test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={munge_socket},cred_expire=5
StateSaveLocation={self.root}/state
SlurmdSpoolDir={self.root}/spool-%n
SlurmctldPidFile={self.root}/slurmctld.pid
SlurmdPidFile={self.root}/slurmd-%n.pid
SlurmctldLogFile={self.root}/log/slurmctld-own.log
SlurmdLogFile={self.root}/log/slurmd-%n-own.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
DefMemPerNode=2000
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=1,sched_interval=1,bf_interval=1
SlurmdParameters=config_overrides
MpiDefault=pmix
JobRequeue=1
KillWait=10
ReturnToService=2
SwitchType=switch/none
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={first} CPUs=4 RealMemory=4000
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={second} CPUs=4 RealMemory=4000
PartitionName=main Nodes=n[1-2] Default=YES MaxTime=INFINITE State=UP
""")

    def _daemon(self, name, command):
        command[0] = shutil.which(command[0], path=SEARCH_PATH)
        with open(self.root / "log" / f"{name}.log", "wb") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment,
                preexec_fn=_die_with_parent,
            )
        self.daemons.append((name, process))

    def stop(self):
        """Cancels what still runs, then ends our own daemons, the last started first."""
        controller = next((process for name, process in self.daemons if name == "slurmctld"), None)
        if controller is not None and controller.poll() is None:
            self._quietly("scancel", "--user", str(os.getuid()), "--signal=KILL", "--full")
            self._quietly("scancel", "--user", str(os.getuid()))
            deadline = time.monotonic() + 15
            while self._quietly("squeue", "--noheader").strip() and time.monotonic() < deadline:
                time.sleep(0.5)
        for _, process in reversed(self.daemons):
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(timeout=10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        self.daemons.clear()
        shutil.rmtree(self.root, ignore_errors=True)

    # Asking

    def command(self, *arguments, check=True, **options):
        """Runs a Slurm command against this cluster and returns what it printed."""
        done = subprocess.run(
            arguments, env={**self.environment, **options.pop("environment", {})}, text=True, timeout=60,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(map(str, arguments))} ended with {done.returncode}:\n{done.stdout}")
        return done.stdout

    def submit(self, script, *arguments, options=(), environment=None, folder=None):
        """Submits a batch script and returns the job's number."""
        printed = self.command(
            "sbatch", "--parsable", *options, str(script), *map(str, arguments),
            environment=environment or {}, cwd=folder)
        return int(printed.strip().splitlines()[-1].split(";")[0])

    def facts(self, job):
        """What `scontrol show job` says, as a dictionary."""
        words = self.command("scontrol", "--oneliner", "show", "job", str(job)).split()
        return dict(word.split("=", 1) for word in words if "=" in word)

    def wait(self, job, states=("COMPLETED",), timeout=240):
        """Waits for one of the states; fails early when the job has ended otherwise."""
        final = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "DEADLINE"}
        deadline = time.monotonic() + timeout
        while True:
            facts = self.facts(job)
            if facts["JobState"] in states:
                return facts
            if facts["JobState"] in final or time.monotonic() > deadline:
                output = Path(facts["StdOut"])
                said = output.read_text(errors="replace") if output.exists() else "(no output)"
                raise AssertionError(f"job {job} is {facts['JobState']}, not {states}: {facts}\n{said}")
            time.sleep(0.2)

    def _states(self):
        return set(self._quietly("sinfo", "--noheader", "--Node", "--format=%T").split())

    def _quietly(self, *arguments):
        try:
            done = subprocess.run(
                arguments, env=self.environment, text=True, timeout=20, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            return ""
        return done.stdout

    def _wait_for(self, what, condition, timeout=45):
        deadline = time.monotonic() + timeout
        while not condition():
            ended = [name for name, process in self.daemons if process.poll() is not None]
            if ended or time.monotonic() > deadline:
                raise AssertionError(f"no {what}; ended: {ended or 'none'}\n{self.logs()}")
            time.sleep(0.2)

    def logs(self):
        """The last lines of each daemon."""
        logs = sorted((self.root / "log").glob("*.log"))
        return "\n".join(f"--- {log.name}\n{log.read_text(errors='replace')[-3000:]}" for log in logs)


if __name__ == "__main__":
    # By hand: a shell inside such a cluster, gone when the shell is left.
    with SlurmCluster() as cluster:
        command = sys.argv[1:] or [os.environ.get("SHELL", "/bin/sh")]
        sys.exit(subprocess.call(command, env=cluster.environment))

"""`prepare` as a Slurm job on a tree with bad files: what it lists, how it ends, what it leaves behind."""

import os
import shutil
import signal
import time
import uuid

import pytest

import hostile_files
import mutants
import program
import reading_processes
import slurm_cluster

pytestmark = pytest.mark.slurm

# As the batch scripts of cluster/ start their ranks.
LAUNCHERS = {
    "srun": (1, "srun --mpi=pmix --cpus-per-task=1"),
    "mpirun-on-two-nodes": (2, "mpirun --bind-to none"),
}


class Job:
    """A submitted job that prepares from a tree."""

    def __init__(self, cluster, folder, launcher, msd, lastfm, *options):
        self.cluster, self.mark, self.snapshot = cluster, uuid.uuid4().hex, folder / "songs.h5"
        nodes, launch = LAUNCHERS[launcher]
        line = " ".join(map(str, program.command(
            ["prepare", "--msd", msd, "--lastfm", lastfm, "--segments", 60, "--out", self.snapshot])))
        # The exit code of the ranks is kept by itself: Slurm tells that of a cancelled job's shell.
        script = folder / "prepare.sbatch"
        script.write_text(f"#!/bin/bash\n{launch} {line}\ncode=$?\necho $code > {folder}/code\nexit $code\n")
        self.code = folder / "code"
        self.number = cluster.submit(
            script, options=[f"--nodes={nodes}", f"--ntasks-per-node={2 // nodes}", "--cpus-per-task=1",
                             f"--output={folder}/output", *options],
            environment=program.environment(**{**cluster.environment, **slurm_cluster.ONE_MACHINE, reading_processes.MARK: self.mark}), folder=folder)
        self.output = folder / "output"

    def said(self):
        return self.output.read_text(errors="replace") if self.output.exists() else "(nothing)"

    def leaves_nothing(self):
        # Slurm kills what is left of a job some seconds after it was told to end (KillWait).
        reading_processes.wait_until_gone(self.mark, timeout=60)
        assert not self.snapshot.exists(), self.said()


@pytest.fixture
def bad_tree(tree, tmp_path):
    """The tree with a file that is cut short, one over which HDF5 crashes, and one over which it loops."""
    shutil.copytree(tree / "msd", tmp_path / "msd")
    files = sorted((tmp_path / "msd").rglob("*.h5"))
    cut, crash, loop = files[10], files[40], files[90]
    cut.write_bytes(cut.read_bytes()[:5000])
    crash.write_bytes(hostile_files.crashing(crash.read_bytes()))
    hostile_files.endless(loop)
    return tmp_path / "msd", {file.name for file in (cut, crash, loop)}


@pytest.fixture
def slow_tree(tree, tmp_path):
    """A tree of files over which HDF5 loops: each costs ten seconds."""
    shutil.copytree(tree / "msd", tmp_path / "msd")
    for file in sorted((tmp_path / "msd").rglob("*.h5"))[::3]:
        hostile_files.endless(file)
    return tmp_path / "msd"


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_bad_files_are_listed_and_the_job_completes(cluster, tree, bad_tree, tmp_path, launcher):
    msd, bad = bad_tree
    job = Job(cluster, tmp_path, launcher, msd, tree / "lastfm")
    facts = cluster.wait(job.number)
    assert facts["ExitCode"] == "0:0" and "2 ranks" in job.said(), job.said()
    assert mutants.listed_causes(job.snapshot).keys() == bad, job.said()
    reading_processes.wait_until_gone(job.mark)


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_a_job_cancelled_while_it_reads_leaves_no_process(cluster, tree, slow_tree, tmp_path, launcher):
    job = Job(cluster, tmp_path, launcher, slow_tree, tree / "lastfm")
    reading_processes.wait_until_reading(job.mark, 2, job.said)
    cluster.command("scancel", str(job.number))
    cluster.wait(job.number, states=("CANCELLED",))
    job.leaves_nothing()


@pytest.mark.long
def test_a_job_that_runs_into_its_time_limit_while_it_reads_leaves_no_process(
        cluster, tree, slow_tree, tmp_path):
    # A minute is Slurm's smallest unit, and some seconds it gives to what must end.
    job = Job(cluster, tmp_path, "srun", slow_tree, tree / "lastfm", "--time=1")
    reading_processes.wait_until_reading(job.mark, 2, job.said)
    cluster.wait(job.number, states=("TIMEOUT",))
    job.leaves_nothing()
    assert "TIME LIMIT" in job.said(), job.said()


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_a_rank_that_is_killed_ends_the_job(cluster, tree, slow_tree, tmp_path, launcher):
    job = Job(cluster, tmp_path, launcher, slow_tree, tree / "lastfm")
    reading_processes.wait_until_reading(job.mark, 2, job.said)
    os.kill(reading_processes.ranks(job.mark)[1], signal.SIGKILL)
    killed = time.monotonic()
    cluster.wait(job.number, states=("FAILED",))
    assert time.monotonic() - killed < 30, job.said()
    assert int(job.code.read_text()) != 0
    job.leaves_nothing()

"""The batch scripts of cluster/, in a real Slurm of two node daemons."""

import os
import signal
import sys
from pathlib import Path

import pytest

import checkpoints
import program
import slurm_cluster

pytestmark = pytest.mark.slurm

SCRIPTS = program.ROOT / "cluster"
LAST = "checkpoints/epoch-0003.h5"
# Wide enough that an epoch lasts a second or so, and a signal meets it in its middle.
SLOW = ["--filters", "[150,150,150]", "--recurrent-units", 60]


def submit(cluster, script, snapshot, run, ranks_per_node, nodes=1, options=(), epochs=3, **environment):
    """Submits with the script's own launcher unless `environment` has another, on processors that exist."""
    run.parent.mkdir(parents=True, exist_ok=True)
    return cluster.submit(
        SCRIPTS / script, "--data", snapshot, "--out", run, "--batch-size", 8, "--epochs", epochs, *SLOW, "--seed", 21,
        "--split", "random:0.9", "--log-every", 1, "--threads", 1,
        options=[f"--nodes={nodes}", f"--ntasks-per-node={ranks_per_node}", "--cpus-per-task=1", *options],
        environment=program.environment(**{
            **cluster.environment, **slurm_cluster.ONE_MACHINE, "CRNN_DIST": str(program.BINARY), **environment}),
        folder=run.parent)


def output(facts):
    return Path(facts["StdOut"]).read_text()


@pytest.fixture(scope="module")
def undisturbed(cluster, snapshot, tmp_path_factory):
    """One node, two ranks, from the first step to the last in one go."""
    run = tmp_path_factory.mktemp("slurm") / "undisturbed"
    facts = cluster.wait(submit(cluster, "single-node.sbatch", snapshot, run, ranks_per_node=2))
    return run, output(facts)


def test_both_nodes_run_a_job(cluster):
    printed = cluster.command("srun", "--mpi=none", "--nodes=2", "--ntasks-per-node=1", "printenv", "SLURMD_NODENAME")
    assert sorted(printed.split()) == ["n1", "n2"]


def test_one_node_runs_to_the_end(undisturbed):
    run, said = undisturbed
    assert [line["world_size"] for line in checkpoints.metrics(run, "epoch")] == [2, 2, 2], said


def test_several_nodes_run_to_the_same_end(cluster, snapshot, undisturbed, tmp_path):
    facts = cluster.wait(submit(
        cluster, "several-nodes.sbatch", snapshot, tmp_path / "run", ranks_per_node=1, nodes=2))
    assert facts["NumNodes"] == "2"
    epochs = checkpoints.metrics(tmp_path / "run", "epoch")
    assert [line["world_size"] for line in epochs] == [2, 2, 2], output(facts)
    # Two ranks are two ranks, wherever they run.
    assert checkpoints.differences(undisturbed[0] / LAST, tmp_path / "run" / LAST) == []


@pytest.mark.parametrize("notice", ["time-limit", "preemption", "time-limit-on-two-nodes"])
def test_a_requeued_job_ends_bit_identical(cluster, snapshot, undisturbed, tmp_path, notice):
    run = tmp_path / "run"
    if notice == "time-limit-on-two-nodes":
        # srun's pmix cannot span two node daemons of one host.
        job = submit(cluster, "preemptible.sbatch", snapshot, run, ranks_per_node=1, nodes=2,
                     CRNN_DIST_LAUNCH="mpirun --bind-to none")
    else:
        job = submit(cluster, "preemptible.sbatch", snapshot, run, ranks_per_node=2)
    checkpoints.wait_for_epoch(run, 2, lambda: output(cluster.facts(job)))
    if notice == "preemption":
        # SIGTERM to every process of the job, as for a more important one.
        cluster.command("scontrol", "requeue", str(job))
    else:
        # What Slurm itself does ahead of the limit: the script asked for it with --signal=B:USR1@300.
        cluster.command("scancel", "--batch", "--signal=USR1", str(job))
    went_on(cluster, job, undisturbed[0], run)


def went_on(cluster, job, undisturbed, run, last=LAST):
    """The job has started again by itself, and ends as the undisturbed one."""
    facts = cluster.wait(job)
    said = output(facts)
    assert facts["Restarts"] == "1", said
    assert checkpoints.metrics(run, "resume"), said
    assert checkpoints.differences(undisturbed / last, run / last) == [], said
    steps = [line["step"] for line in checkpoints.metrics(run, "step")]
    assert steps == sorted(set(steps)), f"went on where the checkpoint was, with no step twice or left out\n{said}"
    assert not list(run.rglob("*partial*")) + list(run.rglob(".writer*")), said


def test_a_job_whose_rank_is_killed_goes_on(cluster, snapshot, undisturbed, tmp_path):
    run = tmp_path / "run"
    job = submit(cluster, "preemptible.sbatch", snapshot, run, ranks_per_node=2)
    checkpoints.wait_for_epoch(run, 2, lambda: output(cluster.facts(job)))
    ranks = program.ranks_of(run)
    assert sorted(ranks) == [0, 1]
    os.kill(ranks[1], signal.SIGKILL)
    went_on(cluster, job, undisturbed[0], run)


def test_a_job_that_is_out_of_memory_goes_on(cluster, snapshot, undisturbed, tmp_path):
    """Something else of the job, such as a logger gone mad, takes what Slurm allows: it kills all of the step.

    Slurm looks at the memory now and then; a rank that is stopped meanwhile keeps the run from ending before.
    """
    run, hog = tmp_path / "run", tmp_path / "with-a-hog"
    hog.write_text(f"""#!/bin/bash
if [[ ${{SLURM_RESTART_COUNT:-0}} == 0 && $SLURM_PROCID == 0 ]]; then
  (until grep -qs '"epoch": 2' {run}/metrics.jsonl; do sleep 0.05; done
   kill -STOP $$
   exec {sys.executable} -c 'import time; hog = bytearray(900 << 20); time.sleep(100)') &
fi
exec {program.BINARY} "$@"
""")
    hog.chmod(0o755)
    job = submit(cluster, "preemptible.sbatch", snapshot, run, ranks_per_node=2, options=["--mem=700"], CRNN_DIST=str(hog))
    went_on(cluster, job, undisturbed[0], run)
    assert "exceeded memory limit" in output(cluster.facts(job)) or "out-of-memory" in output(cluster.facts(job))


@pytest.mark.long
def test_a_job_that_reaches_its_time_limit_goes_on(cluster, snapshot, tmp_path):
    """Slurm's clock counts minutes: the limit is one, the notice comes half a minute or more before it."""
    epochs = 60
    program.succeed("train", "--data", snapshot, "--out", tmp_path / "undisturbed", "--batch-size", 8, "--epochs", epochs,
                    *SLOW, "--seed", 21, "--split", "random:0.9", "--threads", 1, ranks=2, timeout=600)
    run = tmp_path / "run"
    job = submit(cluster, "preemptible.sbatch", snapshot, run, ranks_per_node=2, epochs=epochs,
                 options=["--time=1", "--signal=B:USR1@30"])
    facts = cluster.wait(job, timeout=900)
    last = f"checkpoints/epoch-{epochs:04}.h5"
    assert int(facts["Restarts"]) >= 1, output(facts)
    assert checkpoints.differences(tmp_path / "undisturbed" / last, run / last) == [], output(facts)

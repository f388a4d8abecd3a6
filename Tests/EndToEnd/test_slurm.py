"""The batch scripts of cluster/, in a real Slurm of two node daemons."""

import pytest

import slurm_cluster

pytestmark = pytest.mark.slurm


@pytest.fixture(scope="module")
def cluster():
    missing = slurm_cluster.missing_executables()
    if missing:
        pytest.fail(f"no {', '.join(missing)}; `scripts/install-dependencies --slurm` installs them")
    with slurm_cluster.SlurmCluster() as running:
        yield running


def test_both_nodes_run_a_job(cluster):
    printed = cluster.command("srun", "--mpi=none", "--nodes=2", "--ntasks-per-node=1", "printenv", "SLURMD_NODENAME")
    assert sorted(printed.split()) == ["n1", "n2"]

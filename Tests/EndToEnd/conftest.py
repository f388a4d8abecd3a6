"""Options and shared material of the end-to-end tests: the real binary, alone and under the real mpirun."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import program  # noqa: E402
import slurm_cluster  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--slurm", action="store_true", help="also run the batch scripts in a real Slurm")
    parser.addoption("--long", action="store_true", help="also run what takes many minutes")


def pytest_configure(config):
    config.addinivalue_line("markers", "slurm: needs slurm-wlm and munge, runs with --slurm")
    config.addinivalue_line("markers", "long: takes many minutes, runs with --long")


def pytest_collection_modifyitems(config, items):
    for kind in ("slurm", "long"):
        if not config.getoption(f"--{kind}"):
            skip = pytest.mark.skip(reason=f"runs with --{kind}")
            for item in items:
                if kind in item.keywords:
                    item.add_marker(skip)
    # Where several workers share the tests: a file stays together, for its fixtures; and so do all tests of the one Slurm.
    for item in items:
        item.add_marker(pytest.mark.xdist_group("slurm" if "slurm" in item.keywords else item.path.name))


@pytest.fixture(scope="session", autouse=True)
def binary():
    if not program.BINARY.exists():
        pytest.exit(f"{program.BINARY} is not there; scripts/build makes it", returncode=2)
    return program.BINARY


@pytest.fixture(scope="session")
def tree(tmp_path_factory):
    """A synthetic tree of 120 songs, made by two ranks: msd/ and lastfm/."""
    folder = tmp_path_factory.mktemp("tree") / "synthetic"
    program.succeed("synthesize", "--out", folder, "--songs", 120, "--seed", 7, ranks=2)
    return folder


@pytest.fixture(scope="session")
def snapshot(tree, tmp_path_factory):
    """The tree's songs of at least 252 segments, prepared by two ranks."""
    file = tmp_path_factory.mktemp("snapshot") / "songs-252.h5"
    program.succeed(
        "prepare", "--msd", tree / "msd", "--lastfm", tree / "lastfm", "--segments", 252, "--out", file, ranks=2)
    return file


@pytest.fixture(scope="session")
def run(snapshot, tmp_path_factory):
    """A finished run of two epochs of the small network."""
    folder = tmp_path_factory.mktemp("run") / "finished"
    program.succeed("train", "--data", snapshot, "--out", folder, "--model", "small", "--epochs", 2,
                    "--batch-size", 12, "--seed", 3, "--split", "random:0.8", "--threads", 1, ranks=2)
    return folder


@pytest.fixture(scope="session")
def checkpoint(run):
    """The newest checkpoint of that run."""
    return run / "checkpoints/epoch-0002.h5"


@pytest.fixture(scope="session")
def cluster():
    """A real Slurm of two node daemons on this machine."""
    missing = slurm_cluster.missing_executables()
    if missing:
        pytest.fail(f"no {', '.join(missing)}; `scripts/install-dependencies --slurm` installs them")
    with slurm_cluster.SlurmCluster() as running:
        yield running


@pytest.fixture(scope="session")
def real_data():
    folder = program.real_data()
    if folder is None:
        pytest.skip("no real files: set CRNN_DIST_REAL_DATA to a folder with msd/, lastfm/ and aggregate/")
    return folder

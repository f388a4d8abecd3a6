"""Options and shared material of the end-to-end tests: the real binary, alone and under the real mpirun."""

import os
import sys
import time
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


# Groups of tests that take tens of seconds or more on two busy cores, the longest first: no worker is to end alone with one.
LONGEST_FIRST = ("slurm", "test_exchange.py", "test_bad_bytes.py", "test_many_ranks.py", "test_resume.py", "test_segments.py",
                 "test_predict.py", "test_sources.py", "test_chaos.py three-ranks", "test_data.py", "test_recommended.py",
                 "test_documentation.py", "test_training.py", "test_stored_bytes.py", "test_reading_processes.py",
                 "test_inspect.py", "test_two_nodes.py", "test_stumbles.py", "test_bad_input.py", "test_judging.py",
                 "test_chaos.py changing-ranks", "test_outputs.py", "test_stopping.py")


@pytest.hookimpl(tryfirst=True)  # before xdist, which looks at the groups at the same time
def pytest_collection_modifyitems(config, items):
    for kind in ("slurm", "long"):
        if not config.getoption(f"--{kind}"):
            skip = pytest.mark.skip(reason=f"runs with --{kind}")
            for item in items:
                if kind in item.keywords:
                    item.add_marker(skip)
    # Where several workers share the tests: a file stays together, for its fixtures, but for tests that ask for a group of
    # their own; and so do all tests of the one Slurm, with the files that need it anywhere.
    slurm = {item.path for item in items if "slurm" in item.keywords} if config.getoption("--slurm") else set()
    for item in items:
        if item.path in slurm:
            item.add_marker(pytest.mark.xdist_group("slurm"))
        elif item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.path.name))
        if "slurm" in item.keywords:
            # srun itself fails to start its tasks once in a hundred times on a crowded machine, before the program is there;
            # a test of the program is then made again, and told as RERUN. Nothing else is.
            item.add_marker(pytest.mark.flaky(reruns=2, only_rerun=["task [0-9]+ launch failed"]))
    # What takes longest is begun first, so that no worker is left alone with it at the end.
    order = {group: place for place, group in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: order.get(item.get_closest_marker("xdist_group").args[0], len(order)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """What Slurm's own daemons said goes with a failure under it."""
    report = yield
    cluster = getattr(item, "funcargs", {}).get("cluster")
    if report.failed and cluster is not None:
        report.sections.append(("Slurm's logs", cluster.logs()))
    return report


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


@pytest.fixture
def control_group():
    """Makes a control group with so many bytes of memory; returns its folder and the name of the file with the limit.
    Whoever writes a process's number to `cgroup.procs` there puts it into the group."""
    made = []

    def make(limit):
        # Version 1, then version 2.
        for root, file in [("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")]:
            folder = Path(root) / f"crnn-dist-test-{os.getpid()}"
            try:
                folder.mkdir()
                made.append(folder)
                # Above the groups of version 1 lies a file system that takes any file.
                with open(folder / file, "r+") as there:
                    there.write(str(limit))
                return folder, file
            except OSError as error:
                reason = error
        pytest.skip(f"no control group for memory can be made: {reason}")

    yield make
    for folder in made:
        members = folder / "cgroup.procs"
        deadline = time.monotonic() + 10
        while members.exists() and members.read_text() and time.monotonic() < deadline:
            time.sleep(0.1)
        folder.rmdir()


@pytest.fixture(scope="session")
def real_data():
    folder = program.real_data()
    if folder is None:
        pytest.skip("no real files: set CRNN_DIST_REAL_DATA to a folder with msd/, lastfm/ and aggregate/")
    return folder

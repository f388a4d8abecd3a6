"""Options and shared material of the end-to-end tests: the real binary, alone and under the real mpirun."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import program  # noqa: E402


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


@pytest.fixture(scope="session", autouse=True)
def binary():
    if not program.BINARY.exists():
        pytest.exit(f"{program.BINARY} is not there; scripts/build makes it", returncode=2)
    return program.BINARY

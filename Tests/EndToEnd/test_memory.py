"""Memory is planned and held against what limits it: whatever is too much ends in one line, before it is taken."""

import json
import re
import shutil
import subprocess

import pytest

import program

MIB = 1 << 20
# Needs some 700 MiB a rank, most of it activations.
LARGE_STEP = ["benchmark", "step", "--model", "large", "--batch-size", 64, "--threads", 1, "--steps", 1,
              "--no-profile"]


def limited(folder, arguments, before, ranks=None):
    """Runs the program by a script that first does something to each process, such as limiting it."""
    script = folder / "limited"
    script.write_text(f'#!/bin/sh\n{before}\nexec {program.BINARY} "$@"\n')
    script.chmod(0o755)
    line = [str(script) if word == str(program.BINARY) else word for word in program.command(arguments, ranks)]
    return program.finish(program.start_line(line), timeout=60)


# MARK: The limits of a process


@pytest.mark.parametrize("ranks", [None, 2])
def test_more_than_ulimit_allows_is_refused_before_it_is_taken(tmp_path, ranks):
    outcome = limited(tmp_path, LARGE_STEP, "ulimit -v 600000", ranks)
    program.refuse(outcome, program.USAGE, "rank 0 on", "of address space", "activations", "ulimit -v",
                   str(600000 * 1024), "--batch-size")


def test_the_limit_of_data_counts_too(tmp_path):
    outcome = limited(tmp_path, LARGE_STEP, "ulimit -d 600000")
    program.refuse(outcome, program.USAGE, "ulimit -d", str(600000 * 1024))


def test_what_a_limit_allows_is_done(tmp_path):
    outcome = limited(tmp_path, LARGE_STEP, "ulimit -v 1600000")
    assert outcome.code == program.DONE, str(outcome)


def test_stacks_of_gigabytes_do_not_count_as_what_a_file_takes(tree, tmp_path):
    # Each thread reserves as much as the limit of stacks says, which clusters set high for Fortran's sake.
    stacks = "ulimit -s 4000000"
    songs = ["--msd", tree / "msd", "--lastfm", tree / "lastfm", "--segments", 60]
    outcome = limited(tmp_path, ["prepare", *songs, "--out", tmp_path / "songs.h5"], stacks)
    assert outcome.code == program.DONE and not program.complaints(outcome), str(outcome)
    outcome = limited(tmp_path, ["inspect", tmp_path / "songs.h5"], stacks)
    assert outcome.code == program.DONE and not program.complaints(outcome), str(outcome)


@pytest.mark.parametrize("ranks", [None, 2])
def test_training_is_refused_before_songs_are_loaded_and_anything_is_written(snapshot, tmp_path, ranks):
    arguments = ["train", "--data", snapshot, "--out", tmp_path / "run", "--model", "large", "--batch-size", 48,
                 "--threads", 1]
    outcome = limited(tmp_path, arguments, "ulimit -v 600000", ranks)
    program.refuse(outcome, program.USAGE, "activations", "checkpoint", "songs", "ulimit -v")
    assert not list((tmp_path / "run").rglob("*.h5"))


@pytest.mark.parametrize("command", ["evaluate", "predict"])
def test_predictions_are_refused_too(command, checkpoint, snapshot, tree, tmp_path):
    rest = ["--data", snapshot] if command == "evaluate" else [next((tree / "msd").rglob("*.h5"))]
    outcome = limited(tmp_path, [command, "--checkpoint", checkpoint, *rest], "ulimit -v 550000")
    program.refuse(outcome, program.USAGE, "activations", "ulimit -v")


# MARK: Absurd sizes


@pytest.mark.parametrize("options", [
    ["--batch-size", 1_048_576],
    ["--batch-size", 1_000_000_000],
    ["--batch-size", 65_536, "--segments", 65_536],
    ["--batch-size", 1_048_576, "--segments", 65_536, "--filters", "[8192,8192,8192]", "--recurrent-units", 8192],
    ["--filters", "[1000000,60,60]"],
], ids=str)
def test_absurd_sizes_are_refused_at_once(options):
    outcome = program.run("benchmark", "step", "--threads", 1, *options)
    program.refuse(outcome, program.USAGE)
    assert outcome.seconds < 10, str(outcome)


def test_an_absurd_batch_of_a_run_is_refused(snapshot, tmp_path):
    outcome = program.run("train", "--data", snapshot, "--out", tmp_path / "run", "--model", "large", "--filters",
                          "[8192,8192,8192]", "--batch-size", 1_048_576, ranks=2)
    program.refuse(outcome, program.USAGE, "2 ranks on", "together", "/proc/meminfo")


# MARK: Control groups


def test_more_than_a_control_group_has_is_refused_instead_of_killed(tmp_path, control_group):
    folder, file = control_group(300 * MIB)
    outcome = limited(tmp_path, LARGE_STEP, f"echo $$ > {folder}/cgroup.procs")
    program.refuse(outcome, program.USAGE, folder / file, str(300 * MIB), "activations")


def test_ranks_share_the_memory_of_their_control_group(tmp_path, control_group):
    folder, file = control_group(600 * MIB)
    enter = f"echo $$ > {folder}/cgroup.procs"

    def step(songs):
        return [songs if word == 64 else word for word in LARGE_STEP]

    alone = limited(tmp_path, step(22), enter)
    assert alone.code == program.DONE, str(alone)
    outcome = limited(tmp_path, step(44), enter, 2)
    program.refuse(outcome, program.USAGE, "2 ranks on", "together", folder / file)


# MARK: What the system refuses all the same


@pytest.fixture(scope="module")
def refusing_library(tmp_path_factory):
    """A library that has the system refuse rank 1 mappings of more than 32 MiB, and more than 30 threads."""
    if shutil.which("cc") is None:
        pytest.skip("no C compiler to make a library that refuses memory")
    folder = tmp_path_factory.mktemp("refusing")
    (folder / "refuse.c").write_text("""
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <errno.h>
        #include <pthread.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/mman.h>
        #include <sys/syscall.h>
        #include <unistd.h>
        void *mmap(void *address, size_t length, int protection, int flags, int file, off_t offset) {
          const char *rank = getenv("OMPI_COMM_WORLD_RANK");
          if (file == -1 && length > (32u << 20) && rank && !strcmp(rank, "1")) {
            errno = ENOMEM;
            return MAP_FAILED;
          }
          return (void *)syscall(SYS_mmap, address, length, protection, flags, file, offset);
        }
        int pthread_create(pthread_t *thread, const pthread_attr_t *how, void *(*body)(void *), void *context) {
          static int threads;
          int (*next)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
          next = dlsym(RTLD_NEXT, "pthread_create");
          return ++threads > 30 ? EAGAIN : next(thread, how, body, context);
        }
        """)
    library = folder / "refuse.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, folder / "refuse.c"], check=True)
    return library


def test_what_the_system_refuses_is_told_with_rank_and_size(tmp_path, refusing_library):
    outcome = limited(tmp_path, LARGE_STEP, f"export LD_PRELOAD={refusing_library}", 2)
    program.refuse(outcome, program.OUR_FAULT, "rank 1 on", "MiB for activations were refused by the system")


def test_threads_that_the_system_refuses_are_told(tmp_path, refusing_library):
    arguments = ["benchmark", "step", "--batch-size", 4, "--threads", 40, "--steps", 1, "--no-profile"]
    outcome = limited(tmp_path, arguments, f"export LD_PRELOAD={refusing_library}")
    program.refuse(outcome, program.OUR_FAULT, "40 threads", "refused by the system", "--threads")


# MARK: Plan and truth


@pytest.mark.parametrize("model, batch", [("small", 64), ("large", 16), ("choi2016-12", 32)])
def test_the_plan_of_a_step_is_near_its_peak(model, batch):
    outcome = program.succeed("benchmark", "step", "--model", model, "--batch-size", batch, "--threads", 1,
                              "--steps", 2, "--no-profile", "--json")
    found = json.loads(outcome.output)
    planned, peak = found["memory_bytes"], found["peak_memory_bytes"]
    # The program itself with its libraries has some 60 MiB.
    assert 0.85 * planned <= peak <= 1.15 * planned + 64 * MIB, outcome.output


def test_a_run_tells_its_memory_at_its_start(snapshot, tmp_path):
    outcome = program.succeed("train", "--data", snapshot, "--out", tmp_path / "run", "--model", "small",
                              "--epochs", 1, "--batch-size", 12, "--threads", 1)
    assert re.search(r"memory a rank: [0-9.]+ [MG]iB \(.*activations .*songs ", outcome.errors), str(outcome)

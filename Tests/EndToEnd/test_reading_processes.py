"""Ranks read track files through processes of their own: none is left over, and no end of one is passed over."""

import os
import queue
import shutil
import signal
import threading
import time
import uuid

import h5py
import numpy
import pytest

import hostile_files
import mutants
import program
import reading_processes


def test_a_reading_process_that_dies_loses_no_song(tree):
    process = program.start("benchmark", "read", "--msd", tree / "msd", "--repetitions", 150, "--json")
    seen, killed = set(), set()
    while len(killed) < 5 and process.poll() is None:
        # One that has just been started has read nothing yet.
        for child in (seen & set(reading_processes.of(process.pid))) - killed:
            os.kill(child, signal.SIGSEGV)
            killed.add(child)
        seen = set(reading_processes.of(process.pid))
        time.sleep(0.15)
    outcome = program.finish(process)
    assert outcome.code == program.DONE and len(killed) == 5, str(outcome)
    assert '"bad_files" : 0' in outcome.output, str(outcome)


def test_none_outlives_a_program_that_is_killed(tree):
    process = program.start("benchmark", "read", "--msd", tree / "msd", "--repetitions", 1000)
    started = []
    while not started and process.poll() is None:
        started = reading_processes.of(process.pid)
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    deadline = time.monotonic() + 20
    while any(map(reading_processes.is_running, started)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert started and not any(map(reading_processes.is_running, started))


@pytest.mark.parametrize("victim", [0, 2])
def test_a_rank_that_is_killed_while_it_reads_ends_all_and_leaves_nothing(tree, tmp_path, victim):
    shutil.copytree(tree / "msd", tmp_path / "msd")
    # Every rank has files to read for half a minute.
    for file in sorted((tmp_path / "msd").rglob("*.h5"))[::9]:
        hostile_files.endless(file)
    mark = uuid.uuid4().hex
    process = program.start("prepare", "--msd", tmp_path / "msd", "--lastfm", tree / "lastfm", "--segments", 60, "--out",
                            tmp_path / "songs.h5", ranks=3, **{reading_processes.MARK: mark})
    reading_processes.wait_until_reading(mark, 3)
    ranks = reading_processes.ranks(mark)
    assert len(ranks) == 3
    os.kill(ranks[victim], signal.SIGKILL)
    killed = time.monotonic()
    outcome = program.finish(process, timeout=60)
    assert time.monotonic() - killed < 30, str(outcome)
    assert outcome.code != program.DONE and "signal 9" in outcome.errors, str(outcome)
    assert len(program.complaints(outcome)) == 0, str(outcome)
    reading_processes.wait_until_gone(mark, ranks)
    assert not (tmp_path / "songs.h5").exists()


def errors_until(process, wanted, seconds):
    """What the program writes to standard error until a line holds all of these words, or the time is over."""
    lines = queue.SimpleQueue()
    threading.Thread(target=lambda: [lines.put(line) for line in process.stderr], daemon=True).start()
    said, deadline = "", time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            line = lines.get(timeout=0.2)
        except queue.Empty:
            continue
        said += line
        if all(word in line for word in wanted):
            break
    return said


@pytest.mark.parametrize("deed", ["prepare", "inspect", "train"])
def test_a_rank_that_hangs_while_songs_are_read_is_told_of(tree, tmp_path, deed):
    shutil.copytree(tree / "msd", tmp_path / "msd")
    # The last rank's last file keeps it busy, so that it is there to be stopped.
    hostile_files.endless(sorted((tmp_path / "msd").rglob("*.h5"), key=lambda file: file.name)[-1])
    songs, tags = ["--msd", tmp_path / "msd"], ["--lastfm", tree / "lastfm", "--segments", 60]
    line = {
        "prepare": ["prepare", *songs, *tags, "--out", tmp_path / "songs.h5"],
        "inspect": ["inspect", tmp_path / "msd", *tags],
        "train": ["train", *songs, *tags, "--out", tmp_path / "run"],
    }[deed]
    mark = uuid.uuid4().hex
    process = program.start(
        *line, ranks=2, CRNN_DIST_STALL_SECONDS=1, **{reading_processes.MARK: mark})
    try:
        os.kill(reading_processes.wait_until_rank_reads(mark, 1), signal.SIGSTOP)
        words = ["warning: rank 0 on", "has waited", "s in all"]
        said = errors_until(process, words, seconds=30)
        assert any(all(word in line for word in words) for line in said.splitlines()), said
    finally:
        program.kill(process)
        process.communicate()
    reading_processes.wait_until_gone(mark)


def test_a_file_that_takes_more_memory_than_the_job_has_is_listed_and_warned_of(tree, tmp_path, control_group):
    """As in a batch job with little memory: the system kills what takes most of it, the reading process."""
    folder, _ = control_group(200 << 20)
    shutil.copytree(tree / "msd", tmp_path / "msd")
    file = sorted((tmp_path / "msd").rglob("*.h5"))[5]
    with h5py.File(file, "r+", locking=False) as track:
        # Allowed, since a chunk may have 256 MiB, but more than fits.
        mutants.replace(track, mutants.PITCHES, data=numpy.zeros((60, 12)), maxshape=(None, 12),
                        chunks=(2_700_000, 12), compression="gzip", compression_opts=1)
    script = tmp_path / "job"
    line = " ".join(map(str, program.command(
        ["prepare", "--msd", tmp_path / "msd", "--lastfm", tree / "lastfm", "--segments", 60, "--out",
         tmp_path / "songs.h5"])))
    script.write_text(f"#!/bin/sh\necho $$ > {folder}/cgroup.procs\nexec {line}\n")
    script.chmod(0o755)
    outcome = program.finish(program.start_line([str(script)]))
    assert outcome.code == program.DONE, str(outcome)
    listed = mutants.listed_causes(tmp_path / "songs.h5")
    assert listed.keys() == {file.name} and "memory" in listed[file.name], str(outcome)
    warnings = [each for each in program.complaints(outcome) if "warning" in each]
    assert len(warnings) == 1 and file.name in warnings[0] and "killed" in warnings[0], str(outcome)

"""`scripts/bench-network` measures over nodes that it makes, and leaves nothing of them behind."""

import json
import signal
import subprocess
import time

import pytest

import nodes
import program

QUICK = [str(program.ROOT / "scripts/bench-network"), "--quick", "--ours-only", "--model", "small", "--binary",
         str(program.BINARY)]


@pytest.fixture(scope="module", autouse=True)
def able():
    if nodes.obstacle():
        pytest.skip(f"no nodes: {nodes.obstacle()}")
    try:
        with nodes.Nodes(2, "1gbit"):
            pass
    except nodes.NoNodes as trouble:
        pytest.skip(f"no nodes: {trouble}")


def left_of(process):
    """The namespaces that a process has made, of which the names have its number."""
    listed = subprocess.run(["ip", "netns", "list"], env=program.environment(PATH=nodes.SEARCH_PATH), text=True,
                            stdout=subprocess.PIPE, check=True).stdout
    return [line for line in listed.splitlines() if line.startswith(f"{nodes.PREFIX}-{process.pid}-")]


def gradients_and_statistics(carried):
    """Whether so many bytes are what a step of the small network sends: 81,314 gradients of 2 to 8 bytes, and a little."""
    return 2 * 81_314 < carried < 1.3 * 8 * 81_314


@pytest.mark.parametrize("kind", ["--step", "--train"])
def test_a_quick_measurement_tells_speed_and_bytes(snapshot, tmp_path, kind):
    data = ["--data", str(snapshot)] if kind == "--train" else []
    process = program.start_line([*QUICK, kind, *data, "--songs-per-rank", "8", "--json", str(tmp_path / "found.json")])
    outcome = program.finish(process)
    assert outcome.code == 0, str(outcome)
    (row,) = json.loads((tmp_path / "found.json").read_text())["results"]
    (pair,) = row["pairs"]
    assert row["ratio"]["median"] == pytest.approx(pair["together"] / pair["apart"])
    assert gradients_and_statistics(row["bytes_a_step"])
    assert row["share_of_rate"] == pytest.approx(row["bytes_a_step"] * 8 / row["step_seconds"] / 1e9)
    assert f"| crnn-dist | {pair['together']:.1f} |" in outcome.output
    assert left_of(process) == []


def test_prepare_is_timed_on_one_node_and_on_two(tree, tmp_path):
    process = program.start_line(
        [str(program.ROOT / "scripts/bench-preparation"), "--msd", str(tree / "msd"), "--lastfm", str(tree / "lastfm"), "--turns",
         "1", "--", "--segments", "48"])
    outcome = program.finish(process)
    assert outcome.code == 0, str(outcome)
    told, *rows = outcome.output.splitlines()
    assert told.startswith("a snapshot of ") and [row.split("  ")[0] for row in rows] == [
        "1 rank", "2 ranks of a node", "2 nodes, 1gbit"], outcome.output
    assert left_of(process) == []


def ranks_of(process):
    """Those of its ranks that run in its namespaces."""
    found = [each for line in left_of(process) for each in nodes.processes(line.split()[0])]
    return [each for each in found if nodes.runs(each, program.BINARY)]


def test_a_measurement_that_is_interrupted_leaves_nothing():
    process = program.start_line([each for each in QUICK if each != "--quick"] + ["--steps", "100000"])
    deadline = time.monotonic() + 30
    while len(ranks := ranks_of(process)) < 2:
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    outcome = program.finish(process, timeout=30)
    assert outcome.code == 128 + signal.SIGINT, str(outcome)
    assert left_of(process) == [] and not [each for each in ranks if nodes.runs(each, program.BINARY)]


def test_a_ratio_that_is_not_reached_ends_with_1():
    outcome = program.finish(program.start_line([*QUICK, "--one-node", "--at-least", "1000"]))
    assert outcome.code == 1 and outcome.output.rstrip().endswith("does not hold"), str(outcome)

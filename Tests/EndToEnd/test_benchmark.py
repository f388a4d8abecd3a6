"""The program measures its own steps, and compares with what it measured before."""

import json
import resource
import sys

import pytest

import program

sys.path.append(str(program.ROOT / "scripts/peers"))
import prediction  # noqa: E402

SMALL = ("benchmark", "step", "--config", program.ROOT / "configs/small-252.yaml", "--batch-size", 6, "--threads", 1,
         "--steps", 2)


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    path = tmp_path_factory.mktemp("benchmark") / "stored.json"
    path.write_text(program.succeed(*SMALL, "--json").output)
    return path


def test_the_stored_result_has_speed_rates_and_phases(stored):
    found = json.loads(stored.read_text())
    assert found["songs_per_second"] == pytest.approx(6 / found["median_seconds"])
    assert found["kind"] == "training" and found["batch_size"] == 6 and found["trainable"] == 81_314
    assert found["product_gigaflops"] > 0 and found["memory_gigabytes_per_second"] > 0
    products = next(phase for phase in found["phases"]
                    if (phase["layer"], phase["phase"]) == ("convolution_2, forward", "products"))
    assert products["direct_operations"] == 2 * 9 * 60 * 60 * 6 * 126 * 6
    assert products["bound_seconds"] == pytest.approx(
        products["executed_operations"] / found["product_gigaflops"] * 1e-9)


def test_the_table_has_a_line_for_every_layer_and_phase(stored):
    told = program.succeed(*SMALL).output
    for phase in json.loads(stored.read_text())["phases"]:
        assert phase["layer"] in told, told
        assert phase["phase"] in told or phase["layer"] == "rest", told
    assert "GFLOP/s in large products" in told and "GB/s from memory" in told


def test_a_comparison_tells_ratios_and_what_else_differs(stored):
    told = program.succeed(*SMALL, "--compare", stored).output
    assert f"as fast as {stored}" in told and "not the same measurement" not in told
    told = program.succeed(*SMALL, "--compare", stored, "--batch-size", 4, "--inference").output
    assert "batch_size was 6, is 4" in told and "kind was training, is inference" in told
    found = json.loads(program.succeed(*SMALL, "--compare", stored, "--json").output)
    assert found["comparison"]["ratio"] > 0 and found["comparison"]["differences"] == []


def test_ranks_measure_one_step_together(stored):
    found = json.loads(program.succeed(*SMALL, "--json", "--compare", stored, ranks=2).output)
    assert found["world_size"] == 2
    assert "ranks was 1, is 2" in found["comparison"]["differences"]
    assert {"ranks", "optimizer", "convolution_3, backward"} <= {phase["layer"] for phase in found["phases"]}


def test_a_file_that_is_no_result_is_refused(stored, tmp_path):
    other = tmp_path / "other.json"
    other.write_text('{"songs_per_second": 3}')
    outcome = program.run(*SMALL, "--compare", other)
    assert outcome.code == program.BAD_DATA and str(other) in outcome.errors, str(outcome)
    outcome = program.run(*SMALL, "--compare", tmp_path / "gone.json")
    assert outcome.code == program.MISSING and "gone.json" in outcome.errors, str(outcome)


def test_one_thread_uses_one_core():
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    outcome = program.succeed("benchmark", "step", "--config", program.ROOT / "configs/small-252.yaml",
                              "--batch-size", 32, "--threads", 1, "--steps", 20, "--no-profile")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    # A library that starts threads of its own beside the program's would use all cores.
    assert used < 1.1 * outcome.seconds + 0.1, f"{used:.2f} s of processor time in {outcome.seconds:.2f} s"


# What measure-prediction makes of a run that was killed

TAGGED = [["track_id", "tag"], ["A", "rock"], ["B", "jazz"]]


@pytest.mark.parametrize("rows, kills, holds", [
    (TAGGED, 5, True), (TAGGED[:1] + TAGGED[:0:-1], 5, True), (TAGGED, 4, False), (TAGGED, 0, False),
    (TAGGED[:2], 5, False), (TAGGED + TAGGED[1:2], 5, False), ([TAGGED[0], ["A", "rock"], ["B", "pop"]], 5, False)])
def test_kills_lose_nothing_only_where_there_were_as_many_as_asked_for(capsys, rows, kills, holds):
    assert prediction.nothing_is_lost(TAGGED, rows, kills, wanted=5) is holds
    assert ("name more --songs" in capsys.readouterr().out) == (kills < 5)

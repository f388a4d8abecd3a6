"""scripts/paper: small grids on synthetic songs, as users run it, by the tests' own Python."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest

import checkpoints
import program
import slurm_cluster

sys.path.insert(0, str(program.ROOT / "scripts/experiments"))
import pictures  # noqa: E402
import plan  # noqa: E402
import sections  # noqa: E402

PAPER = [sys.executable, program.ROOT / "scripts/experiments/paper.py"]
SETTINGS = """
options: {batch_size: 16, filters: "[4,4,4]", recurrent_units: 3, learning_rate: 0.003}
validation_share: 0.3
thresholds: [24, 48, 252]
curves: {models: [small], segments: [24], splits: [random, artist], epochs: 2}
tags: {models: [small], segments: 24, tags: [5], epochs: 2}
lengths_compared: {models: [small], segments: [24, 512], at_least: 512, seeds: [1, 2], epochs: 2}
sizes: {models: [small], segments: 24, shares: [0.5, 1], epochs: 2}
"""
RUNS = 8


def start(tree, out, *options, **environment):
    return subprocess.Popen([*map(str, [*PAPER, tree, out, *options])], text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, start_new_session=True, env=program.environment(**environment))


def run(tree, out, *options, code=0, **environment):
    process = start(tree, out, *options, **environment)
    output, errors = process.communicate(timeout=300)
    assert process.returncode == code, errors
    return output + errors


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    path = tmp_path_factory.mktemp("settings") / "small.yaml"
    path.write_text(SETTINGS)
    return path


@pytest.fixture(scope="module")
def undisturbed(tree, settings, tmp_path_factory):
    out = tmp_path_factory.mktemp("paper") / "out"
    return out, run(tree, out, "--settings", settings, "--ranks", 1)


def tables(out):
    return {path.name: path.read_text() for path in (out / "tables").iterdir()}


def test_every_experiment_has_its_figure_its_table_and_its_sentence(undisturbed):
    out, said = undisturbed
    assert f"{RUNS} of {RUNS} runs" in said
    assert sorted(tables(out)) == sorted(
        f"{name}.{form}" for form in ("csv", "md")
        for name in ("table-1", "table-2", "table-4", "tags", "lengths-compared", "sizes"))
    for name in ("figure-3", "figure-4", "tags", "lengths-compared", "sizes"):
        assert (out / f"figures/{name}.png").read_bytes()[1:4] == b"PNG"
        assert (out / f"figures/{name}.pdf").read_bytes()[:4] == b"%PDF"
    report = (out / "report.html").read_text()
    assert report.count("data:image/png;base64,") == 5 and "are not done" not in report
    assert "http" not in report.replace("https://", "http://").split("<body>")[0], "it needs nothing beside it"
    assert report.count("crnn-dist train --resume") == RUNS
    for metrics in (out / "runs").glob("*/metrics.jsonl"):
        epochs = checkpoints.metrics(metrics.parent, "epoch")
        assert len(epochs) == 2
    # A row tells what the run's own files tell.
    curve = checkpoints.metrics(out / "runs/small-24-artist-2-epochs-seed-1", "epoch")[-1]
    row = next(line for line in tables(out)["table-4.csv"].splitlines() if "by artist" in line).split(",")
    assert f"{curve['val_auc_macro']:.3f}" in row and f"{curve['train_auc']:.3f}" in row


def test_lengths_are_compared_on_the_same_songs(undisturbed):
    out, _ = undisturbed
    judged = [checkpoints.arrays(out / f"runs/small-{name}/validation.h5")["songs/track_id"].tolist() for name in (
        "24-artist-2-epochs-seed-1-songs-of-512", "512-artist-2-epochs-seed-2")]
    everybody = checkpoints.arrays(out / "runs/small-24-artist-2-epochs-seed-1/validation.h5")["songs/track_id"]
    assert judged[0] == judged[1] and 5 < len(judged[0]) < len(everybody), "some songs are too short for the longest"


def test_an_interrupted_paper_goes_on_and_ends_with_the_same_tables(tree, settings, undisturbed, tmp_path):
    out = tmp_path / "out"
    process = start(tree, out, "--settings", settings, "--ranks", 2)
    deadline = time.monotonic() + 60
    while len(list((out / "runs").glob("*/checkpoints/epoch-*.h5"))) < 3:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    done = [path for path in (out / "runs").glob("*/checkpoints/epoch-0002.h5")]
    before = {path: path.stat().st_mtime_ns for path in done[:1]}
    said = run(tree, out, "--settings", settings, "--ranks", 2)
    assert f"{RUNS} of {RUNS} runs" in said and "0 of them done" not in said
    assert {path: path.stat().st_mtime_ns for path in before} == before, "what was done is not done again"
    # Two ranks compute what one does, to more digits than the tables have.
    assert tables(out) == tables(undisturbed[0])


@pytest.mark.slurm
def test_an_array_does_the_runs_two_at_a_time_and_a_requeued_task_goes_on(cluster, tree, settings, undisturbed, tmp_path):
    out = tmp_path / "out"
    # The tasks' launcher notes when it begins and ends. The first task waits there to be put back into the queue; the third
    # waits for the fourth to begin, since a task can be over before Slurm looks for the next one.
    launcher = tmp_path / "launch"
    launcher.write_text(f"""#!/bin/bash
echo "begin $SLURM_ARRAY_TASK_ID" >>{tmp_path}/tasks.txt
if [[ $SLURM_ARRAY_TASK_ID == 1 && ${{SLURM_RESTART_COUNT:-0}} == 0 ]]; then
  timeout --signal KILL 0.3 "$@"
  sleep 100
fi
if [[ $SLURM_ARRAY_TASK_ID == 3 ]]; then
  timeout 30 bash -c 'until grep -qx "begin 4" {tmp_path}/tasks.txt; do sleep 0.1; done'
fi
"$@"
status=$?
echo "end $SLURM_ARRAY_TASK_ID" >>{tmp_path}/tasks.txt
exit $status
""")
    launcher.chmod(0o755)
    said = run(tree, out, "--settings", settings, "--ranks", 1, "--slurm", "--sbatch=--cpus-per-task=1", **{
        **cluster.environment, **slurm_cluster.ONE_MACHINE, "CRNN_DIST_LAUNCH": str(launcher)})
    array, report = re.search(r"job array (\d+), 2 at a time; job (\d+) makes the report", said).groups()
    deadline = time.monotonic() + 60
    while "begin 1\n" not in (tmp_path / "tasks.txt").read_text() if (tmp_path / "tasks.txt").exists() else True:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    cluster.command("scontrol", "requeue", f"{array}_1")
    facts = cluster.wait(report)
    told = open(facts["StdOut"]).read()
    assert f"{RUNS} of {RUNS} runs" in told
    assert tables(out) == tables(undisturbed[0])
    events = (tmp_path / "tasks.txt").read_text().split("\n")[:-1]
    assert sorted(event for event in events if event.startswith("end")) == [f"end {number}" for number in range(1, RUNS + 1)]
    assert events.count("begin 1") == 2
    # The begin without an end is that of the task that was put back.
    others = [event for event in events if not event.endswith(" 1")]
    at_once = [sum(1 if event.startswith("begin") else -1 for event in others[:count + 1]) for count in range(len(others))]
    assert max(at_once) == 2, events


@pytest.mark.parametrize("text, words", [
    ("curves: {models: [small], lenghts: [24]}", ["curves", "lenghts", "segments"]),
    ("curve: {models: [small]}", ["curve", "curves"]), ("", ["nothing"]), ("a: [", ["cannot be read"])])
def test_settings_that_are_none_are_refused_in_one_line(tree, tmp_path, text, words):
    path = tmp_path / "settings.yaml"
    path.write_text(text)
    said = run(tree, tmp_path / "out", "--settings", path, code=program.USAGE)
    assert "Traceback" not in said and all(word in said for word in words), said


def test_a_folder_without_data_is_refused_in_one_line(tmp_path):
    said = run(tmp_path, tmp_path / "out", code=program.MISSING)
    assert "Traceback" not in said and "msd" in said


@pytest.mark.parametrize("difference, told", [(-0.0004, "+0.000"), (0, "+0.000"), (-0.0006, "-0.001"), (0.0314, "+0.031")])
def test_a_difference_that_is_nothing_when_rounded_has_no_minus(difference, told):
    assert sections.signed(difference) == told


class Judged:
    """Stands for what evaluate says; a run's AUC tells its seed."""

    def __init__(self):
        self.asked = []

    def result(self, run):
        return {"songs": 10, "auc_macro": run.seed / 10, "auc_macro_interval": [0.1, 0.9], "undefined_tags": 0}

    def difference(self, first, second):
        self.asked.append([[(run.segments, run.seed) for run in side] for side in (first, second)])
        return 10, 0.1, -0.2, 0.3


class Finished:
    """Stands for the runs that are done."""

    def __init__(self, runs):
        self.runs = runs

    def is_done(self, run):
        return True

    def epochs(self, run):
        return [{"train_auc": 0.7, "val_auc_macro": 0.6, "val_auc_keras": 0.6}] * run.epochs


def section_of(name, grid, left):
    """The section of an experiment of which only some runs are done, drawn; and what was asked of the judge."""
    every = plan.runs_of(grid)
    judge = Judged()
    settings = plan.Settings({}, 0.2, {name: grid}, 0, [], {name: every})
    results = sections.Results(settings, None, Finished([run for run in every if left(run)]), judge)
    made = getattr(sections, name)(results)
    for figure in made.figures if made else []:
        pictures.plt.close(figure.draw())
    return made, judge


@pytest.mark.parametrize("name, grid, left, rows", [
    ("dropout", {"convolution_dropout": [0.1, 0.3], "final_dropout": [0.3, 0.5]},
     lambda run: (run.convolution_dropout, run.final_dropout) != (0.3, 0.3), 3),
    ("seeds", {"segments": [24, 48], "splits": ["artist", "random"], "seeds": [1, 2]},
     lambda run: (run.segments, run.split) != (24, "artist"), 3),
    ("curves", {"segments": [24, 48], "splits": ["artist", "random"]}, lambda run: (run.segments, run.split) != (24, "artist"), 3),
    ("lengths", {"segments": [24, 48], "at_least": 48}, lambda run: run.segments == 48, 1)])
def test_a_report_of_some_runs_leaves_out_what_is_missing(name, grid, left, rows):
    made, _ = section_of(name, grid, left)
    assert len(made.tables[0].rows) == rows and "nan" not in " ".join(made.findings)


def test_lengths_are_compared_seed_by_seed_where_runs_are_missing():
    grid = {"segments": [24, 48], "at_least": 48, "seeds": [1, 2, 3]}
    made, judge = section_of("lengths_compared", grid, lambda run: (run.segments, run.seed) not in ((48, 1), (24, 3)))
    assert [row[0] for row in made.tables[0].rows] == ["seed 2", "all seeds, probabilities averaged"]
    assert judge.asked == [[[(48, 2)], [(24, 2)]]] * 2
    made, _ = section_of("lengths_compared", grid, lambda run: run.segments == 24 or run.seed > 3)
    assert made is None


@pytest.mark.parametrize("change, options, name", [
    (("batch_size: 16", "batch_size: 8"), (), "options"), (("_share: 0.3", "_share: 0.4"), (), "validation_share"),
    (("", ""), ("--join", "normalised"), "join"), (("", ""), ("--lastfm", "."), "lastfm")])
def test_runs_of_other_settings_are_refused_in_one_line(undisturbed, tree, tmp_path, change, options, name):
    out, _ = undisturbed
    other = tmp_path / "other.yaml"
    other.write_text(SETTINGS.replace(*change))
    said = run(tree, out, "--settings", other, *options, "--ranks", 1, "--report", code=1)
    assert said.startswith(f"{out}/settings.json: made with {name} ") and said.count("\n") == 1

"""Intervals, paired differences, files of predictions and folds: held to numpy and scikit-learn, on 1, 2 and 3 ranks."""

import json
import shutil
import subprocess
import sys

import h5py
import numpy
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

import program
from program import BAD_DATA, USAGE, refuse

sys.path.insert(0, str(program.ROOT / "scripts/science"))
import intervals  # noqa: E402
import predictions  # noqa: E402
import tables  # noqa: E402

NETWORK = ("--model", "small", "--filters", "[4,4,4]", "--recurrent-units", 4, "--batch-size", 16, "--threads", 1)
RESAMPLES = 2000


def train(snapshot, out, *options, ranks=None):
    return program.run("train", "--data", snapshot, "--out", out, *NETWORK, "--epochs", 1, *options, ranks=ranks)


def evaluate(checkpoint, snapshot, *options, ranks=None):
    return program.run("evaluate", "--checkpoint", checkpoint, "--data", snapshot, "--threads", 1, *options, ranks=ranks)


def told(*arguments, **options):
    outcome = evaluate(*arguments, "--json", **options)
    assert outcome.code == 0, str(outcome)
    return json.loads(outcome.output)


@pytest.fixture(scope="module")
def fold_runs(snapshot, tmp_path_factory):
    """A run for each of three folds, on one, two and three ranks."""
    folder = tmp_path_factory.mktemp("folds")
    for fold in (1, 2, 3):
        outcome = train(snapshot, folder / f"{fold}", "--folds", 3, "--fold", fold, "--split-seed", 9, "--seed", fold,
                        ranks=(None, 2, 3)[fold - 1])
        assert outcome.code == 0, str(outcome)
    return folder


def newest(run):
    return run / "checkpoints/epoch-0001.h5"


@pytest.fixture(scope="module")
def judged(checkpoint, snapshot, tmp_path_factory):
    """Every song judged by the shared run's last checkpoint: what evaluate tells, and its file of predictions."""
    file = tmp_path_factory.mktemp("judged") / "all.h5"
    document = told(checkpoint, snapshot, "--split", "all", "--resamples", RESAMPLES, "--predictions", file)
    return document, file


def close(found, expected):
    """Two bootstraps of 2,000 resamples differ by chance alone: in an end by 0.02 of the interval's width, one standard
    deviation where figures are normal, and more on a long side."""
    width = expected[1] - expected[0]
    return all(abs(one - other) <= 0.1 * width + 1e-9 for one, other in zip(found, expected))


def test_intervals_agree_with_a_bootstrap_in_numpy(judged):
    document, file = judged
    one = predictions.read(file)
    whole, drawn = intervals.judge(one, RESAMPLES, seed=5)
    assert document["intervals"] == {"artists": intervals.clusters(one.artist_ids)[1], "level": 0.95,
                                     "resamples": RESAMPLES, "seed": 1}
    for name, values, resampled in (("auc_macro", whole.macro, drawn.macro), ("auc_micro", whole.micro, drawn.micro),
                                    ("pr_auc_macro", whole.precision, drawn.precision)):
        assert document[name] == pytest.approx(values[0], abs=1e-12)
        assert close(document[name + "_interval"], intervals.interval(resampled)), name
    defined = [(tag, row) for tag, row in enumerate(document["tags"]) if row["auc"] is not None]
    assert len(defined) > 10
    far = []
    for tag, row in defined:
        assert row["auc"] == pytest.approx(whole.tags[0, tag], abs=1e-12)
        # Of few artists a resample's figure takes few values, so that percentiles jump from one to the next.
        if row["artists"] >= 8:
            far += [row for ends, resampled in ((row["auc_interval"], drawn.tags), (row["pr_auc_interval"], drawn.tag_precisions))
                    if not close(ends, intervals.interval(resampled[:, tag]))]
    assert sum(row["artists"] >= 8 for _, row in defined) > 5 and not far, far


def test_verdicts_are_those_of_the_intervals(judged):
    document, file = judged
    one = predictions.read(file)
    for tag, row in enumerate(document["tags"]):
        has = one.labels[:, tag] != 0
        artists = numpy.array(one.artist_ids)
        few = min(len(set(artists[has])), len(set(artists[~has]))) < 5
        better = not few and row["auc_interval"][0] > 0.5
        assert row["verdict"] == ("too_few_to_tell" if few else "better_than_chance" if better else "no_better_than_chance")
        assert (row["tag"] in document["no_better_than_chance"]) == (not few and not better)
        assert (row["tag"] in document["too_few_to_tell"]) == few


def test_the_file_of_predictions_holds_what_was_judged(judged, snapshot):
    document, file = judged
    one = predictions.read(file)
    with h5py.File(snapshot, "r", locking=False) as songs:
        assert one.track_ids == predictions.texts(songs["songs/track_id"])
        assert one.artist_ids == predictions.texts(songs["songs/artist_id"])
        assert (one.labels == songs["songs/labels"][:]).all()
        assert one.tags == predictions.texts(songs["tags/names"])
    for row, labels, scores in zip(document["tags"], one.labels.T, one.probabilities.T):
        if row["auc"] is not None:
            assert row["auc"] == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
            assert row["pr_auc"] == pytest.approx(average_precision_score(labels, scores), abs=1e-12)


def test_the_figures_are_the_same_for_any_number_of_ranks(checkpoint, snapshot, run, tmp_path):
    outputs = set()
    for ranks in (None, 2, 3):
        file = tmp_path / f"{ranks}.h5"
        outcome = evaluate(checkpoint, snapshot, "--resamples", 250, "--predictions", file, "--json", "--against",
                           run / "checkpoints/epoch-0001.h5", ranks=ranks)
        assert outcome.code == 0, str(outcome)
        outputs.add((outcome.output, file.read_bytes()))
    assert len(outputs) == 1


def test_another_seed_draws_other_resamples_of_the_same_songs(checkpoint, snapshot):
    one, two = (told(checkpoint, snapshot, "--split", "all", "--resample-seed", seed) for seed in (1, 2))
    assert one["auc_macro"] == two["auc_macro"] and one["auc_macro_interval"] != two["auc_macro_interval"]
    none = told(checkpoint, snapshot, "--split", "all", "--resamples", 0)
    assert "auc_macro_interval" not in none and none["auc_macro"] == one["auc_macro"]


def test_a_paired_difference_agrees_with_numpy(checkpoint, run, snapshot, tmp_path):
    first, second = tmp_path / "first.h5", tmp_path / "second.h5"
    other = run / "checkpoints/epoch-0001.h5"
    document = told(checkpoint, snapshot, "--split", "all", "--resamples", RESAMPLES, "--against", other, "--predictions", first)
    told(other, snapshot, "--split", "all", "--resamples", 0, "--predictions", second)
    songs, whole, drawn = intervals.difference(predictions.read(first), predictions.read(second), RESAMPLES, seed=7)
    against = document["against"]
    assert against["songs"] == songs == document["songs"]
    for name, values, resampled in (("auc_macro", whole.macro, drawn.macro), ("auc_micro", whole.micro, drawn.micro),
                                    ("pr_auc_macro", whole.precision, drawn.precision)):
        assert against[name]["value"] == pytest.approx(values[0], abs=1e-12)
        assert close(against[name]["interval"], intervals.interval(resampled)), name
        low, high = against[name]["interval"]
        assert against[name]["excludes_zero"] == (not low <= 0 <= high)
    for tag, row in enumerate(against["tags"]):
        if row["auc"]:
            assert row["auc"]["value"] == pytest.approx(whole.tags[0, tag], abs=1e-12)


def test_a_warning_says_which_of_two_has_learnt_the_songs(checkpoint, snapshot):
    errors = evaluate(checkpoint, snapshot, "--split", "all", "--against", checkpoint).errors
    assert errors.count("judged were trained on") == 2 and f"warning: {checkpoint}: " in errors, errors


def test_a_checkpoint_against_itself_differs_in_nothing(checkpoint, snapshot):
    against = told(checkpoint, snapshot, "--against", checkpoint)["against"]
    assert against["auc_macro"] == {"value": 0, "interval": [0, 0], "excludes_zero": False}
    text = evaluate(checkpoint, snapshot, "--against", checkpoint).output
    assert "no difference that is sure" in text and "no better" in text


def test_two_splits_are_compared_on_the_songs_that_neither_learnt(snapshot, fold_runs, tmp_path):
    assert train(snapshot, tmp_path / "other", "--folds", 3, "--fold", 1, "--split-seed", 10).code == 0
    first, second = tmp_path / "first.h5", tmp_path / "second.h5"
    document = told(newest(fold_runs / "1"), snapshot, "--against", newest(tmp_path / "other"), "--predictions", first)
    told(newest(tmp_path / "other"), snapshot, "--predictions", second)
    common = set(predictions.read(first).track_ids) & set(predictions.read(second).track_ids)
    assert 0 < document["against"]["songs"] == len(common) < document["songs"]
    # Two folds of one cross-validation have no song in common.
    refuse(evaluate(newest(fold_runs / "1"), snapshot, "--against", newest(fold_runs / "2"), ranks=2), BAD_DATA, "none of its")


def test_the_folds_judge_every_song_once_on_any_number_of_ranks(snapshot, fold_runs, tmp_path):
    parts = []
    for fold in (1, 2, 3):
        file = tmp_path / f"{fold}.h5"
        outcome = evaluate(newest(fold_runs / f"{fold}"), snapshot, "--predictions", file, "--resamples", 0,
                           ranks=(3, None, 2)[fold - 1])
        assert outcome.code == 0, str(outcome)
        parts.append(predictions.read(file))
        config = (fold_runs / f"{fold}/config.yaml").read_text()
        assert "folds: 3" in config and f"fold: {fold}\n" in config and "split_seed: 9" in config
    with h5py.File(snapshot, "r", locking=False) as songs:
        everyone = predictions.texts(songs["songs/track_id"])
    pooled = predictions.joined(parts, [1, 2, 3], "folds", "out of fold")
    assert pooled.track_ids == everyone
    for one in range(3):
        for other in range(one):
            assert not set(parts[one].artist_ids) & set(parts[other].artist_ids)
    sizes = [len(part) for part in parts]
    assert max(sizes) - min(sizes) <= 3


def test_a_fold_goes_on_as_itself_alone(snapshot, fold_runs, tmp_path):
    shutil.copytree(fold_runs / "2", tmp_path / "run")
    options = ("--folds", 3, "--split-seed", 9, "--seed", 2, "--resume", "--epochs", 2)
    refuse(train(snapshot, tmp_path / "run", *options, "--fold", 3, ranks=2), BAD_DATA, "artist-folds:2/3", "artist-folds:3/3")
    assert train(snapshot, tmp_path / "run", *options, "--fold", 2, ranks=3).code == 0
    # The file that a run leaves repeats it; the command line replaces its fold.
    again = train(snapshot, tmp_path / "again", "--config", fold_runs / "2/config.yaml", "--fold", 1)
    assert again.code == 0 and "fold: 1\n" in (tmp_path / "again/config.yaml").read_text()


@pytest.mark.parametrize("options, words", [
    (("--folds", 3), ("--fold",)), (("--fold", 1), ("--folds",)), (("--folds", 3, "--fold", 4), ("fold 4 of 3",)),
    (("--folds", 1, "--fold", 1), ("2 to",)), (("--folds", 3, "--fold", 1, "--split", "random:0.9"), ("split", "folds")),
])
def test_folds_that_cannot_be_are_refused(snapshot, tmp_path, options, words):
    refuse(train(snapshot, tmp_path / "run", *options), USAGE, *words)


def test_more_folds_than_artists_are_refused(snapshot, tmp_path):
    refuse(train(snapshot, tmp_path / "run", "--folds", 900, "--fold", 1, ranks=2), BAD_DATA, "artists", "900")


def test_nothing_but_predictions_is_replaced(checkpoint, snapshot, tmp_path):
    for name in ("songs.h5", "text.txt"):
        path = tmp_path / name
        if name == "songs.h5":
            shutil.copy(snapshot, path)
        else:
            path.write_text("mine")
        before = path.read_bytes()
        refuse(evaluate(checkpoint, snapshot, "--predictions", path, ranks=2), USAGE, name, "not a file of predictions")
        assert path.read_bytes() == before
    path = tmp_path / "predictions.h5"
    told(checkpoint, snapshot, "--predictions", path)
    told(checkpoint, snapshot, "--split", "all", "--predictions", path)
    with h5py.File(path, "r", locking=False) as file:
        assert file.attrs["split"] in ("all", b"all") and file.attrs["format_version"] == 1


@pytest.mark.parametrize("options", [("--resamples", 5), ("--against-data", "x.h5"), ("--against", "x.h5", "--resamples", 0)])
def test_options_that_do_not_go_together_are_refused(checkpoint, snapshot, options):
    assert evaluate(checkpoint, snapshot, *options).code == USAGE


# The scripts, run by the tests' own Python.

def script(name, *arguments, **environment):
    line = [sys.executable, program.ROOT / f"scripts/science/{name}.py", *arguments]
    return subprocess.run(list(map(str, line)), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=program.environment(CRNN_DIST=program.BINARY, **environment))


@pytest.fixture(scope="module")
def whole_songs(tree, tmp_path_factory):
    """The synthetic songs whole, pitches and timbre, with a split of their own."""
    file = tmp_path_factory.mktemp("whole") / "songs.h5"
    program.succeed("prepare", "--msd", tree / "msd", "--lastfm", tree / "lastfm", "--segments", "all", "--features", "both",
                    "--split", "artist:0.7/0.2/0.1", "--out", file)
    return file


@pytest.fixture(scope="module")
def validated(snapshot, tmp_path_factory):
    """A cross-validation of two folds and two seeds that was broken off and went on."""
    out = tmp_path_factory.mktemp("cv") / "out"
    line = (snapshot, out, "--folds", 2, "--ranks", 1, *NETWORK, "--epochs", 1)
    one = script("cross_validate", *line, "--task", 2)
    assert one.returncode == 0 and "1 of 2 runs are still to be done: seed-1-fold-1" in one.stdout, one.stderr
    both = script("cross_validate", *line, "--seeds", 1, 2)
    assert both.returncode == 0, both.stderr
    return out, line, both.stdout


def test_a_cross_validation_does_what_is_left_and_pools_it(validated, snapshot):
    out, line, said = validated
    assert "seed-1-fold-2: done" in said and said.count("+ mpirun") == 6
    seeds = [predictions.read(out / f"seed-{seed}.h5") for seed in (1, 2)]
    mean = predictions.read(out / "mean.h5")
    with h5py.File(snapshot, "r", locking=False) as songs:
        assert mean.track_ids == predictions.texts(songs["songs/track_id"])
    assert (seeds[0].folds == seeds[1].folds).all() and set(mean.folds) == {1, 2}
    numpy.testing.assert_allclose(mean.probabilities, (seeds[0].probabilities + seeds[1].probabilities) / 2, rtol=1e-6)
    assert said.rstrip().endswith((out / "table.md").read_text().rstrip())
    rows = said.rstrip().splitlines()[-3:]
    assert [row.split("|")[1].strip() for row in rows] == ["seed 1", "seed 2", "mean of 2 seeds"]
    scores = [roc_auc_score(labels, values) for labels, values in zip(mean.labels.T, mean.probabilities.T) if 0 < labels.sum() < len(labels)]
    assert f"{numpy.mean(scores):.3f} [" in rows[-1]


def test_a_cross_validation_goes_on_with_the_same_options_alone(validated):
    _, line, _ = validated
    other = script("cross_validate", *line[:-1], 2)
    assert other.returncode != 0 and "settings.json" in other.stderr and "options" in other.stderr
    assert script("cross_validate", *line, "--split", "random:0.9").returncode == 2


def test_the_baseline_of_a_network_is_taken_from_its_folds(validated, tree, snapshot, whole_songs, tmp_path):
    out, _, _ = validated
    # Without the track files: what the snapshot holds.
    alone = script("baseline", whole_songs, "--resamples", 100)
    assert alone.returncode == 0, alone.stderr
    assert "the validation side" in alone.stdout and "give them with --tracks" in alone.stdout
    assert "402 moments" in alone.stdout and "453" not in alone.stdout.split("| ---")[-1]
    # A snapshot of pitches, with the track files; against the network of the same folds.
    done = script("baseline", snapshot, "--folds-of", out / "mean.h5", "--tracks", tree / "msd", "--out", tmp_path / "base",
                  "--against", out / "mean.h5", "--resamples", 100)
    assert done.returncode == 0, done.stderr
    network = predictions.read(out / "mean.h5")
    for key in ("logistic-regression", "kernel-ridge", "kernel-ridge-terms"):
        method = predictions.read(tmp_path / f"base/{key}.h5")
        assert method.track_ids == network.track_ids and (method.folds == network.folds).all()
    assert "sure" in done.stdout
    # What the tags were made from is in the pitches, so that their moments must tell something.
    scores = [roc_auc_score(labels, values) for labels, values in zip(method.labels.T, method.probabilities.T)
              if 5 < labels.sum() < len(labels) - 5]
    assert numpy.mean(scores) > 0.55
    # The same files, judged by themselves.
    again = script("judge", out / "mean.h5", "--against", tmp_path / "base/kernel-ridge.h5", "--tags", "--resamples", 100)
    assert again.returncode == 0 and "less " in again.stdout, again.stderr


def test_a_baseline_says_what_is_missing(snapshot, whole_songs, tmp_path):
    for line, word in (((snapshot,), "--split"), ((__file__,), "cannot be read"),
                       ((whole_songs, "--tracks", whole_songs), "left out")):
        done = script("baseline", *line)
        assert done.returncode == 1 and word in done.stderr and "Traceback" not in done.stderr, done.stderr


@pytest.mark.long
def test_the_baselines_on_real_songs_are_those_published(real_data, tmp_path):
    aggregates = [real_data / "aggregate/msd_aggregate.h5", real_data / "more/msd_aggregate_more.h5"]
    sources = [path for path in (real_data / "msd", *aggregates) if path.exists()]
    if len(sources) < 3:
        pytest.skip("not all three sources are here")
    (tmp_path / "songs.txt").write_text("".join(f"{path.resolve()}\n" for path in sources))
    program.succeed("prepare", "--msd", tmp_path / "songs.txt", "--lastfm", real_data / "lastfm", "--join", "normalised",
                    "--segments", 252, "--features", "both", "--out", tmp_path / "songs.h5")
    done = script("baseline", tmp_path / "songs.h5", "--folds", 5, "--tracks", tmp_path / "songs.txt")
    assert done.returncode == 0, done.stderr
    figures = [float(row.split("|")[3].split()[0]) for row in done.stdout.rstrip().splitlines()[-3:]]
    assert figures == pytest.approx([0.682, 0.705, 0.726], abs=0.005), done.stdout


def test_a_table_of_methods_is_not_made_of_two_data_sets(tree, tmp_path):
    (tmp_path / "settings.json").write_text(json.dumps({"tracks": ["/elsewhere"], "lastfm": str(tree / "lastfm")}))
    done = script("methods_table", tmp_path, "--tracks", tree / "msd", "--lastfm", tree / "lastfm")
    assert done.returncode == 1 and done.stdout == "" and done.stderr.count("\n") == 1
    assert "settings.json: made with tracks ['/elsewhere'], now " in done.stderr


def test_a_method_that_differs_by_nothing_when_rounded_is_told_without_a_minus():
    """One pair of places changed among so many songs is less than the last digit."""
    chance = numpy.random.default_rng(3)
    labels = chance.integers(0, 2, (400, 1)).astype(numpy.uint8)
    values = chance.random((400, 1)).astype(numpy.float32)
    order = numpy.argsort(values[:, 0])
    pair = next((low, high) for low, high in zip(order, order[1:]) if labels[low] < labels[high])
    other = values.copy()
    other[list(pair)] = values[list(reversed(pair))]

    def method(probabilities):
        names = [f"song {song}" for song in range(400)]
        return predictions.Predictions(names, names, ["rock"], labels, probabilities, "one", "all", None)

    row = tables.differences([("worse", method(other))], ("better", method(values)), resamples=100).splitlines()[-1]
    assert "-0.000" not in row and "| +0.000 [" in row

"""The recommended network: what is known of whole songs, auxiliary targets, songs without tags among tagged ones."""

import json
import shutil
import signal
import time

import h5py
import numpy
import pytest
import safetensors.numpy

import checkpoints
import program

TERMS, SIMILAR = 12, 8
TARGETS = TERMS + SIMILAR
AUXILIARY = f"artist-terms:{TERMS},similar-artists:{SIMILAR}"
OPTIONS = ["--model", "recommended", "--auxiliary", AUXILIARY, "--segments", 60, "--crop", "random",
           "--epochs", 3, "--batch-size", 24, "--optimizer", "adamw", "--schedule", "one-cycle", "--log-every", 1, "--seed",
           5, "--split", "artist:0.7/0.2/0.1", "--threads", 1]


@pytest.fixture(scope="module")
def songs(tree, tmp_path_factory):
    """All songs with everything that is known of them; a third have lost their Last.fm records."""
    folder = tmp_path_factory.mktemp("recommended")
    (folder / "lastfm").mkdir()
    for number, record in enumerate(sorted((tree / "lastfm").rglob("*.json"))):
        if number % 3 > 0:
            (folder / "lastfm" / record.name).symlink_to(record)
    program.succeed("prepare", "--msd", tree / "msd", "--lastfm", folder / "lastfm", "--segments", "all", "--features",
                    "all", "--keep-untagged", "--auxiliary", "similar-artists,artist-terms", "--out", folder / "songs.h5", ranks=2)
    return folder / "songs.h5"


def train(songs, run, *options, ranks=None):
    program.succeed("train", "--data", songs, "--out", run, *OPTIONS, *options, ranks=ranks)
    return run


@pytest.fixture(scope="module")
def run(songs, tmp_path_factory):
    return train(songs, tmp_path_factory.mktemp("run") / "alone")


def last(run):
    return run / "checkpoints/epoch-0003.h5"


def losses(run):
    return [step["loss"] for step in checkpoints.metrics(run, "step")]


def words_of(path):
    with h5py.File(path) as file:
        names = [name.decode() for name in file["metadata/artist_terms"][:]]
        similar = {f"similar:{name.decode()}": 1 for name in file["metadata/similar_artists"][:]}
        return dict(zip(names, file["metadata/artist_terms_weight"][:])) | similar


def stored_words(file, row):
    """What a snapshot says of a song."""
    starts, numbers, weights = (file[f"songs/{name}"] for name in ("term_start", "term", "term_weight"))
    part = slice(starts[row], starts[row + 1])
    return dict(zip([file["terms/names"][number].decode() for number in numbers[part]], weights[part]))


def test_a_runs_lists_are_the_songs_that_it_trained_on_and_untagged_ones_are_judged_nowhere(songs, tmp_path):
    run = tmp_path / "run"
    options = [{60: 500, 3: 1}.get(option, option) for option in OPTIONS]
    program.succeed("train", "--data", songs, "--out", run, *options)
    checkpoint = run / "checkpoints/epoch-0001.h5"
    program.succeed("split", "--run", run, "--out", tmp_path / "sides")
    sides = [(tmp_path / f"sides.{side}.txt").read_text().split() for side in ("train", "validation", "test")]
    start = checkpoints.metrics(run, "start")[0]
    assert [len(ids) for ids in sides] == [start[f"{side}_songs"] for side in ("train", "validation", "test")]
    with h5py.File(checkpoint) as file:
        assert len(sides[0]) == len(file["training_songs/id_hashes"])
    with h5py.File(songs) as file:
        names = [name.decode() for name in file["songs/track_id"][:]]
        tagged = dict(zip(names, file["songs/labels"][:].any(1)))
        count = dict(zip(names, file["songs/segment_count"][:]))
    assert all(count[name] >= 500 for ids in sides for name in ids) and min(count.values()) < 500
    assert all(tagged[name] for ids in sides[1:] for name in ids)
    learnt = sum(tagged[name] for name in sides[0])
    assert learnt < len(sides[0])
    told = program.succeed("evaluate", "--checkpoint", checkpoint, "--data", songs, "--split", "train", "--resamples", 0, "--json")
    assert json.loads(told.output)["songs"] == learnt


def test_a_snapshot_keeps_songs_without_tags_and_the_words_of_all(tree, songs):
    with h5py.File(songs) as file:
        labels, names = file["songs/labels"][:], [name.decode() for name in file["songs/track_id"][:]]
        assert 0 < (labels.sum(1) == 0).sum() < len(names)
        counts = json.loads(file.attrs["counts"])
        assert counts["funnel"]["tagged"] == (labels.sum(1) > 0).sum()
        assert len(names) == (file["distribution/read"][:] * (file["distribution/segments"][:] >= 12)).sum()
        assert json.loads(file.attrs["options"])["auxiliary"] == "artist-terms,similar-artists"
        words = [name.decode() for name in file["terms/names"][:]]
        assert words == sorted(words, key=str.encode)
        for row in range(0, len(names), 7):
            name = names[row]
            told, found = words_of(tree / "msd" / name[2] / name[3] / name[4] / f"{name}.h5"), stored_words(file, row)
            assert found.keys() == told.keys() and all(abs(found[word] - told[word]) < 1e-6 for word in told)


def test_of_similar_artists_a_snapshot_keeps_those_that_most_songs_have(tree, tmp_path):
    """A hundred of each of twelve songs are more than the thousand that are kept; one is everybody's, and one nobody's name.
    A term that looks like one of them is none."""
    (tmp_path / "msd").mkdir()
    for number, path in enumerate(sorted((tree / "msd").rglob("*.h5"))[:12]):
        shutil.copy(path, tmp_path / "msd")
        with h5py.File(tmp_path / "msd" / path.name, "r+") as file:
            file["metadata/artist_terms"][0] = b"similar:ARZZZZZ1187B999999"
            similar = file["metadata/similar_artists"]
            similar.resize((100,))
            similar[:] = [b"ARZZZZZ1187B000000", b"", *(f"AR{number:05}{other:011}".encode() for other in range(98))]
    program.succeed("prepare", "--msd", tmp_path / "msd", "--lastfm", tree / "lastfm", "--segments", 12, "--keep-untagged",
                    "--auxiliary", "artist-terms,similar-artists", "--out", tmp_path / "songs.h5", ranks=3)
    with h5py.File(tmp_path / "songs.h5") as file:
        words = [name.decode() for name in file["terms/names"][:]]
        names = [word for word in words if word.startswith("similar:")]
        songs = len(file["songs/track_id"])
        own = sorted(f"similar:AR{number:05}{other:011}" for number in range(songs) for other in range(98))
        assert songs > 10 and names == [*own[:999], "similar:ARZZZZZ1187B000000"]
        assert len(words) > len(names)
        found = [stored_words(file, row) for row in range(songs)]
        counts = [sum(word in names for word in words) for words in found]
        assert sum(counts) == 999 + songs and min(counts) >= 1 and sum(map(len, found)) == len(file["songs/term"])


def aggregate(files, path):
    """Some songs' files as one: their rows and arrays one after the other, with the places where each song's begin."""
    with h5py.File(path, "w") as made:
        sources = [h5py.File(file) for file in files]
        for group in ("analysis", "metadata", "musicbrainz"):
            rows = numpy.concatenate([source[f"{group}/songs"][:] for source in sources])
            for name in sources[0][group]:
                if name == "songs":
                    continue
                parts = [source[f"{group}/{name}"][:] for source in sources]
                made.create_dataset(f"{group}/{name}", data=numpy.concatenate(parts), maxshape=(None, *parts[0].shape[1:]))
                if f"idx_{name}" in rows.dtype.names:
                    rows[f"idx_{name}"] = numpy.cumsum([0, *map(len, parts)])[:-1]
            made.create_dataset(f"{group}/songs", data=rows, maxshape=(None,))


def test_songs_of_an_aggregate_have_the_words_of_their_own_files(tree, tmp_path):
    files = sorted((tree / "msd").rglob("*.h5"))[:7]
    aggregate(files, tmp_path / "several.h5")
    program.succeed("prepare", "--msd", tmp_path / "several.h5", "--lastfm", tree / "lastfm", "--segments", 12,
                    "--keep-untagged", "--auxiliary", "artist-terms,similar-artists", "--out", tmp_path / "songs.h5")
    with h5py.File(tmp_path / "songs.h5") as file:
        names = [name.decode() for name in file["songs/track_id"][:]]
        assert len(names) > 4
        for row, name in enumerate(names):
            told = words_of(next(path for path in files if path.stem == name))
            assert stored_words(file, row) == pytest.approx(told, abs=1e-6)


@pytest.mark.parametrize("config", [
    "recommended.yaml", "recommended-without-terms.yaml", "recommended-with-convolutions.yaml"])
def test_the_published_configurations_train(songs, tmp_path, config):
    program.succeed("train", "--data", songs, "--config", program.ROOT / "configs" / config, "--segments", 60, "--epochs", 1,
                    "--split", "artist:0.7/0.2/0.1", "--threads", 1, "--out", tmp_path / "run")
    assert "model: recommended" in (tmp_path / "run/config.yaml").read_text()


def test_targets_are_what_most_training_songs_have(songs, run):
    with h5py.File(last(run)) as file:
        targets = [name.decode() for name in file["lists/auxiliary"][:]]
        assert file["weights/auxiliary/kernel"].shape[1] == TARGETS == len(targets)
        assert file["standardization/song_mean"].shape == (327,)
    configuration = (run / "config.yaml").read_text()
    assert "model: recommended" in configuration and f"auxiliary: {AUXILIARY}" in configuration
    assert [name.startswith("similar:") for name in targets] == [False] * TERMS + [True] * SIMILAR
    evaluated = json.loads(program.succeed("evaluate", "--checkpoint", last(run), "--data", songs, "--json").output)
    with h5py.File(songs) as file:
        words = [name.decode() for name in file["terms/names"][:]]
        artists, starts, numbers = (file[f"songs/{name}"][:] for name in ("artist_id", "term_start", "term"))
        labels = file["songs/labels"][:]
    start = checkpoints.metrics(run, "start")[0]
    assert set(targets) <= set(words) and evaluated["songs"] == start["validation_songs"]
    assert start["train_songs"] > (labels.sum(1) > 0).sum() * 0.7, "songs without tags are trained on"


def test_training_goes_on_with_other_targets_each_by_its_name(songs, run, tmp_path):
    fewer = [f"artist-terms:4,similar-artists:{TARGETS // 2 - 4}" if option == AUXILIARY else option for option in OPTIONS]
    program.succeed("train", "--data", songs, "--from", last(run), "--out", tmp_path / "run", *fewer, "--learning-rate", 1e-30)
    before, after = checkpoints.arrays(last(run)), checkpoints.arrays(last(tmp_path / "run"))
    targets = [list(arrays["lists/auxiliary"]) for arrays in (before, after)]
    assert len(targets[1]) == TARGETS // 2 and set(targets[1]) <= set(targets[0])
    columns = [targets[0].index(target) for target in targets[1]]
    for name in ("weights/auxiliary/kernel", "weights/auxiliary/bias"):
        numpy.testing.assert_allclose(after[name], before[name][..., columns], rtol=0, atol=1e-20)


def test_exports_leave_out_the_head_of_auxiliary_targets(songs, run, tmp_path):
    program.succeed("export", "--checkpoint", last(run), "--format", "safetensors", "--out", tmp_path / "tagger.safetensors")
    exported = safetensors.numpy.load_file(tmp_path / "tagger.safetensors")
    kept = {name.removeprefix("weights/") for name in checkpoints.arrays(last(run))
            if name.startswith("weights/") and not name.startswith("weights/auxiliary/")}
    assert len(kept) > 20 and kept <= exported.keys()
    assert not [name for name in exported if "auxiliary" in name]


@pytest.mark.parametrize("ranks", [2, 3])
def test_losses_are_the_same_for_any_number_of_ranks(songs, run, tmp_path, ranks):
    shared = train(songs, tmp_path / "shared", ranks=ranks)
    assert len(losses(run)) == len(losses(shared)) > 5
    assert max(abs(one - other) / one for one, other in zip(losses(run), losses(shared))) <= 1e-9
    one, other = (checkpoints.metrics(folder, "epoch")[-1] for folder in (run, shared))
    assert abs(one["val_auc_macro"] - other["val_auc_macro"]) < 1e-6


def test_a_run_that_was_stopped_goes_on_bit_for_bit(songs, tmp_path):
    # More epochs than else, so that the signal comes before the end.
    line = ["train", "--data", songs, *[8 if option == 3 else option for option in OPTIONS], "--checkpoint-every", "2steps"]
    program.succeed(*line, "--out", tmp_path / "whole")
    process = program.start(*line, "--out", tmp_path / "run")
    deadline = time.monotonic() + 60
    while not list((tmp_path / "run/checkpoints").glob("step-*.h5")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    outcome = program.finish(process)
    assert outcome.code == program.STOPPED, str(outcome)
    shutil.copytree(tmp_path / "run", tmp_path / "shared")
    program.succeed(*line, "--out", tmp_path / "run", "--resume")
    program.succeed(*line, "--out", tmp_path / "shared", "--resume", ranks=2)
    whole, alone, shared = (tmp_path / name / "checkpoints/epoch-0008.h5" for name in ("whole", "run", "shared"))
    assert checkpoints.differences(whole, alone) == []
    # One rank or two: the same to the last bit is asked of one alone.
    stored, other = checkpoints.weights(whole), checkpoints.weights(shared)
    assert all(numpy.allclose(stored[name], other[name], rtol=1e-4, atol=1e-5) for name in stored)


def test_a_killed_run_goes_on_bit_for_bit(songs, run, tmp_path):
    process = program.start("train", "--data", songs, "--out", tmp_path / "run", *OPTIONS)
    while not (tmp_path / "run/checkpoints/epoch-0001.h5").exists() and process.poll() is None:
        time.sleep(0.01)
    program.kill(process)
    program.finish(process)
    train(songs, tmp_path / "run", "--resume")
    assert last(tmp_path / "run").read_bytes() == last(run).read_bytes()


def test_predictions_from_track_files_are_those_of_the_snapshot(tree, songs, run):
    with h5py.File(songs) as file:
        names = [name.decode() for name in file["songs/track_id"][:]]
    files = [tree / "msd" / name[2] / name[3] / name[4] / f"{name}.h5" for name in names[:40:9]]
    told = json.loads(program.succeed("predict", "--checkpoint", last(run), "--json", "--top", 3, *files).output)
    for file, song in zip(files, told):
        alone = json.loads(program.succeed("predict", "--checkpoint", last(run), "--json", "--top", 3, file).output)
        assert alone == [song] and len(song["tags"]) == 3


def as_analysis(path):
    """A track file as an audio analysis in JSON, which has durations where the file has starts."""
    columns = ("start", "confidence", "loudness_start", "loudness_max", "loudness_max_time", "pitches", "timbre")
    facts = ("tempo", "loudness", "key", "mode", "duration", "time_signature", "key_confidence", "mode_confidence",
             "time_signature_confidence")
    with h5py.File(path) as file:
        values = {name: file[f"analysis/segments_{name}"][:].tolist() for name in columns}
        song = file["analysis/songs"][0]
        ends = [*values["start"][1:], max(float(song["duration"]), values["start"][-1])]
        return {
            "track": {name: song[name].item() for name in facts},
            "beats": [{"start": float(start)} for start in file["analysis/beats_start"]],
            "sections": [{"start": float(start)} for start in file["analysis/sections_start"]],
            "segments": [{name: values[name][row] for name in columns} | {"duration": ends[row] - values["start"][row]}
                         for row in range(len(ends))]}


def test_audio_analyses_tell_all_that_track_files_do(tree, run, tmp_path):
    files = sorted((tree / "msd").rglob("*.h5"), key=lambda path: path.stat().st_size)[-3:]
    for file in files:
        (tmp_path / f"{file.stem}.json").write_text(json.dumps(as_analysis(file)))
    songs = [json.loads(program.succeed("predict", "--checkpoint", last(run), "--json", "--top", 50, *paths).output)
             for paths in (files, [tmp_path / f"{file.stem}.json" for file in files])]
    for one, other in zip(*songs):
        assert one["tags"] == other["tags"] and len(one["tags"]) == 50
    # What is not told of a whole song is named.
    whole = as_analysis(files[0])
    del whole["track"]["tempo"]
    (tmp_path / "less.json").write_text(json.dumps(whole))
    outcome = program.run("predict", "--checkpoint", last(run), tmp_path / "less.json")
    program.refuse(outcome, program.BAD_DATA, "less.json", "track.tempo: not there")


@pytest.mark.parametrize("features, rows", [
    ("moments", {"dense_1", "auxiliary"}), ("timbre,loudness,duration", {"convolution_1", "recurrent"})])
def test_a_part_of_what_is_known_makes_a_part_of_the_network(songs, tmp_path, features, rows):
    run = train(songs, tmp_path / "run", "--features", features)
    told = json.loads(program.succeed("inspect", last(run), "--json").output)
    assert rows <= {layer["name"] for layer in told["layers"]}
    assert checkpoints.metrics(run, "epoch")[-1]["val_auc_macro"] is not None
    assert losses(run) == pytest.approx(losses(train(songs, tmp_path / "shared", "--features", features, ranks=3)), rel=1e-9)


def test_a_network_of_convolutions_learns_the_terms_too(songs, tmp_path):
    options = ["--model", "small", "--filters", "[4,4,4]", "--recurrent-units", 4, "--crop", "first"]
    run = train(songs, tmp_path / "with", *options)
    assert "auxiliary" in (tmp_path / "with/config.yaml").read_text()
    with h5py.File(last(run)) as file:
        assert file["weights/auxiliary/kernel"].shape == (4, TARGETS)
    # Without them songs without tags teach nothing, and are left out.
    program.succeed("train", "--data", songs, "--out", tmp_path / "without", *options, "--segments", 60, "--epochs", 1,
                    "--split", "artist:0.7/0.2/0.1", "--seed", 5, "--threads", 1)
    counts = [checkpoints.metrics(tmp_path / name, "start")[0] for name in ("with", "without")]
    assert counts[0]["train_songs"] > counts[1]["train_songs"]
    assert counts[0]["validation_songs"] == counts[1]["validation_songs"]


def test_a_tree_is_prepared_with_all_that_is_learnt_from(tree, tmp_path):
    program.succeed("train", "--msd", tree / "msd", "--lastfm", tree / "lastfm", "--out", tmp_path / "run",
                    "--model", "recommended", "--auxiliary", "artist-terms:5", "--epochs", 1, "--segments", 60, "--threads", 1,
                    ranks=2)
    with h5py.File(tmp_path / "run/checkpoints/epoch-0001.h5") as file:
        assert file["weights/auxiliary/bias"].shape == (5,)


def test_words_that_a_snapshot_does_not_have_are_not_learnt_and_it_is_said(tree, tmp_path):
    program.succeed("prepare", "--msd", tree / "msd", "--lastfm", tree / "lastfm", "--segments", "all", "--features", "all",
                    "--keep-untagged", "--auxiliary", "artist-terms", "--out", tmp_path / "songs.h5")
    outcome = program.succeed("train", "--data", tmp_path / "songs.h5", "--config", program.ROOT / "configs/recommended.yaml",
                              "--segments", 60, "--epochs", 1, "--split", "artist:0.7/0.2/0.1", "--out", tmp_path / "run")
    assert "songs.h5: has no similar-artists of its training songs" in outcome.output + outcome.errors
    targets = checkpoints.arrays(tmp_path / "run/checkpoints/epoch-0001.h5")["lists/auxiliary"]
    assert len(targets) > 10 and not [name for name in targets if name.startswith(b"similar:")]


def test_dense_layers_of_other_units_and_activation(songs, run, tmp_path):
    options = ["--dense-units", "[24, 20, 10]", "--dense-activation", "elu"]
    train(songs, tmp_path / "run", *options)
    told = json.loads(program.succeed("inspect", last(tmp_path / "run"), "--json").output)
    assert [(layer["kind"], layer["output_shape"]) for layer in told["layers"] if layer["name"].startswith("dense_activation_")] == [
        ("ELU", [24]), ("ELU", [20]), ("ELU", [10])]
    outcome = program.run("train", "--data", songs, "--from", last(tmp_path / "run"), "--out", tmp_path / "next", *OPTIONS,
                          "--dense-units", "[24, 20, 10]")
    program.refuse(outcome, program.BAD_DATA, "--from", "elu, this run's relu", "--dense-activation elu")
    # A run goes on as what it is.
    line = ["train", "--data", songs, "--out", tmp_path / "run", *[4 if option == 3 else option for option in OPTIONS], "--resume"]
    program.refuse(program.run(*line, "--dense-units", "[24, 20, 10]"), program.BAD_DATA, "dense_activation elu, now relu")
    program.refuse(program.run(*line, "--dense-activation", "elu"), program.BAD_DATA, "dense_units [24, 20, 10], now [256, 256]")


@pytest.mark.parametrize("options, code, words", [
    (["--dense-units", "[4]"], program.USAGE, ["dense_units is of no use", "recommended"]),
    (["--dense-activation", "elu"], program.USAGE, ["dense_activation is of no use"]),
    (["--dense-activation", "tanh", "--model", "recommended"], program.USAGE, ["tanh", "elu or relu"]),
    (["--auxiliary", "artist-terms:5,artist-terms:6"], program.USAGE, ["--auxiliary", "artist-terms:150,similar-artists:150"]),
    (["--auxiliary", "similar-artists:5"], program.BAD_DATA, ["no similar-artists", "--auxiliary similar-artists"]),
    (["--auxiliary", "artist-terms"], program.USAGE, ["--auxiliary", "artist-terms:150"]),
    (["--auxiliary", "genres:10"], program.USAGE, ["--auxiliary", "genres:10"]),
    (["--auxiliary-weight", "2"], program.USAGE, ["auxiliary_weight is of no use without auxiliary"]),
    (["--auxiliary", "artist-terms:5", "--auxiliary-weight", "-1"], program.USAGE, ["--auxiliary-weight"]),
    (["--auxiliary", "artist-terms:5"], program.BAD_DATA, ["no artist-terms", "prepare it with --auxiliary artist-terms"]),
    (["--model", "recommended", "--features", "moments"], program.BAD_DATA, ["has pitches", "moments"]),
])
def test_what_cannot_be_is_refused(snapshot, tmp_path, options, code, words):
    program.refuse(program.run("train", "--data", snapshot, "--out", tmp_path / "run", "--epochs", 1, "--threads", 1, *options),
                   code, *words)


@pytest.mark.parametrize("damage, words", [
    (lambda file: file["songs/term"].__setitem__(3, 10**6), "songs/term"),
    (lambda file: file["songs/term_weight"].__setitem__(3, 1.5), "songs/term_weight"),
    (lambda file: file["songs/term_start"].__setitem__(3, -1), "songs/term_start does not rise"),
    (lambda file: file.__delitem__("songs/term_weight"), "term_weight"),
    (lambda file: file["songs/labels"].__setitem__(0, 0 if file["songs/labels"][0].any() else 1),
     "the number of songs with a label"),
])
def test_damaged_terms_are_refused(songs, tmp_path, damage, words):
    (tmp_path / "songs.h5").write_bytes(songs.read_bytes())
    with h5py.File(tmp_path / "songs.h5", "r+") as file:
        damage(file)
    program.refuse(program.run("train", "--data", tmp_path / "songs.h5", "--out", tmp_path / "run", *OPTIONS),
                   program.BAD_DATA, words)


def test_a_song_with_a_fact_that_no_song_has_costs_no_other_its_tags(tree, run, tmp_path):
    files = sorted((tree / "msd").rglob("*.h5"), key=lambda path: path.stat().st_size)[-3:]
    bad, other = tmp_path / files[0].name, as_analysis(files[1])
    shutil.copy(files[0], bad)
    with h5py.File(bad, "r+") as file:
        songs = file["analysis/songs"][:]
        songs["tempo"] = 1e300
        file["analysis/songs"][:] = songs
    other["track"]["loudness"] = -1e300
    (tmp_path / "other.json").write_text(json.dumps(other))
    program.succeed("predict", "--checkpoint", last(run), bad, tmp_path / "other.json", files[2], "--out", tmp_path / "songs.csv",
                    ranks=2)
    assert len((tmp_path / "songs.csv").read_text().splitlines()) >= 2
    skipped = dict(line.split("\t") for line in (tmp_path / "songs.csv.skipped.tsv").read_text().splitlines())
    assert "tempo: found 1e+300" in skipped[str(bad)] and "track.loudness: found -1e+300" in skipped[str(tmp_path / "other.json")]

"""Networks in other people's tools: what crnn-dist says of songs is what Keras and onnxruntime say of them, and weights
from Keras come back."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy
import onnx
import onnxruntime
import pytest
import safetensors
import safetensors.numpy

import changed_checkpoints
import checkpoints
from in_keras import KerasProcess
from program import BAD_DATA, DONE, MISSING, ROOT, USAGE, refuse, run, succeed

TOLERANCE = 1e-5
SONGS_IN_KERAS = int(os.environ.get("CRNN_DIST_SONGS_IN_KERAS", 3))

# Name, options of train, features. Those of segments are trained on one snapshot of whole songs with both features.
NETWORKS = {
    "small": (["--segments", 60], ["pitches"]),
    "choi2016-12": (["--segments", 72, "--model", "choi2016-12", "--crop", "middle"], ["pitches"]),
    "choi2016": (["--segments", 60, "--model", "choi2016", "--filters", "[4,6]", "--recurrent-units", 8, "--pooling",
                  "[[4,4],[6,4]]", "--pad-to", 64], ["spectrogram"]),
    "large": (["--segments", 24, "--model", "large", "--batch-size", 32], ["pitches"]),
    "timbre": (["--segments", 60], ["timbre"]),
    "both": (["--segments", 60, "--filters", "[20, 33, 17]", "--recurrent-units", 19], ["pitches", "timbre"]),
    "recommended": (["--segments", 60, "--model", "recommended", "--crop", "middle", "--dense-activation", "elu"],
                    ["pitches", "timbre", "loudness", "duration", "confidence", "song"]),
    "song alone": (["--segments", 60, "--model", "recommended"], ["song"]),
    "whole": (["--segments", "all", "--longest", 700, "--recurrent-units", 12], ["pitches"]),
}

GRUS = {"recommended": 1, "song alone": 0}
SHAPES = {"spectrogram": ["batch", 60, 24], "loudness": ["batch", "segments", 3], "duration": ["batch", "segments", 1],
          "confidence": ["batch", "segments", 1], "song": ["batch", 327]}


@dataclass
class Trained:
    """A network after an epoch, and what the program says of songs."""

    name: str
    checkpoint: Path
    configuration: Path
    features: list
    data: Path
    songs: dict
    """Track file, or place in the file of spectrograms: probabilities in the order of the tags."""
    tags: list

    def inputs(self, song):
        """What the network sees of a song, feature by feature, as the file has it."""
        if "spectrogram" in self.features:
            with h5py.File(self.data, "r", locking=False) as file:
                return {"spectrogram": file["features"][song].astype("float32").T}
        if "song" in self.features:
            return self.of_everything(Path(song).stem)
        options = {name: value for name, value in zip(NETWORKS[self.name][0][::2], NETWORKS[self.name][0][1::2])}
        with h5py.File(song, "r", locking=False) as file:
            values = {one: file[f"analysis/segments_{one}"][:].astype("float32") for one in self.features}
        there = len(values[self.features[0]])
        wanted = min(there, options["--longest"]) if options["--segments"] == "all" else options["--segments"]
        start = (there - wanted) // 2 if options.get("--crop") == "middle" else 0
        return {one: all_of_it[start:start + wanted] for one, all_of_it in values.items()}

    def of_everything(self, track):
        """What a snapshot has of a song: the middle 60 segments of each feature, and what is known of the whole song."""
        with h5py.File(self.data, "r", locking=False) as file:
            song = [name.decode() for name in file["songs/track_id"][:]].index(track)
            first, end = file["songs/start"][song:song + 2]
            first += (end - first - 60) // 2
            found = {"song": file["songs/keyless"][song]}
            for one in set(self.features) - {"song"}:
                values = file[f"songs/{one}"][first:first + 60]
                found[one] = (values / 1000 if values.dtype.kind in "ui" else values).astype("float32")
        return found

    def predictions(self, checkpoint, songs, folder):
        """What the program says of songs by another checkpoint."""
        if "spectrogram" in self.features:
            return numpy.array([probabilities_of_spectrograms(checkpoint, self.data, folder)[song] for song in songs])
        found = predictions(checkpoint, songs, self.tags)
        return numpy.array([found[song] for song in songs])

    def batches(self, most):
        """Songs of one length together, as arrays by feature, with their files."""
        by_length = {}
        for track in list(self.songs)[:most]:
            inputs = self.inputs(track)
            by_length.setdefault(inputs[self.features[0]].shape, []).append((track, inputs))
        for songs in by_length.values():
            yield ({one: numpy.stack([inputs[one] for _, inputs in songs]) for one in self.features},
                   [track for track, _ in songs])

    def said(self, tracks):
        return numpy.stack([self.songs[track] for track in tracks])


def predictions(checkpoint, tracks, tags):
    """What predict says of songs that are long enough: file to probabilities in the order of the tags."""
    outcome = run("predict", "--checkpoint", checkpoint, "--top", len(tags), "--json", *tracks)
    assert outcome.code in (DONE, BAD_DATA), str(outcome)
    found = {}
    for song in json.loads(outcome.output):
        if "skipped" in song:
            continue
        by_tag = {one["tag"]: one["probability"] for one in song["tags"]}
        found[song["file"]] = numpy.array([by_tag[tag] for tag in tags])
    return found


def probabilities_of_spectrograms(checkpoint, data, folder):
    """What evaluate says of every song of a file."""
    file = folder / f"{checkpoint.stem}.predictions.h5"
    file.unlink(missing_ok=True)
    succeed("evaluate", "--checkpoint", checkpoint, "--data", data, "--split", "all", "--allow-other-data", "--predictions",
            file)
    with h5py.File(file) as found:
        return dict(enumerate(found["songs/probabilities"][:]))


@pytest.fixture(scope="module")
def spectrograms(tmp_path_factory):
    file = tmp_path_factory.mktemp("spectrograms") / "songs.h5"
    succeed("synthesize", "--spectrograms", 110, "--bands", 24, "--frames", 60, "--seed", 3, "--out", file)
    return file


@pytest.fixture(scope="module")
def songs(tree, tmp_path_factory):
    file = tmp_path_factory.mktemp("exchange") / "songs.h5"
    succeed("prepare", "--msd", tree / "msd", "--lastfm", tree / "lastfm", "--segments", "all", "--features", "both",
            "--out", file, ranks=2)
    return file


@pytest.fixture(scope="module")
def everything(tree, tmp_path_factory):
    """All songs with all that is known of them."""
    file = tmp_path_factory.mktemp("everything") / "songs.h5"
    succeed("prepare", "--msd", tree / "msd", "--lastfm", tree / "lastfm", "--segments", "all", "--features", "all",
            "--keep-untagged", "--out", file, ranks=2)
    return file


@pytest.fixture(scope="module")
def keras():
    with KerasProcess() as process:
        yield process


@pytest.fixture(scope="module")
def tracks(tree):
    return sorted((tree / "msd").rglob("*.h5"))


@pytest.fixture(scope="module", params=NETWORKS)
def trained(request, songs, everything, spectrograms, tracks, tmp_path_factory):
    name, (options, features) = request.param, NETWORKS[request.param]
    folder = tmp_path_factory.mktemp(name) / "run"
    data = spectrograms if "spectrogram" in features else everything if "song" in features else songs
    seen = ("keyless" if features == ["song"] else "both" if features == ["pitches", "timbre"]
            else ",".join(features).replace("song", "keyless"))
    succeed("train", "--data", data, "--out", folder, "--epochs", 1, "--split", "random:0.9", "--train-auc-songs", 0,
            *(() if "--batch-size" in options else ("--batch-size", 8)), "--learning-rate", 0.01, "--features", seen,
            *options)
    checkpoint = folder / "checkpoints/epoch-0001.h5"
    with h5py.File(checkpoint) as file:
        tags = [tag.decode() for tag in file["lists/tags"][:]]
    if data == spectrograms:
        found = probabilities_of_spectrograms(checkpoint, data, folder.parent)
    else:
        found = predictions(checkpoint, tracks, tags)
    assert len(found) >= 100
    return Trained(name, checkpoint, folder / "config.yaml", features, data, found, tags)


def opened(model):
    """An ONNX model in one thread: the others would stand in a process that starts processes."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def export(checkpoint, format, out, *more):
    return succeed("export", "--checkpoint", checkpoint, "--format", format, "--out", out, *more)


@pytest.mark.parametrize("folded", [False, True], ids=["as it is", "folded"])
def test_onnxruntime_says_the_same_of_a_hundred_songs(trained, folded, tmp_path):
    file = tmp_path / "tagger.onnx"
    export(trained.checkpoint, "onnx", file, *(["--fold-batch-norm"] if folded else []))
    model = onnx.load(file)
    onnx.checker.check_model(model, full_check=True)
    assert any(node.op_type == "BatchNormalization" for node in model.graph.node) != folded
    assert [(node.op_type, onnx.helper.get_node_attr_value(node, "linear_before_reset"))
            for node in model.graph.node if node.op_type == "GRU"] == (
                [("GRU", 0 if trained.name == "choi2016" else 1)] * GRUS.get(trained.name, 2))

    session = opened(file)
    shapes = [(name, SHAPES.get(name, ["batch", "segments", 12])) for name in trained.features]
    assert [(one.name, one.shape) for one in session.get_inputs()] == shapes
    compared = 0
    for inputs, files in trained.batches(len(trained.songs)):
        probabilities, embeddings = session.run(["probabilities", "embeddings"], inputs)
        numpy.testing.assert_allclose(probabilities, trained.said(files), rtol=0, atol=TOLERANCE)
        compared += len(embeddings)
    assert compared >= 100

    about = session.get_modelmeta().custom_metadata_map
    assert json.loads(about["tags"]) == trained.tags
    assert ("standardization" in about) == bool({"timbre", "song"} & set(trained.features))
    assert about["checkpoint_checksum"] == checkpoints_checksum(trained.checkpoint)
    card = json.loads((tmp_path / "tagger.json").read_text())
    assert card["classes"] == trained.tags
    with h5py.File(trained.checkpoint, locking=False) as kept:
        thresholds = kept["decisions/thresholds"][:] if "decisions" in kept else None
    for told in (card.get("thresholds"), json.loads(about.get("thresholds", "null"))):
        assert (told is None) == (thresholds is None)
        assert told is None or numpy.array(told, numpy.float32).tolist() == thresholds.tolist()
    assert card["inference"]["sample_rate"] == (12000 if trained.name == "choi2016" else 22050)
    assert [(one["name"], one["shape"]) for one in card["schema"]["inputs"]] == shapes
    assert [(one["name"], one["output_purpose"], one["shape"]) for one in card["schema"]["outputs"]] == [
        ("probabilities", "predictions", ["batch", len(trained.tags)]),
        ("embeddings", "embeddings", ["batch", embeddings.shape[1]])]


def checkpoints_checksum(path):
    with h5py.File(path, locking=False) as file:
        return file.attrs["checksum"].decode()


def test_keras_says_the_same_and_its_weights_come_back(trained, keras, tmp_path):
    file = tmp_path / "tagger.weights.h5"
    export(trained.checkpoint, "keras", file)
    # Each length is a compilation: of whole songs a few are enough here.
    batches = list(trained.batches(SONGS_IN_KERAS if trained.name == "whole" else len(trained.songs)))
    changed = tmp_path / "changed.weights.h5"
    tags, (*found, with_changes) = keras.predict(file, [inputs for inputs, _ in batches], changed)
    assert tags == trained.tags
    for said, (_, files) in zip(found, batches, strict=True):
        numpy.testing.assert_allclose(said, trained.said(files), rtol=0, atol=TOLERANCE)

    # As they went out, bit for bit.
    back = tmp_path / "back.h5"
    imported = ("import", "--format", "keras", "--config", trained.configuration)
    succeed(*imported, "--weights", file, "--out", back)
    before, after = checkpoints.arrays(trained.checkpoint), checkpoints.arrays(back)
    groups = ("weights/", "moving_statistics/", "standardization/")
    kept = {name for name in before if name.startswith(groups)}
    assert kept == {name for name in after if name.startswith(groups)}
    assert [name for name in kept if before[name].tobytes() != after[name].tobytes()] == []

    # Changed in Keras.
    files = batches[0][1]
    succeed(*imported, "--weights", changed, "--out", back, "--force")
    again = trained.predictions(back, files, tmp_path)
    numpy.testing.assert_allclose(with_changes, again, rtol=0, atol=TOLERANCE)
    assert abs(with_changes - trained.said(files)).max() > 100 * TOLERANCE


def test_safetensors_load_with_names_and_shapes_of_the_checkpoint(trained, tmp_path):
    file = tmp_path / "tagger.safetensors"
    export(trained.checkpoint, "safetensors", file)
    found = safetensors.numpy.load_file(file)
    arrays = checkpoints.arrays(trained.checkpoint)
    expected = {
        name.removeprefix("weights/").removeprefix("moving_statistics/"): values for name, values in arrays.items()
        if name.startswith(("weights/", "moving_statistics/", "standardization/"))}
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert found[name].dtype == numpy.float32 and found[name].shape == values.shape
        assert found[name].tobytes() == values.tobytes()
    with safetensors.safe_open(file, "numpy") as opened:
        assert json.loads(opened.metadata()["tags"]) == trained.tags


def test_networks_of_layers_to_come(keras, tmp_path):
    """Zeros between layers, both directions, mean and maximum over time, dense layers: made by hand in the unit tests, which
    leave their files here."""
    if not (ROOT / ".build/release/crnn-distPackageTests.xctest").exists():
        pytest.skip("the unit tests are not built: swift build -c release --product crnn-distPackageTests")
    outcome = subprocess.run(
        ["swift", "test", "-c", "release", "--skip-build", "--filter", "ModelExchangeTests"], cwd=ROOT, text=True,
        env={**os.environ, "CRNN_DIST_EXCHANGE_FOLDER": str(tmp_path)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert outcome.returncode == 0, outcome.stdout
    made = sorted(tmp_path.glob("*.songs.json"))
    assert len(made) == 4, outcome.stdout
    for file in made:
        songs = json.loads(file.read_text())
        stem = str(file).removesuffix(".songs.json")
        inputs = {name: numpy.array(values, "float32") for name, values in songs["features"].items()}
        _, (in_keras,) = keras.predict(stem + ".weights.h5", [inputs])
        expected = songs["probabilities"]
        numpy.testing.assert_allclose(in_keras, expected, rtol=0, atol=TOLERANCE, err_msg=stem)
        assert numpy.ptp(expected, axis=0).max() > 100 * TOLERANCE
        for model in (stem + ".onnx", stem + "-folded.onnx"):
            onnx.checker.check_model(onnx.load(model), full_check=True)
            said, = opened(model).run(["probabilities"], inputs)
            numpy.testing.assert_allclose(said, expected, rtol=0, atol=TOLERANCE, err_msg=model)


@pytest.fixture(scope="module")
def weights(run, checkpoint, tmp_path_factory):
    """The shared small run's weights as Keras has them."""
    file = tmp_path_factory.mktemp("weights") / "tagger.weights.h5"
    export(checkpoint, "keras", file)
    return file


def test_training_goes_on_from_imported_weights(weights, run, snapshot, tree, tmp_path):
    start = tmp_path / "start.h5"
    succeed("import", "--format", "keras", "--weights", weights, "--config", run / "config.yaml", "--out", start)
    line = ("train", "--data", snapshot, "--from", start, "--batch-size", 12, "--split", "random:0.8",
            "--train-auc-songs", 0)
    # Steps too small to change a weight: what it trains is what came in.
    succeed(*line, "--out", tmp_path / "still", "--epochs", 1, "--learning-rate", 1e-30, ranks=2)
    came, begun = checkpoints.arrays(start), checkpoints.arrays(tmp_path / "still/checkpoints/epoch-0001.h5")
    for name in (name for name in came if name.startswith("weights/")):
        numpy.testing.assert_allclose(begun[name], came[name], rtol=0, atol=1e-20, err_msg=name)
    # With a rate that changes something it learns on, and its second epoch can be resumed without the checkpoint.
    succeed(*line, "--out", tmp_path / "on", "--epochs", 1)
    assert len(checkpoints.metrics(tmp_path / "on", "epoch")) == 1
    start.unlink()
    succeed(*line, "--out", tmp_path / "on", "--epochs", 2, "--resume")
    losses = [epoch["train_loss"] for epoch in checkpoints.metrics(tmp_path / "on", "epoch")]
    assert losses[1] < losses[0]


def test_training_goes_on_with_other_tags(checkpoint, tree, tmp_path):
    listed = ["jazz", "rock", "a tag that no song has"]
    (tmp_path / "tags.txt").write_text("\n".join(listed))
    songs = tmp_path / "songs.h5"
    succeed("prepare", "--msd", tree / "msd", "--lastfm", tree / "lastfm", "--segments", 252, "--tags",
            tmp_path / "tags.txt", "--out", songs)
    outcome = succeed("train", "--data", songs, "--from", checkpoint, "--out", tmp_path / "run", "--epochs", 1,
                      "--learning-rate", 1e-30, "--split", "random:0.8", "--train-auc-songs", 0)
    assert "of 3 tags it knows 2" in outcome.output + outcome.errors
    before = checkpoints.arrays(checkpoint)
    after = checkpoints.arrays(tmp_path / "run/checkpoints/epoch-0001.h5")
    tags = [tag.decode() for tag in before["lists/tags"]]
    for place, tag in enumerate(listed[:2]):
        column = tags.index(tag)
        for name in ("weights/tags/kernel", "weights/tags/bias"):
            numpy.testing.assert_allclose(after[name][..., place], before[name][..., column], rtol=0, atol=1e-20)
    assert abs(after["weights/tags/bias"][2]) < 1e-20
    kernel = "weights/recurrent_2/kernel"
    numpy.testing.assert_allclose(after[kernel], before[kernel], rtol=0, atol=1e-20)


def test_a_checkpoint_of_another_network_begins_no_run(checkpoint, snapshot, tmp_path):
    refuse(run("train", "--data", snapshot, "--from", checkpoint, "--out", tmp_path / "run", "--recurrent-units", 29),
           BAD_DATA, checkpoint, "recurrent_1", "shape")
    refuse(run("train", "--data", snapshot, "--from", tmp_path / "none.h5", "--out", tmp_path / "other"), MISSING,
           "none.h5")


def changed_weights(weights, path, change):
    shutil.copy(weights, path)
    with h5py.File(path, "a") as file:
        change(file)
    return path


def replaced(place, values):
    def change(file):
        found = values(file[place][:])
        del file[place]
        file[place] = found
    return change


def with_nan(values):
    values.flat[7] = numpy.nan
    return values


def described_otherwise(file):
    del file["crnn_dist/description"]
    file["crnn_dist/description"] = numpy.bytes_(b"{}")


@pytest.mark.parametrize("place, change, words", [
    ("layers/conv2d_1/vars/0", replaced("layers/conv2d_1/vars/0", lambda values: values[:, :, :-1]),
     ["[3, 3, 59, 60]", "[3, 3, 60, 60]"]),
    ("layers/gru/cell/vars/2", lambda file: file.pop("layers/gru/cell/vars/2"), ["no array"]),
    ("layers/dense/vars/1", replaced("layers/dense/vars/1", with_nan), ["value 7", "nan", "finite"]),
    ("layers/batch_normalization_2/vars/3", replaced("layers/batch_normalization_2/vars/3", numpy.negative),
     ["expected 0 or more"]),
    ("layers/conv2d/vars/1", replaced("layers/conv2d/vars/1", lambda values: values.astype("int32")), ["no array"]),
    ("crnn_dist/description", described_otherwise, ["describes no network"])
], ids=["shape", "missing", "nan", "negative variance", "whole numbers", "description"])
def test_bad_weights_are_refused_by_name(place, change, words, weights, tmp_path):
    bad = changed_weights(weights, tmp_path / "bad.weights.h5", change)
    (tmp_path / "small.yaml").write_text("model: small\n")
    outcome = run("import", "--format", "keras", "--weights", bad, "--config", tmp_path / "small.yaml", "--out",
                  tmp_path / "out.h5")
    refuse(outcome, BAD_DATA, bad, place, *words)
    assert not (tmp_path / "out.h5").exists()


def test_what_is_no_file_of_weights_is_refused(weights, checkpoint, snapshot, tmp_path):
    (tmp_path / "small.yaml").write_text("model: small\n")
    (tmp_path / "letter.weights.h5").write_text("dear Keras")
    (tmp_path / "cut.weights.h5").write_bytes(weights.read_bytes()[:20_000])
    line = ("import", "--format", "keras", "--config", tmp_path / "small.yaml")
    for file, code in ((checkpoint, BAD_DATA), (snapshot, BAD_DATA), (tmp_path / "letter.weights.h5", BAD_DATA),
                       (tmp_path / "cut.weights.h5", BAD_DATA), (tmp_path / "none", MISSING), (tmp_path, BAD_DATA)):
        outcome = run(*line, "--weights", file, "--out", tmp_path / "out.h5")
        assert outcome.code in (code, MISSING), str(outcome)
        refuse(outcome, outcome.code, file)
    # Tags that nobody can know, and tags that are not these.
    (tmp_path / "top.yaml").write_text("model: small\ntags: top:50\n")
    with h5py.File(shutil.copy(weights, tmp_path / "bare.weights.h5"), "a") as file:
        del file["crnn_dist"]
    refuse(run(*line[:3], "--config", tmp_path / "top.yaml", "--weights", tmp_path / "bare.weights.h5", "--out",
               tmp_path / "out.h5"), USAGE, "top:50", "--tags")
    (tmp_path / "tags.txt").write_text("rock\npop\n")
    refuse(run(*line, "--weights", weights, "--tags", tmp_path / "tags.txt", "--out", tmp_path / "out.h5"), BAD_DATA,
           "50 tags", "not the 2")
    (tmp_path / "shorter.yaml").write_text("model: small\nsegments: 100\n")
    refuse(run(*line[:3], "--config", tmp_path / "shorter.yaml", "--weights", weights, "--out", tmp_path / "out.h5"), BAD_DATA,
           "252 segments", "names 100")
    # Without a description the configuration's are taken.
    succeed(*line, "--weights", tmp_path / "bare.weights.h5", "--out", tmp_path / "out.h5")


def test_exports_take_the_place_of_nothing_else(checkpoint, tmp_path):
    line = ("export", "--checkpoint", checkpoint, "--format")
    for format, name in (("onnx", "a.onnx"), ("keras", "a.weights.h5"), ("safetensors", "a.safetensors")):
        file = tmp_path / format / name
        file.parent.mkdir()
        succeed(*line, format, "--out", file)
        first = file.read_bytes()
        succeed(*line, format, "--out", file, "--force")
        assert file.read_bytes() == first
        file.write_text("mine")
        refuse(run(*line, format, "--out", file, "--force"), USAGE, file, "left as it is")
        assert file.read_text() == "mine"
    refuse(run(*line, "safetensors", "--out", tmp_path / "onnx/a.safetensors"), USAGE, "a.json", "--force")
    (tmp_path / "onnx/a.json").write_text("{}")
    refuse(run(*line, "safetensors", "--out", tmp_path / "onnx/a.safetensors", "--force"), USAGE, "a.json",
           "left as it is")
    assert sorted(path.name for path in (tmp_path / "onnx").iterdir()) == ["a.json", "a.onnx"]
    refuse(run(*line, "onnx", "--out", tmp_path / "model.bin"), USAGE, ".onnx")
    refuse(run(*line, "keras", "--out", tmp_path / "b.weights.h5", "--fold-batch-norm"), USAGE, "--fold-batch-norm")
    refuse(run(*line, "onnx", "--out", tmp_path / "none/b.onnx"), MISSING, "none")
    bad = changed_checkpoints.changed(checkpoint, tmp_path / "nan.h5", {"weights/tags/bias": numpy.full(50, numpy.nan)})
    refuse(run("export", "--checkpoint", bad, "--format", "onnx", "--out", tmp_path / "b.onnx"), BAD_DATA, bad,
           "weights/tags/bias", "nan")
    (tmp_path / "cut.h5").write_bytes(checkpoint.read_bytes()[:5_000])
    refuse(run("export", "--checkpoint", tmp_path / "cut.h5", "--format", "onnx", "--out", tmp_path / "b.onnx"), BAD_DATA,
           "cut.h5")
    assert not list(tmp_path.glob("b.*"))


def test_the_example_names_the_packages_that_it_misses(tmp_path):
    outcome = subprocess.run([sys.executable, "-I", "-S", ROOT / "scripts/onnx-tag", "tagger.onnx", "track.h5"], text=True,
                             stderr=subprocess.PIPE)
    assert outcome.returncode == 1 and "pip install h5py onnxruntime" in outcome.stderr, outcome.stderr
    assert len(outcome.stderr.splitlines()) == 1, outcome.stderr


def test_the_example_tags_a_track_file(checkpoint, tracks, tmp_path):
    export(checkpoint, "onnx", tmp_path / "tagger.onnx")
    track, said = next(iter(predictions(checkpoint, tracks[:20], json.loads(
        (tmp_path / "tagger.json").read_text())["classes"]).items()))
    outcome = subprocess.run([sys.executable, ROOT / "scripts/onnx-tag", tmp_path / "tagger.onnx", track], text=True,
                             stdout=subprocess.PIPE, check=True)
    lines = outcome.stdout.splitlines()
    assert len(lines) == 5
    assert [float(line.split("%")[0]) for line in lines] == pytest.approx(
        [100 * one for one in sorted(said, reverse=True)[:5]], abs=0.06)

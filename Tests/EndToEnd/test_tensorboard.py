"""TensorBoard's own reader finds in a run what the run has written: the values of metrics.jsonl, settings, distributions, curves."""

import h5py
import numpy
import pytest
from tensorboard.backend.event_processing import event_accumulator as accumulator
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.hparams import plugin_data_pb2
from tensorboard.plugins.pr_curve import plugin_data_pb2 as curve_pb2
from tensorboard.util import tensor_util

import checkpoints
import program

EVERYTHING = {name: 0 for name in ("scalars", "histograms", "tensors", "images", "audio", "compressedHistograms")}
NETWORK = ["--filters", "[4,4,4]", "--recurrent-units", 3, "--batch-size", 12, "--threads", 1, "--seed", 3, "--split",
           "random:0.7", "--log-every", 1, "--histograms-every", 3]


def read(folder):
    found = accumulator.EventAccumulator(str(folder), size_guidance=EVERYTHING)
    found.Reload()
    return found


@pytest.fixture(scope="module")
def run(snapshot, tmp_path_factory):
    """Two epochs, the second one gone on with, of two ranks."""
    folder = tmp_path_factory.mktemp("tensorboard") / "run"
    for epochs in (1, 2):
        program.succeed("train", "--data", snapshot, "--out", folder, *NETWORK, "--epochs", epochs, "--resume", ranks=2)
    return folder


def scalars(found, name):
    """Step to value; what TensorBoard has as a tensor of one number is one too."""
    if name in found.Tags()["scalars"]:
        return {event.step: event.value for event in found.Scalars(name)}
    return {event.step: tensor_util.make_ndarray(event.tensor_proto).item() for event in found.Tensors(name)}


def test_scalars_are_those_of_the_metrics_by_their_names(run):
    found = read(run / "tensorboard")
    epochs = checkpoints.metrics(run, "epoch")
    assert len(epochs) == 2
    for name in ("train_loss", "val_loss", "train_auc", "val_auc_macro", "val_auc_micro", "val_auc_keras",
                 "val_pr_auc_macro", "songs_per_second"):
        expected = {line["step"]: numpy.float32(line[name]) for line in epochs if line[name] is not None}
        assert expected and scalars(found, name) == expected, name
    steps = checkpoints.metrics(run, "step")
    assert scalars(found, "loss") == {line["step"]: numpy.float32(line["loss"]) for line in steps}


def plugin(found, tag, name):
    """What a plugin keeps with a value."""
    metadata = found.SummaryMetadata(tag)
    assert metadata.plugin_data.plugin_name == name, metadata
    return metadata.plugin_data.content


def test_settings_and_results_make_a_table_of_runs(run):
    found = read(run / "tensorboard")
    session = plugin_data_pb2.HParamsPluginData.FromString(plugin(found, "_hparams_/session_start_info", "hparams"))
    settings = {name: getattr(value, value.WhichOneof("kind")) for name, value in
                session.session_start_info.hparams.items()}
    assert settings["batch_size"] == 12 and settings["learning_rate"] == 0.001 and settings["split"] == "random:0.7"
    assert settings["filters"] == "[4, 4, 4]" and settings["permute_tags"] is False and "data" not in settings
    experiment = plugin_data_pb2.HParamsPluginData.FromString(plugin(found, "_hparams_/experiment", "hparams")).experiment
    assert {info.name for info in experiment.hparam_infos} == set(settings)
    names = found.Tags()["scalars"] + found.Tags()["tensors"]
    assert all(info.name.tag in names for info in experiment.metric_infos) and experiment.metric_infos


def test_training_and_validation_share_charts(run):
    found = read(run / "tensorboard")
    event, = found.Tensors("custom_scalars__config__")
    layout = layout_pb2.Layout.FromString(tensor_util.make_ndarray(event.tensor_proto).item())
    charts = {chart.title: list(chart.multiline.tag) for category in layout.category for chart in category.chart}
    assert charts["loss"] == ["^train_loss$", "^val_loss$"]
    assert charts["ROC-AUC, macro"] == ["^train_auc$", "^val_auc_macro$"]


def histogram(found, name):
    """Step to rows of lower end, upper end, count."""
    if name in found.Tags()["histograms"]:
        return {event.step: event.histogram_value for event in found.Histograms(name)}
    return {event.step: tensor_util.make_ndarray(event.tensor_proto) for event in found.Tensors(name)}


def test_weights_and_gradients_have_their_distributions(run):
    found = read(run / "tensorboard/details")
    steps = [line["step"] for line in checkpoints.metrics(run, "step") if line["step"] % 3 == 0]
    with h5py.File(run / "checkpoints/epoch-0002.h5") as file:
        last, weights = int(file["integers/step"][()]), file["weights/tags/kernel"][:]
        names = [f"{group}/{name}" for group in ("weights", "gradients") for name in
                 ("tags/kernel", "tags/bias", "convolution_1/kernel")]
    for name in names:
        found_steps = histogram(found, name)
        assert list(found_steps) == steps, name
        size = {"tags/kernel": weights.size, "tags/bias": weights.shape[1]}.get(name.split("/", 1)[1])
        for table in found_steps.values():
            count = table.num if hasattr(table, "num") else table[:, 2].sum()
            assert size is None or round(float(count)) == size
    if last in steps:
        table = histogram(found, "weights/tags/kernel")[last]
        ends = (table.min, table.max) if hasattr(table, "min") and hasattr(table, "num") else (table[0, 0], table[-1, 1])
        assert ends == pytest.approx((weights.min(), weights.max()), abs=1e-6)


def test_every_tag_has_a_curve_of_precision_and_recall(run, snapshot, tmp_path):
    found = read(run / "tensorboard/details")
    with h5py.File(run / "checkpoints/best.h5") as file:
        best, step = int(file["integers/epoch"][()]), int(file["integers/step"][()])
    program.succeed("evaluate", "--checkpoint", run / "checkpoints/best.h5", "--data", snapshot, "--resamples", 0,
                    "--predictions", tmp_path / "p.h5")
    with h5py.File(tmp_path / "p.h5") as file:
        labels, probabilities = file["songs/labels"][:], file["songs/probabilities"][:]
        tags = [name.decode() for name in file["tags/names"][:]]
    assert best in (1, 2) and len(tags) == 50
    for tag, name in enumerate(tags):
        content = plugin(found, f"val_pr_curve/{name}", "pr_curves")
        assert curve_pb2.PrCurvePluginData.FromString(content).num_thresholds == 101
        tensor = tensor_util.make_ndarray(
            {event.step: event.tensor_proto for event in found.Tensors(f"val_pr_curve/{name}")}[step])
        assert tensor.shape == (6, 101)
        there, said = labels[:, tag] != 0, probabilities[:, tag]
        for place in (0, 10, 50, 90):
            yes = numpy.floor(said * numpy.float32(100)) >= place
            expected = [(yes & there).sum(), (yes & ~there).sum(), (~yes & ~there).sum(), (~yes & there).sum()]
            assert list(tensor[:4, place]) == expected, (name, place)
            assert tensor[5, place] == pytest.approx(expected[0] / max(1, there.sum()))

"""The pictures of scripts/plot, drawn by the tests' own Python."""

import contextlib
import io
import json
import subprocess
import sys
import warnings
from dataclasses import dataclass

import matplotlib.colors
import matplotlib.image
import numpy
import pytest

import program

sys.path.insert(0, str(program.ROOT / "scripts/plots"))
import plot  # noqa: E402

READ, TAGGED, TRAINING = "#bbbbbb", "#0072b2", "#d55e00"
# What stands above the axes names the source.
TITLE_ROWS = 60


@dataclass
class Drawn:
    code: int
    output: str
    errors: str


def draw(what, *sources, out):
    """As `scripts/plot` does it, without a process, which would load matplotlib each time. A warning is an error."""
    said, complained, code = io.StringIO(), io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(said), contextlib.redirect_stderr(complained), \
            warnings.catch_warnings():
        patch.setattr(sys, "argv", ["plot", what, *map(str, sources), "--out", str(out)])
        warnings.simplefilter("error")
        try:
            plot.main()
        except SystemExit as end:
            code = end.code
        finally:
            plot.plt.close("all")
    return Drawn(code, said.getvalue(), complained.getvalue())


def draw_in_a_process(what, *sources, out):
    done = subprocess.run([sys.executable, "-W", "error", program.ROOT / "scripts/plots/plot.py", what, *sources, "--out", out],
                          text=True, capture_output=True)
    return Drawn(done.returncode, done.stdout, done.stderr)


def picture(what, source, out):
    done = draw(what, source, out=out)
    assert done.code == 0 and f"wrote {out}" in done.output, done.errors
    image = matplotlib.image.imread(out)[..., :3]
    assert image.shape[0] > 500 and image.shape[1] > 1000
    return image


def share(image, colour):
    """Of the picture's dots, those of this colour."""
    return (abs(image - numpy.array(matplotlib.colors.to_rgb(colour))).max(axis=2) < 0.01).mean()


def told(path, out, *options):
    out.write_text(program.succeed("inspect", path, "--json", *options).output)
    return out


def test_a_tree_and_the_snapshot_made_of_it_have_the_same_picture(tree, snapshot, tmp_path):
    drawn = picture("distribution", snapshot, tmp_path / "snapshot.png")
    assert share(drawn, READ) > 0.002 and share(drawn, TAGGED) > 0.02
    sources = [told(tree / "msd", tmp_path / "tree.json", "--lastfm", tree / "lastfm"),
               told(snapshot, tmp_path / "snapshot.json")]
    for source in sources:
        again = picture("distribution", source, tmp_path / f"{source.stem}-json.png")
        assert (again[TITLE_ROWS:] == drawn[TITLE_ROWS:]).all()


def test_songs_without_tags_and_records_of_other_songs_have_other_pictures(tree, tmp_path):
    tags = ["--lastfm", tree / "lastfm"]
    without, some, fewer = (
        picture("distribution", told(tree / "msd", tmp_path / f"{number}.json", *options), tmp_path / f"{number}.png")
        for number, options in enumerate([[], tags, [*tags, "--min-tag-weight", 90]]))
    assert share(without, READ) > share(some, READ) and share(without, TAGGED) > 0
    # A higher weight leaves fewer songs with a tag.
    assert share(fewer, TAGGED) < share(some, TAGGED)


def test_the_curves_of_a_run_are_drawn(run, tmp_path):
    for source in (run, run / "metrics.jsonl"):
        drawn = picture("curves", source, tmp_path / "curves.png")
        assert share(drawn, TRAINING) > 0.0005 and share(drawn, TAGGED) > 0.0005


@pytest.mark.parametrize("what, name, content, code", [
    ("distribution", "none.h5", None, program.MISSING),
    ("distribution", "words.h5", "no songs", program.BAD_DATA),
    ("distribution", "list.json", "{\"distribution\": [1, 2]}", program.BAD_DATA),
    ("distribution", "half.json", "{\"distribution\": {\"songs_by_seg", program.BAD_DATA),
    ("distribution", "empty.json", "{\"distribution\": {\"songs_by_segments\": []}}", program.BAD_DATA),
    ("curves", "none", None, program.MISSING),
    ("curves", "metrics.jsonl", "{\"event\": \"start\"}\n", program.BAD_DATA),
    ("curves", "list.jsonl", "[1]\n", program.BAD_DATA),
    ("compare", "none", None, program.MISSING),
])
def test_what_cannot_be_drawn_is_told_in_one_line(tmp_path, what, name, content, code):
    if content is not None:
        (tmp_path / name).write_text(content)
    done = draw(what, tmp_path / name, out=tmp_path / "out.png")
    assert done.code == code and len(done.errors.splitlines()) == 1 and name in done.errors, done.errors
    assert not (tmp_path / "out.png").exists()


def test_the_curves_of_a_snapshot_are_refused_by_its_name(snapshot, tmp_path):
    done = draw_in_a_process("curves", snapshot, out=tmp_path / "out.png")
    assert done.code == program.BAD_DATA and "expected a run's folder" in done.errors, done.errors
    assert done.errors.startswith(f"plot: error: {snapshot}: ") and len(done.errors.splitlines()) == 1, done.errors


def make_run(run, settings, first_auc):
    run.mkdir()
    (run / "config.yaml").write_text("".join(f"{key}: {value}\n" for key, value in settings.items()))
    (run / "metrics.jsonl").write_text("".join(
        json.dumps({"event": "epoch", "epoch": epoch, "val_auc_macro": first_auc + 0.01 * (epoch - 1)}) + "\n"
        for epoch in (1, 2, 3)))
    return run


def test_runs_are_compared_by_mean_and_spread(tmp_path):
    runs = [
        make_run(tmp_path / f"{model}-{seed}", {"model": model, "seed": seed, "epochs": 3}, base + 0.005 * seed)
        for model, base in (("small", 0.61), ("large", 0.71)) for seed in (1, 2, 3)]
    done = draw_in_a_process("compare", *runs, out=tmp_path / "compared.png")
    assert done.code == 0, done.errors
    assert "model small: best validation AUC 0.6400 ± 0.0050, 3 runs" in done.output, done.output
    assert "model large: best validation AUC 0.7400 ± 0.0050, 3 runs" in done.output, done.output
    image = matplotlib.image.imread(tmp_path / "compared.png")[..., :3]
    assert share(image, TAGGED) > 0.0002 and share(image, TRAINING) > 0.0002


@pytest.mark.parametrize("seeds", [1, 2])
def test_runs_that_differ_in_everything_leave_room_for_their_curves(tmp_path, seeds):
    runs = [
        make_run(tmp_path / f"{name}-{seed}", {"seed": seed} | {f"setting_{i}": name * 3 for i in range(12)}, 0.6)
        for name in ("first", "second") for seed in range(seeds)]
    done = draw("compare", *runs, out=tmp_path / "compared.png")
    assert done.code == 0, done.errors
    assert ("first-0: best validation AUC 0.6200 (setting_0" in done.output) == (seeds == 1), done.output
    assert ("2 runs" in done.output) == (seeds == 2), done.output

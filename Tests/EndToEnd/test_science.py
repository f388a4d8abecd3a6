"""The parts of scripts/science, held to numpy, scikit-learn and the published files' own forms."""

import json
import subprocess
import sys

import h5py
import numpy
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

import program

sys.path.insert(0, str(program.ROOT / "scripts/science"))
import intervals  # noqa: E402
import moments  # noqa: E402


def test_weighted_figures_are_scikit_learns():
    chance = numpy.random.default_rng(1)
    labels = chance.random(200) < 0.3
    scores = numpy.round(chance.random(200) + 0.3 * labels, 1)
    weights = chance.integers(0, 4, (5, 200)).astype(float)
    rocs, precisions = intervals.weighted(labels, scores, weights)
    for row, roc, precision in zip(weights, rocs, precisions):
        assert roc == pytest.approx(roc_auc_score(labels, scores, sample_weight=row), abs=1e-12)
        assert precision == pytest.approx(average_precision_score(labels, scores, sample_weight=row), abs=1e-12)


def test_moments_are_as_many_as_described_and_know_no_key():
    chance = numpy.random.default_rng(2)
    pitches, timbre = chance.random((300, 12)), 40 * chance.standard_normal((300, 12))
    found = moments.timbre_moments(timbre)
    assert len(found) == 102
    numpy.testing.assert_allclose(found[24:90], numpy.cov(timbre.T)[numpy.triu_indices(12, 1)])
    assert len(moments.segment_moments(pitches, timbre)) == 402
    # In another key, strengths in order and intervals are what they were: the last 48.
    one, other = (moments.segment_moments(numpy.roll(pitches, shift, axis=1), timbre)[-48:] for shift in (0, 5))
    numpy.testing.assert_allclose(one, other)
    segments = {name: numpy.sort(chance.random(300)) for name in ("loudness_max", "loudness_max_time", "loudness_start",
                                                                   "start", "confidence")}
    song = dict.fromkeys(("duration", "tempo", "loudness", "mode", "mode_confidence", "time_signature",
                          "time_signature_confidence", "key_confidence"), 1.0)
    assert len(moments.analysis_moments(segments, song, 10, 3)) == 51
    for short in (1, 2):
        assert numpy.isfinite(moments.segment_moments(pitches[:short], timbre[:short])).all()


# Published splits, in the forms that their files have.

TAGS = ["rock", "Hip-Hop", "female vocalists"]


@pytest.fixture
def songs(tree):
    """Track ids of the synthetic tree, divided, and labels for them."""
    ids = sorted(path.stem for path in (tree / "msd").rglob("*.h5"))
    chance = numpy.random.default_rng(3)
    sides = {"train": ids[:70], "valid": ids[70:95], "test": ids[95:]}
    labels = {side: chance.random((len(own), len(TAGS))) < 0.4 for side, own in sides.items()}
    for rows in labels.values():
        rows[:3] = True
    return sides, labels


def as_choi(folder, sides, labels):
    for side, ids in sides.items():
        (folder / f"{side}_x_msd_id.txt").write_text("".join(f"{track_id}\n" for track_id in ids))
        numpy.save(folder / f"{side}_y.npy", labels[side])
    (folder / "tags.py").write_text("TAGS = ['rock', 'Hip-Hop',\n        'female vocalists']\n")


def as_cals(folder, sides, labels):
    for side, ids in sides.items():
        numpy.save(folder / f"{side}_ids.npy", numpy.array(ids))
        numpy.save(folder / f"{side}_binaries.npy", labels[side].astype(numpy.float64))
    numpy.save(folder / "cals_tags.npy", numpy.array(TAGS))


def as_cals_with_configuration(folder, sides, labels):
    as_cals(folder, sides, labels)
    (folder / "cals_tags.npy").unlink()
    (folder / "msd_config.py").write_text("class MSDConfig:\n    tag_names = (\n        'rock',\n        'Hip-Hop',\n        'female vocalists',\n    )\n")


def write_ecals_split(folder, sides):
    split = {"train_track": sides["train"][:50], "valid_track": sides["valid"], "test_track": sides["test"],
             "extra_track": sides["train"][50:]}
    (folder / "ecals_track_split.json").write_text(json.dumps(split, indent=4))


def as_ecals(folder, sides, labels):
    write_ecals_split(folder, sides)
    (folder / "ecals_tags.json").write_text(json.dumps(TAGS))
    annotation = {track_id: {"tag": [tag for tag, has in zip(TAGS, row) if has], "track_id": track_id}
                  for side, ids in sides.items() for track_id, row in zip(ids, labels[side])}
    (folder / "annotation.json").write_text(json.dumps(annotation))


def as_ecals_table(folder, sides, labels):
    write_ecals_split(folder, sides)
    lines = ["track_id," + ",".join(TAGS)]
    lines += [",".join([track_id, *map(str, row.astype(int))]) for side, ids in sides.items()
              for track_id, row in zip(ids, labels[side])]
    (folder / "ecals_binary.csv").write_text("\n".join(lines) + "\n")


def convert(form, folder, out):
    return subprocess.run([sys.executable, program.ROOT / "scripts/science/convert_split.py", form, folder, out], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.parametrize("form, write", [("choi", as_choi), ("cals", as_cals), ("cals", as_cals_with_configuration),
                                         ("ecals", as_ecals), ("ecals", as_ecals_table)])
def test_a_published_split_gives_its_sides_and_labels(form, write, songs, tree, tmp_path):
    sides, labels = songs
    (tmp_path / "published").mkdir()
    write(tmp_path / "published", sides, labels)
    done = convert(form, tmp_path / "published", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    # The line that is printed is the line to give, but for the paths of songs and output.
    line = next(line for line in done.stdout.splitlines() if line.startswith("crnn-dist prepare")).split()[1:]
    line[line.index("--msd") + 1] = str(tree / "msd")
    line[line.index("--segments") + 1] = "60"
    line[line.index("--out") + 1] = str(tmp_path / "songs.h5")
    line = [word.replace("artist-track-lists", "track-lists") for word in line]
    program.succeed(*line)
    has = {track_id: row for side, ids in sides.items() for track_id, row in zip(ids, labels[side])}
    number = {track_id: place for place, side in enumerate(("train", "valid", "test")) for track_id in sides[side]}
    with h5py.File(tmp_path / "songs.h5", "r", locking=False) as file:
        assert [tag.decode() for tag in file["tags/names"]] == TAGS
        ids = [track_id.decode() for track_id in file["songs/track_id"]]
        assert len(ids) > 60
        assert (file["songs/labels"][:] == numpy.array([has[track_id] for track_id in ids])).all()
        assert list(file["songs/side"]) == [number[track_id] for track_id in ids]


def test_the_table_of_a_split_without_labels_gives_lists(songs, tmp_path):
    sides, _ = songs
    names = {"train": "TRAIN", "valid": "VALID", "test": "TEST"}
    rows = [f"{track_id}\t{names[side]}\t661500" for side, ids in sides.items() for track_id in ids]
    rows += ["TRZZZZZ128F0000000\tSTUDENT\t661500", "TRZZZZZ128F0000001\tNONE\t661500"]
    (tmp_path / "msd_splits.tsv").write_text("clip_ids\tsplits\tlength\n" + "\n".join(rows) + "\n")
    done = convert("cals", tmp_path, tmp_path / "out")
    assert done.returncode == 0 and "--min-tag-weight 50" in done.stdout, done.stderr
    assert (tmp_path / "out/test.txt").read_text().split() == sides["test"]


class Runs:
    """An object whose unpickling would make a file."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, "w")


def test_pickled_arrays_and_other_mistakes_are_refused_in_one_line(songs, tmp_path):
    sides, labels = songs
    as_cals(tmp_path, sides, labels)

    def refused(word, form="cals"):
        done = convert(form, tmp_path, tmp_path / "out")
        lines = done.stderr.strip().splitlines()
        assert done.returncode == 1 and len(lines) == 1 and word in lines[0], done.stderr
        assert not (tmp_path / "out/labels.db").exists() and not list(tmp_path.rglob(".*partial*"))

    ids = tmp_path / "train_ids.npy"
    good = ids.read_bytes()
    numpy.save(ids, numpy.array([Runs(tmp_path / "ran")], dtype=object), allow_pickle=True)
    refused("train_ids.npy: no .npy array")
    assert not (tmp_path / "ran").exists()
    ids.write_bytes(good[:-40])
    refused("train_ids.npy")
    numpy.save(ids, numpy.array(sides["train"][:-1] + ["../../etc/passwd"]))
    refused("expected a track id")
    numpy.save(ids, numpy.array(sides["train"][:-1] + [sides["test"][0]]))
    refused("both for train and for test")
    numpy.save(ids, numpy.array(sides["train"][:-1]))
    refused("train_binaries.npy")
    refused("ecals_track_split.json: not there", form="ecals")
    (tmp_path / "ecals_track_split.json").write_text("{")
    refused("not JSON", form="ecals")

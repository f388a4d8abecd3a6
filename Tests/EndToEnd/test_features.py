"""Everything a segment tells, and what is known of whole songs: snapshots against h5py and numpy."""

import json
import shutil

import h5py
import numpy
import pytest

import song_moments
import program

RAGGED = {"pitches": 12, "timbre": 12, "loudness": 3, "duration": 1, "confidence": 1}
FACTS = ["tempo", "loudness", "key", "mode", "duration", "time_signature", "key_confidence", "mode_confidence",
         "time_signature_confidence"]


def prepare(tree, out, *options, ranks=2):
    return program.succeed("prepare", "--msd", tree / "msd", "--lastfm", tree / "lastfm", "--out", out, *options,
                           ranks=ranks)


@pytest.fixture(scope="module")
def everything(tree, tmp_path_factory):
    """Whole songs with all features, and a split."""
    file = tmp_path_factory.mktemp("features") / "songs.h5"
    prepare(tree, file, "--segments", "all", "--features", "all", "--split", "artist:0.7/0.2/0.1")
    return file


def read(path, row=0):
    """A song's segments by feature, its moments and its facts, from a track file or an aggregate."""
    with h5py.File(path) as file:
        timbre, pitches, scalars, facts = song_moments.read(file, row)
        table = file["analysis/songs"][row]
        told = [float(table[name]) for name in FACTS] + [
            facts[name] for name in ("segments_per_second", "beats_per_second", "sections")]
    segments = {
        "pitches": pitches, "timbre": timbre, "duration": scalars["duration"][:, None],
        "confidence": scalars["confidence"][:, None],
        "loudness": numpy.stack([scalars[f"loudness_{name}"] for name in ("max", "max_time", "start")], 1)}
    return segments, song_moments.moments(timbre, pitches, scalars, facts), told


def compare(songs, row, start, end, expected):
    segments, song, facts = expected
    for name, width in RAGGED.items():
        found = songs[f"songs/{name}"][start:end]
        found = found / 1000 if found.dtype.kind in "iu" else found
        assert found.shape == (end - start, width)
        assert numpy.allclose(found, segments[name][: end - start], rtol=1e-6, atol=1e-6), name
    assert numpy.allclose(songs["songs/facts"][row], facts, rtol=1e-6)
    found = songs["songs/moments"][row]
    assert (songs["songs/keyless"][row] == numpy.delete(found, numpy.s_[228:354])).all()
    assert numpy.allclose(found, song, rtol=1e-4, atol=1e-5 * numpy.abs(song).max()), numpy.abs(found - song).max()


def test_a_snapshot_has_what_numpy_makes_of_the_files(tree, everything):
    with h5py.File(everything) as songs:
        starts = songs["songs/start"][:]
        assert songs.attrs["features"].decode() == "pitches,timbre,loudness,duration,confidence,facts,moments,keyless"
        for row, name in list(enumerate(songs["songs/track_id"].asstr()))[::9]:
            path = tree / "msd" / name[2] / name[3] / name[4] / f"{name}.h5"
            compare(songs, row, starts[row], starts[row + 1], read(path))


def test_real_songs_have_the_moments_of_numpy_also_out_of_an_aggregate(real_data, tmp_path):
    source = real_data / "aggregate/msd_aggregate.h5"
    program.succeed("prepare", "--msd", source, "--lastfm", real_data / "lastfm", "--join", "normalised", "--segments",
                    252, "--features", "all", "--out", tmp_path / "songs.h5", ranks=2)
    with h5py.File(source) as file:
        rows = {table["track_id"].decode(): row for row, table in enumerate(file["analysis/songs"])}
    with h5py.File(tmp_path / "songs.h5") as songs:
        names = list(songs["songs/track_id"].asstr())
        for row in range(0, len(names), len(names) // 8):
            segments, song, facts = read(source, rows[names[row]])
            # Of every song 252 segments are kept; moments are the whole song's.
            found = songs["songs/moments"][row]
            assert numpy.allclose(found, song, rtol=1e-4, atol=1e-5 * numpy.abs(song).max())
            assert numpy.allclose(songs["songs/duration"][row], segments["duration"][:252], rtol=1e-5, atol=1e-6)
            assert numpy.allclose(songs["songs/loudness"][row], segments["loudness"][:252], rtol=1e-6, atol=1e-6)


def test_a_snapshot_is_the_same_for_any_number_of_ranks(tree, everything, tmp_path):
    for ranks in (1, 3):
        prepare(tree, tmp_path / f"{ranks}.h5", "--segments", "all", "--features", "all", "--split",
                "artist:0.7/0.2/0.1", ranks=ranks)
        assert (tmp_path / f"{ranks}.h5").read_bytes() == everything.read_bytes()


def test_scales_are_those_of_the_training_songs(everything):
    with h5py.File(everything) as songs:
        sides, starts = songs["songs/side"][:], songs["songs/start"][:]
        rows = numpy.concatenate([numpy.arange(starts[i], starts[i + 1]) for i in numpy.flatnonzero(sides == 0)])
        for name in ("timbre", "loudness", "duration", "confidence"):
            values = songs[f"songs/{name}"][:][rows] / (1000 if name == "timbre" else 1)
            assert numpy.allclose(songs[f"standardization/{name}_mean"], values.mean(0), rtol=1e-4, atol=1e-6)
            assert numpy.allclose(songs[f"standardization/{name}_deviation"], values.std(0), rtol=1e-4)
        assert "pitches_mean" not in songs["standardization"]
    told = json.loads(program.succeed("inspect", everything, "--json").output)
    assert len(told["standardization"]["loudness_mean"]) == 3
    assert "moments of each song, keyless of each song" in program.succeed("inspect", everything).output


def test_a_network_of_rows_takes_pitches_and_timbre_of_such_a_snapshot(everything, tmp_path):
    options = ["--data", everything, "--filters", "[4,4,4]", "--recurrent-units", 4, "--epochs", 1, "--batch-size", 32,
               "--segments", 60, "--threads", 1]
    program.succeed("train", *options, "--out", tmp_path / "run")
    assert "features: both" in (tmp_path / "run/config.yaml").read_text()
    program.refuse(program.run("train", *options, "--out", tmp_path / "other", "--features", "timbre,loudness"),
                   program.USAGE, "the model small does not take the features timbre,loudness", "pitches, timbre or both")
    program.refuse(program.run("train", *options, "--out", tmp_path / "other", "--features", "timbre,loud"),
                   program.USAGE, "--features", "timbre,loud", "duration")


def set_tempo(file, tempo):
    songs = file["analysis/songs"][:]
    songs["tempo"] = tempo
    file["analysis/songs"][:] = songs


@pytest.mark.parametrize("damage, words", [
    (lambda file: file["analysis/segments_loudness_max"].resize((5,)), "segments_loudness_max has the shape"),
    (lambda file: file["analysis/segments_confidence"].__setitem__(3, 1.5), "segment 3"),
    (lambda file: file["analysis/segments_start"].__setitem__(7, 1e9), "segment"),
    (lambda file: file["analysis/segments_loudness_max_time"].__setitem__(2, numpy.nan), "time of the maximum is nan"),
    (lambda file: file.__delitem__("analysis/segments_loudness_start"), "segments_loudness_start"),
    (lambda file: file.__delitem__("analysis/beats_start"), "beats_start"),
    (lambda file: set_tempo(file, 1e300), "tempo: found 1e+300"),
])
def test_a_song_whose_values_cannot_be_is_left_out_with_its_cause(tree, tmp_path, damage, words):
    good = sorted((tree / "msd").rglob("*.h5"), key=lambda path: path.stat().st_size)[-3:]
    (tmp_path / "msd").mkdir()
    for path in good:
        shutil.copy(path, tmp_path / "msd")
    with h5py.File(tmp_path / "msd" / good[0].name, "r+") as file:
        damage(file)
    program.succeed("prepare", "--msd", tmp_path / "msd", "--lastfm", tree / "lastfm", "--segments", 20, "--features",
                    "all", "--out", tmp_path / "songs.h5")
    listed = (tmp_path / "songs.h5.skipped.tsv").read_text()
    assert good[0].name in listed and words in listed
@pytest.mark.parametrize("damage, words", [
    (lambda file: file["songs/keyless"].__setitem__((1, 2), numpy.nan), "keyless that are no numbers"),
    (lambda file: file.__delitem__("songs/facts"), "facts"),
    (lambda file: file["songs/loudness"].__setitem__((slice(None), 2), 1e30), "loudness outside"),
    (lambda file: file["standardization/duration_deviation"].__setitem__(0, 0), "duration"),
])
def test_a_damaged_snapshot_is_refused(everything, tmp_path, damage, words):
    shutil.copy(everything, tmp_path / "songs.h5")
    with h5py.File(tmp_path / "songs.h5", "r+") as file:
        damage(file)
    outcome = program.run("train", "--data", tmp_path / "songs.h5", "--model", "recommended", "--epochs", 1, "--out",
                          tmp_path / "run", "--threads", 1)
    program.refuse(outcome, program.BAD_DATA, words)

"""Tagging of many songs: every kind of input and output, killed and gone on with, bad files and short songs."""

import csv
import json
import os
import random
import shutil
import time

import h5py
import numpy
import pytest

import aggregate_mutants
import hostile_files
import program
from program import BAD_DATA, DONE, MISSING, USAGE, refuse


def predict(checkpoint, *arguments, ranks=None, **options):
    return program.run("predict", "--checkpoint", checkpoint, "--threads", 1, *arguments, ranks=ranks, timeout=120, **options)


def written(checkpoint, out, *arguments, **options):
    outcome = predict(checkpoint, *arguments, "--out", out, **options)
    assert outcome.code == DONE, str(outcome)
    assert not out.with_name(out.name + ".unfinished").exists(), str(outcome)
    return outcome


def lines(file):
    return [json.loads(line) for line in file.read_text().splitlines()]


def judged(songs):
    """Track id to probabilities by tag."""
    return {song["track_id"]: {tag["tag"]: tag["probability"] for tag in song["tags"]}
            for song in songs if "skipped" not in song}


def texts(dataset):
    return [text.decode() for text in dataset[:]]


@pytest.fixture(scope="module")
def files(tree):
    return sorted((tree / "msd").rglob("*.h5"), key=lambda file: file.name)


@pytest.fixture(scope="module")
def told(tree, checkpoint, tmp_path_factory):
    """Every song of the tree with every tag, as JSON lines of two ranks."""
    out = tmp_path_factory.mktemp("told") / "songs.jsonl"
    written(checkpoint, out, tree / "msd", "--top", 50, ranks=2)
    return lines(out)


def test_the_screen_and_the_file_tell_the_same_for_any_number_of_ranks(tree, files, checkpoint, told, tmp_path):
    shown = predict(checkpoint, "--json", "--top", 50, *files)
    assert shown.code == DONE, str(shown)
    assert json.loads(shown.output) == told
    assert [song["file"] for song in told] == [str(file) for file in files]
    written(checkpoint, tmp_path / "alone.jsonl", tree / "msd", "--top", 50)
    assert lines(tmp_path / "alone.jsonl") == told


def test_songs_that_are_too_short_are_told_with_a_warning(files, checkpoint, told, tmp_path):
    short = [song for song in told if "skipped" in song]
    assert short and all(song["tags"] == [] and "252" in song["skipped"] for song in short)
    file = next(song["file"] for song in short)
    outcome = predict(checkpoint, "--json", file, files[0])
    assert outcome.code == DONE and f"warning: {file}" in outcome.errors, str(outcome)
    assert [song["file"] for song in json.loads(outcome.output)] == [file, str(files[0])]
    refuse(predict(checkpoint, "--strict", file), BAD_DATA, file, "252")
    refuse(predict(checkpoint, "--strict", file, "--out", tmp_path / "x.csv"), BAD_DATA, file, "252")


def best_threshold(probabilities, labels):
    """Of one tag: the highest of the probabilities from which on F1 is best."""
    if labels.min() == labels.max():
        return numpy.float32(0.5)
    candidates = numpy.unique(probabilities)[::-1]
    said = probabilities[None] >= candidates[:, None]
    f1 = 2 * (said & (labels == 1)).sum(1) / (said.sum(1) + labels.sum())
    return candidates[numpy.argmax(f1 > f1.max() - 1e-12)]


def test_each_tag_is_told_from_the_threshold_that_was_best_in_validation(snapshot, files, tmp_path):
    run, told = tmp_path / "run", tmp_path / "validation.h5"
    train = ["train", "--data", snapshot, "--filters", "[4,4,4]", "--recurrent-units", 2, "--threads", 1, "--seed", 2]
    program.succeed(*train, "--out", run, "--epochs", 2, "--split", "random:0.5", ranks=2)
    last = run / "checkpoints/epoch-0002.h5"
    program.succeed("evaluate", "--checkpoint", last, "--data", snapshot, "--split", "validation", "--resamples", 0,
                    "--predictions", told, "--threads", 1)
    with h5py.File(last) as file, h5py.File(told) as predicted:
        thresholds = file["decisions/thresholds"][:]
        names = texts(file["lists/tags"])
        probabilities, labels = predicted["songs/probabilities"][:], predicted["songs/labels"][:]
    assert thresholds.tolist() == [best_threshold(probabilities[:, tag], labels[:, tag]) for tag in range(len(names))]
    assert len(set(thresholds.tolist())) > 5
    everything = judged(json.loads(predict(last, "--json", "--top", 50, *files).output))
    chosen = judged(json.loads(predict(last, "--json", "--threshold", "own", *files).output))
    least = dict(zip(names, thresholds))
    assert chosen == {song: {tag: value for tag, value in tags.items() if numpy.float32(value) >= least[tag]}
                      for song, tags in everything.items()}
    decided = json.loads(program.succeed(
        "evaluate", "--checkpoint", last, "--data", snapshot, "--resamples", 0, "--threshold", "own", "--json").output)
    assert decided["threshold"] == "own"
    for tag, row in enumerate(decided["tags"]):
        assert numpy.float32(row["threshold"]) == thresholds[tag]
        right, said = (numpy.sum((probabilities[:, tag] >= thresholds[tag]) & has) for has in (labels[:, tag] == 1, True))
        assert row["precision"] == (right / said if said else None)
    # A run without validation songs knows of none.
    program.succeed(*train, "--out", tmp_path / "all", "--epochs", 1, "--split", "random:1")
    refuse(predict(tmp_path / "all/checkpoints/epoch-0001.h5", "--threshold", "own", files[0]), USAGE, "keeps no thresholds")
    refuse(program.run("evaluate", "--checkpoint", tmp_path / "all/checkpoints/epoch-0001.h5", "--data", snapshot, "--split",
                       "all", "--threshold", "own"), USAGE, "keeps no thresholds")
    refuse(predict(last, "--threshold", "ownn", files[0]), USAGE, "--threshold")


def test_every_kind_of_input_gives_the_same(tree, files, snapshot, checkpoint, told, tmp_path):
    songs = judged(told)
    listed = tmp_path / "songs.txt"
    listed.write_text("# half of them\n" + "\n".join(map(str, files[:60])))
    aggregate = tmp_path / "many.h5"
    aggregate_mutants.write(aggregate, [song for file in files[60:] for song in aggregate_mutants.songs_in(file)])
    # Both at once, and files that are named twice: none comes twice.
    written(checkpoint, tmp_path / "both.jsonl", listed, aggregate, files[0], files[100], "--top", 50, ranks=2)
    both = lines(tmp_path / "both.jsonl")
    assert [song.get("row") for song in both] == [None] * 60 + list(range(60)) + [None]
    assert judged(both) == songs
    # A snapshot's rows.
    written(checkpoint, tmp_path / "snapshot.jsonl", snapshot, "--top", 50, ranks=2)
    rows = lines(tmp_path / "snapshot.jsonl")
    with h5py.File(snapshot) as file:
        assert [song["track_id"] for song in rows] == texts(file["songs/track_id"])
        assert [song["title"] for song in rows] == texts(file["songs/title"])
    assert [song["row"] for song in rows] == list(range(len(rows)))
    assert all(songs[name] == tags for name, tags in judged(rows).items())


def test_the_table_and_the_archive_hold_every_probability(tree, checkpoint, told, tmp_path):
    songs = judged(told)
    written(checkpoint, tmp_path / "songs.csv", tree / "msd", "--threshold", 0.2, ranks=2)
    written(checkpoint, tmp_path / "songs.tags", tree / "msd", "--format", "hdf5", "--embeddings", ranks=2)
    with open(tmp_path / "songs.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == [song["file"] for song in told]
    for row, song in zip(rows, told):
        assert row["skipped"] == song.get("skipped", "")
        if "skipped" in song:
            continue
        tags = songs[row["track_id"]]
        assert {tag: numpy.float32(row[tag]) for tag in tags} == {tag: numpy.float32(p) for tag, p in tags.items()}
        assert row["tags"].split("; ") == [tag["tag"] for tag in song["tags"] if tag["probability"] >= 0.2] or not row["tags"]
    with h5py.File(tmp_path / "songs.tags") as file, h5py.File(checkpoint) as model:
        names, ids = texts(file["tags/names"]), texts(file["songs/track_id"])
        found = file["songs/probabilities"][:]
        assert ids == list(songs)
        expected = numpy.array([[songs[song][tag] for tag in names] for song in ids], "float32")
        assert numpy.array_equal(found, expected)
        # What stands before the last layer gives the probabilities.
        logits = file["songs/embeddings"][:] @ model["weights/tags/kernel"][:] + model["weights/tags/bias"][:]
        assert numpy.abs(1 / (1 + numpy.exp(-logits)) - found).max() < 1e-5
        assert texts(file["skipped/cause"]) == [song["skipped"] for song in told if "skipped" in song]


@pytest.mark.parametrize("form, most", [("songs.csv", 5), ("songs.h5", 2)])
def test_killed_at_any_moment_the_same_line_completes_it(tree, checkpoint, tmp_path, form, most):
    inputs = [tree / "msd", *(tmp_path / f"copy-{number}" for number in range(3))]
    for folder in inputs[1:]:
        shutil.copytree(tree / "msd", folder)
    whole, out = tmp_path / f"whole-{form}", tmp_path / form
    seconds = written(checkpoint, whole, *inputs, ranks=2).seconds
    moments = random.Random(5)
    kills = 0
    while kills <= most:
        process = program.start("predict", "--checkpoint", checkpoint, "--threads", 1, *inputs, "--out", out, ranks=2)
        # Most of them behind the start, which is the longest part of so few songs.
        if kills < most:
            time.sleep(seconds * (0.3 + 0.5 * moments.random()))
        if kills == most or process.poll() is not None:
            outcome = program.finish(process)
            assert outcome.code == DONE, str(outcome)
            break
        program.kill(process)
        program.finish(process)
        program.wait_until_gone(out, timeout=10)
        kills += 1
        if out.exists() and not out.with_name(out.name + ".unfinished").exists():
            break  # Killed when all was done, but for saying so.
    assert kills and out.exists()
    assert not (tmp_path / (form + ".unfinished")).exists()
    if form == "songs.csv":
        assert out.read_bytes() == whole.read_bytes()
    else:
        with h5py.File(out) as one, h5py.File(whole) as other:
            assert texts(one["songs/file"]) == texts(other["songs/file"])
            assert numpy.array_equal(one["songs/probabilities"][:], other["songs/probabilities"][:])
    assert not [name for name in os.listdir(tmp_path) if ".partial-" in name]


def test_a_signal_stops_in_good_order(files, checkpoint, told, tmp_path):
    out = tmp_path / "songs.csv"
    # The last file keeps the program busy for seconds, so that the signal comes before the end.
    last, good = tmp_path / "TRZZZZZ128F429CF47.h5", files[0].read_bytes()
    last.write_bytes(good)
    hostile_files.endless(last)
    bad = tmp_path / "TRAZZZZ128F429CF47.h5"
    bad.write_text("no song")
    many = tmp_path / "many.txt"
    songs = [song["file"] for song in told if "skipped" not in song]
    many.write_text("\n".join(songs))
    process = program.start("predict", "--checkpoint", checkpoint, "--threads", 1, bad, many, last, "--out", out)
    deadline = time.monotonic() + 20
    while not (tmp_path / "songs.csv.unfinished/songs").exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.002)
    process.terminate()
    outcome = program.finish(process)
    assert outcome.code == program.STOPPED, str(outcome)
    assert "run the same line again" in outcome.errors
    last.write_bytes(good)
    # What was found before is found again, however the work was begun.
    refuse(predict(checkpoint, bad, many, last, "--strict", "--out", out), BAD_DATA, bad.name)
    outcome = written(checkpoint, out, bad, many, last)
    assert "goes on after" in outcome.errors and bad.name in (tmp_path / "songs.csv.skipped.tsv").read_text(), str(outcome)
    assert len(out.read_text().splitlines()) == 1 + len(songs) + 1


def test_nothing_but_tagged_songs_is_replaced_and_that_with_force(files, checkpoint, tmp_path):
    out = tmp_path / "songs.jsonl"
    written(checkpoint, out, files[0])
    before = out.read_bytes()
    refuse(predict(checkpoint, files[1], "--out", out, ranks=2), USAGE, "songs.jsonl", "--force")
    outcome = predict(checkpoint, files[1], "--out", out, "--resume", ranks=2)
    assert outcome.code == DONE and "nothing is done" in outcome.output, str(outcome)
    assert out.read_bytes() == before
    written(checkpoint, out, files[1], "--force", ranks=2)
    assert lines(out)[0]["file"] == str(files[1])
    (tmp_path / "empty.csv").touch()
    written(checkpoint, tmp_path / "empty.csv", files[0], "--resume")
    assert len((tmp_path / "empty.csv").read_text().splitlines()) == 2
    for name, text in (("notes.csv", "a,b\n"), ("notes.jsonl", '{"a": 1}\n')):
        (tmp_path / name).write_text(text)
        refuse(predict(checkpoint, files[0], "--out", tmp_path / name, "--force"), USAGE, name, "left as it is")
    copy = tmp_path / "copy.h5"
    shutil.copy(files[0], copy)
    refuse(predict(checkpoint, copy, "--out", copy, "--force"), USAGE, "copy.h5", "is read")
    refuse(predict(checkpoint, files[0], "--out", tmp_path / "songs.txt"), USAGE, "--format")
    refuse(predict(checkpoint, files[0], "--out", tmp_path / "no/songs.csv", ranks=2), MISSING, "no")


def test_another_jobs_work_is_not_gone_on_with(files, checkpoint, told, tmp_path):
    out = tmp_path / "songs.csv"
    # A file that ends the work after some songs are done.
    bad = tmp_path / "TRZZZZZ128F429CF47.h5"
    bad.write_text("no song")
    many = tmp_path / "many.txt"
    good = [song["file"] for song in told if "skipped" not in song]
    many.write_text("\n".join(map(str, [*good, bad])))
    assert predict(checkpoint, many, "--strict", "--out", out).code == BAD_DATA
    assert (tmp_path / "songs.csv.unfinished/songs").exists()
    refuse(predict(checkpoint, files[0], "--out", out), USAGE, "songs.csv.unfinished", "other songs")
    refuse(predict(checkpoint, many, "--embeddings", "--out", out), USAGE, "songs.csv.unfinished", "--embeddings")
    # The same files in two arguments: the place where the work goes on would be another one's.
    halves = [tmp_path / "first.txt", tmp_path / "second.txt"]
    for half, part in zip(halves, (good[:3], [*good[3:], bad])):
        half.write_text("\n".join(map(str, part)))
    refuse(predict(checkpoint, *halves, "--out", out), USAGE, "songs.csv.unfinished", "other songs")
    outcome = written(checkpoint, out, many)
    assert "goes on after" in outcome.errors, str(outcome)
    assert len(out.read_text().splitlines()) == len(good) + 1


def test_bad_files_are_counted_listed_and_left_out(files, checkpoint, tmp_path):
    folder = tmp_path / "tree"
    folder.mkdir()
    for file in files[:20]:
        shutil.copy(file, folder)
    (folder / "TRAAAAA000000000AA.h5").write_text("no song")
    half = folder / "TRAAAAA000000000AB.h5"
    half.write_bytes(files[0].read_bytes()[: files[0].stat().st_size // 2])
    out = tmp_path / "songs.jsonl"
    missing = tmp_path / "nowhere.h5"
    outcome = written(checkpoint, out, folder, missing, ranks=2)
    skipped = dict(line.split("\t") for line in (tmp_path / "songs.jsonl.skipped.tsv").read_text().splitlines())
    short = [song["file"] for song in lines(out) if "skipped" in song]
    assert set(skipped) == {str(folder / "TRAAAAA000000000AA.h5"), str(half), str(missing), *short}
    assert f"{3 + len(short)} not judged (3 cannot be read" in outcome.output, str(outcome)
    assert len(lines(out)) == 20
    refuse(predict(checkpoint, folder, "--strict", "--out", tmp_path / "strict.jsonl", ranks=2), BAD_DATA, "AAAA000000000")
    # On the screen a bad file is told as ever, and the others all the same.
    outcome = predict(checkpoint, half, files[0], "--json")
    assert outcome.code == BAD_DATA and len(json.loads(outcome.output)) == 1, str(outcome)
    assert predict(checkpoint, missing).code == MISSING


# Audio analyses

def analysis(file):
    with h5py.File(file) as song:
        columns = {name: song[f"analysis/segments_{name}"][:].tolist() for name in (
            "start", "confidence", "loudness_start", "loudness_max", "loudness_max_time", "pitches", "timbre")}
    count = len(columns["start"])
    return {"meta": {"analyzer_version": "4.0.0"}, "track": {"duration": 200.5, "tempo": 118.2, "key": 9, "mode": 0},
            "bars": [], "segments": [{"duration": 0.25} | {name: columns[name][row] for name in columns}
                                     for row in range(count)]}


def test_audio_analyses_are_judged_as_track_files_are(files, checkpoint, told, tmp_path):
    songs = judged(told)
    (tmp_path / "in").mkdir()
    for file in files[:30]:
        (tmp_path / "in" / f"{file.stem}.json").write_text(json.dumps(analysis(file)))
    written(checkpoint, tmp_path / "songs.jsonl", tmp_path / "in", "--top", 50, ranks=2)
    found = lines(tmp_path / "songs.jsonl")
    assert [song["track_id"] for song in found] == [file.stem for file in files[:30]]
    assert judged(found) == {file.stem: songs[file.stem] for file in files[:30] if file.stem in songs}


@pytest.mark.parametrize("change, words", [
    (lambda song: song["segments"][3]["pitches"].pop(), ["segments[3].pitches", "11", "12"]),
    (lambda song: song["segments"][7]["timbre"].append(1), ["segments[7].timbre", "13"]),
    (lambda song: song["segments"][0]["pitches"].__setitem__(5, 1.5), ["segments[0].pitches[5]", "1.5"]),
    (lambda song: song["segments"][2].pop("pitches"), ["segments[2].pitches", "not there"]),
    (lambda song: song["segments"][2].update(pitches="loud"), ["segments[2].pitches"]),
    (lambda song: song["segments"][1].update(confidence=-1), ["segments[1].confidence", "-1"]),
    (lambda song: song["segments"][1].update(start=-1), ["segments[1].start", "-1"]),
    (lambda song: song["track"].update(tempo="fast"), ["track.tempo"]),
    (lambda song: song.pop("segments"), ["segments", "not there"]),
    (lambda song: song.update(segments=[]), ["segments", "found 0"]),
    (lambda song: song.update(segments={"a": 1}), ["segments"]),
], ids=lambda value: value[0] if isinstance(value, list) else "")
def test_a_wrong_analysis_is_refused_by_its_field(files, checkpoint, tmp_path, change, words):
    song = analysis(files[0])
    change(song)
    (tmp_path / "song.json").write_text(json.dumps(song))
    refuse(predict(checkpoint, tmp_path / "song.json"), BAD_DATA, "song.json", *words)


@pytest.mark.parametrize("text", [b"", b"{", b"[1, 2]", b"\xff\xfe\x00", b"[" * 100_000, b'{"segments": [' + b"1e999" + b"]}",
                                  b'{"segments": [{"pitches": [NaN]}]}'], ids=range(7))
def test_no_json_at_all_is_refused_too(checkpoint, tmp_path, text):
    (tmp_path / "song.json").write_bytes(text)
    refuse(predict(checkpoint, tmp_path / "song.json"), BAD_DATA, "song.json")


# The command line

def test_a_checkpoint_given_twice_is_refused_and_where_one_is_wanted_a_second(files, snapshot, checkpoint, tmp_path):
    refuse(predict(checkpoint, "--checkpoint", checkpoint, files[0]), USAGE, "--checkpoint", "twice")
    refuse(program.run("evaluate", "--checkpoint", checkpoint, "--checkpoint", checkpoint, "--data", snapshot), USAGE,
           "--checkpoint", "twice")
    refuse(program.run("export", "--checkpoint", checkpoint, "--checkpoint", tmp_path / "other.h5", "--format", "onnx", "--out",
                       tmp_path / "x.onnx"), USAGE, "--checkpoint", "2")


def test_a_model_of_other_songs_is_refused(snapshot, files, checkpoint, tmp_path):
    (tmp_path / "empty").mkdir()
    refuse(predict(checkpoint, tmp_path / "empty", "--out", tmp_path / "x.csv", ranks=2), BAD_DATA, "empty", "without songs")
    refuse(predict(checkpoint, files[0], "--json", "--out", tmp_path / "x.csv"), USAGE, "--json")
    refuse(predict(checkpoint, files[0], "--resume"), USAGE, "--resume", "--out")
    refuse(predict(checkpoint, files[0], "--top", 0), USAGE, "--top")
    refuse(predict(checkpoint, files[0], "--threshold", 2), USAGE, "--threshold")

"""Every form of track files, every source of tags, every join, against an independent reading of the same files."""

import json
import os
import re
import sqlite3
import subprocess
import sys

import h5py
import numpy
import pytest

import checkpoints
import lastfm_database
import program


def check_funnel(*arguments, ranks=2):
    """Runs scripts/check-funnel, which counts by itself, runs prepare and inspect and compares."""
    done = subprocess.run(
        [sys.executable, program.ROOT / "scripts/check-funnel", "--compare", "--ranks", str(ranks),
         *map(str, arguments)],
        env=program.environment(CRNN_DIST=program.BINARY), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "crnn-dist agrees" in done.stdout
    return [int(word) for word in done.stdout.splitlines()[1].split()[1:6]]


def prepare(msd, out, *options, segments=252, ranks=None):
    return program.succeed("prepare", "--msd", msd, "--segments", segments, "--out", out, *options, ranks=ranks)


def inspected(path):
    return json.loads(program.succeed("inspect", path, "--json").output)


@pytest.fixture(scope="module")
def database(real_data, tmp_path_factory):
    """lastfm_tags.db, made of the JSON tree."""
    file = tmp_path_factory.mktemp("database") / "lastfm_tags.db"
    lastfm_database.make(real_data / "lastfm", file)
    return file


@pytest.fixture(scope="module")
def forms(real_data, tmp_path_factory):
    """The real songs in each form."""
    folder = tmp_path_factory.mktemp("forms")
    mixed = folder / "mixed"
    (mixed / "any/depth/at/all").mkdir(parents=True)
    (mixed / "any/songs").symlink_to(real_data / "msd")
    (mixed / "any/depth/at/all/TRMMM_many.h5").symlink_to(real_data / "aggregate/msd_aggregate.h5")
    (mixed / "any/loop").symlink_to(mixed)
    singles = sorted((real_data / "msd").rglob("*.h5"))
    listed = folder / "songs.txt"
    listed.write_text("\n".join(
        ["# every third song, an aggregate and a folder", ""]
        + [os.path.relpath(file, folder) for file in singles[::3]]
        + [str(real_data / "aggregate/msd_aggregate.h5"), "mixed/any/songs/" + singles[0].parts[-4], "not-there.h5"]))
    return {"tree": real_data / "msd", "aggregate": real_data / "aggregate/msd_aggregate.h5", "mixed": mixed,
            "list": listed}


# The funnel

@pytest.mark.parametrize("options", [
    ["--join", "paper"], ["--join", "normalised"], ["--join", "track-id"], ["--min-tag-weight", "50"],
    ["--tag-source", "artist-terms", "--min-tag-weight", "0.6"], ["--tag-source", "artist-mbtags"],
    ["--tag-source", "artist-mbtags", "--min-tag-weight", "2"],
], ids=" ".join)
def test_the_funnel_of_mixed_files_agrees_with_an_independent_reading(real_data, forms, options):
    source = [] if "--tag-source" in options else ["--lastfm", real_data / "lastfm"]
    counts = check_funnel("--msd", forms["mixed"], *source, *options, "--segments", 252)
    # 574 songs and 298, two of which are the same; no step may be empty.
    assert counts[:2] == [872, 870] and counts == sorted(counts, reverse=True) and counts[-1] > 100


@pytest.mark.parametrize("form, tags", [
    ("tree", "database"), ("tree", "terms"), ("aggregate", "json"), ("aggregate", "database"), ("list", "json"),
    ("list", "terms")])
def test_the_funnel_of_each_form_agrees_with_an_independent_reading(real_data, forms, database, form, tags):
    source = {"json": ["--lastfm", real_data / "lastfm"], "database": ["--lastfm", database],
              "terms": ["--tag-source", "artist-terms"]}[tags]
    counts = check_funnel("--msd", forms[form], *source, "--segments", 512, ranks=3)
    assert counts[0] > 200 and counts[-1] > 100


def test_joins_lose_less_the_less_they_ask(real_data, forms, tmp_path):
    # That each is right an independent reading says, above, of mixed files that have these songs too.
    joined = []
    for join in ("paper", "normalised", "track-id"):
        prepare(forms["tree"], tmp_path / f"{join}.h5", "--lastfm", real_data / "lastfm", "--join", join, ranks=2)
        joined.append(inspected(tmp_path / f"{join}.h5")["funnel"]["joined"])
    assert joined == sorted(set(joined))


def test_database_and_tree_give_the_same_labels_for_the_same_songs(real_data, forms, database, tmp_path):
    for name, source in (("tree", real_data / "lastfm"), ("database", database)):
        prepare(forms["mixed"], tmp_path / f"{name}.h5", "--lastfm", source, "--join", "track-id",
                "--min-tag-weight", 10, ranks=2)
    tree, base = (checkpoints.arrays(tmp_path / f"{name}.h5") for name in ("tree", "database"))
    assert len(tree["songs/track_id"]) > 500
    for name in tree:
        assert tree[name].tobytes() == base[name].tobytes(), name


@pytest.mark.parametrize("form", ["mixed", "aggregate", "list"])
def test_the_snapshot_is_the_same_to_the_byte_for_any_number_of_ranks(real_data, forms, tmp_path, form):
    snapshots = []
    for ranks in (None, 2, 3, *([8] if form == "mixed" else [])):
        out = tmp_path / f"{ranks}.h5"
        prepare(forms[form], out, "--lastfm", real_data / "lastfm", ranks=ranks)
        snapshots.append(out.read_bytes())
    assert all(snapshot == snapshots[0] for snapshot in snapshots)


def test_songs_of_an_aggregate_have_the_values_of_its_rows(forms, tmp_path):
    prepare(forms["aggregate"], tmp_path / "songs.h5", "--tag-source", "artist-terms", ranks=2)
    stored = checkpoints.arrays(tmp_path / "songs.h5")
    rows = {track: row for row, track in enumerate(stored["songs/track_id"])}
    with h5py.File(forms["aggregate"], "r", locking=False) as file:
        starts = [*file["analysis/songs"]["idx_segments_pitches"], len(file["analysis/segments_pitches"])]
        order = []
        for index, track in enumerate(file["analysis/songs"]["track_id"]):
            if track not in rows:
                continue
            order.append(rows[track])
            pitches = file["analysis/segments_pitches"][starts[index]:starts[index] + 252]
            assert (stored["songs/pitches"][rows[track]] / 1000 == pitches).all()
            assert stored["songs/segment_count"][rows[track]] == starts[index + 1] - starts[index]
    assert order == list(range(len(rows))) and len(rows) > 280


# The vocabulary

def test_the_most_frequent_tags_are_counted_on_training_songs_alone(real_data, forms, tmp_path):
    tracks = sorted(file.stem for file in (real_data / "msd").rglob("*.h5"))
    (tmp_path / "train.txt").write_text("\n".join(tracks[::2]))
    (tmp_path / "validation.txt").write_text("\n".join(tracks[1::4]))
    split = f"files:{tmp_path}/train.txt,{tmp_path}/validation.txt"
    for source in (["--lastfm", real_data / "lastfm"], ["--tag-source", "artist-terms"]):
        check_funnel("--msd", forms["mixed"], *source, "--tags", "top:25", "--split", split, "--segments", 252)


def test_a_snapshot_with_counted_tags_keeps_its_split_and_training_takes_it(tree, tmp_path):
    snapshots = []
    for ranks in (None, 2, 3):
        out = tmp_path / f"{ranks}.h5"
        told = prepare(tree / "msd", out, "--lastfm", tree / "lastfm", "--tags", "top:10", "--split",
                       "artist:0.7/0.2/0.1", "--seed", 5, segments=60, ranks=ranks)
        assert "training songs of the split artist:0.7/0.2/0.1" in told.output
        snapshots.append(out.read_bytes())
    assert all(snapshot == snapshots[0] for snapshot in snapshots)
    sides = checkpoints.arrays(tmp_path / "2.h5")["songs/side"]
    assert set(sides) == {0, 1, 2}

    options = ["--data", tmp_path / "2.h5", "--model", "small", "--epochs", 1, "--batch-size", 8, "--threads", 1]
    program.succeed("train", *options, "--out", tmp_path / "run", "--seed", 1)
    start = json.loads((tmp_path / "run/metrics.jsonl").read_text().splitlines()[0])
    assert (tmp_path / "run/config.yaml").read_text().count("split: artist:0.7/0.2/0.1") == 1
    assert [start["train_songs"], start["validation_songs"], start["test_songs"]] == [
        int((sides == side).sum()) for side in (0, 1, 2)]
    evaluated = ["evaluate", "--checkpoint", tmp_path / "run/checkpoints/epoch-0001.h5", "--data", tmp_path / "2.h5"]
    told = json.loads(program.succeed(*evaluated, "--split", "test", "--json").output)
    assert told["songs"] == int((sides == 2).sum())
    assert program.run(*evaluated, "--split-rule", "random:0.95").code == program.BAD_DATA
    assert inspected(tmp_path / "2.h5")["split"] == dict(
        zip(("training", "validation", "test"), (int((sides == side).sum()) for side in (0, 1, 2))))
    other_tags = program.run("train", *options, "--out", tmp_path / "other", "--tags", "top:9")
    assert other_tags.code == program.BAD_DATA and "top:9" in other_tags.errors
    for split in ("random:0.95", "artist:0.8/0.1/0.1"):
        refused = program.run("train", *options, "--out", tmp_path / "other", "--split", split)
        assert refused.code == program.BAD_DATA
        assert "counted on the training side of the split artist:0.7/0.2/0.1" in refused.errors


def test_training_on_track_files_takes_their_options_and_records_them(real_data, forms, database, tmp_path):
    program.succeed(
        "train", "--msd", forms["list"], "--lastfm", database, "--min-tag-weight", 20, "--tags", "top:8", "--split",
        "artist:0.8/0.2", "--segments", 252, "--model", "small", "--epochs", 1, "--out", tmp_path / "run", "--threads",
        1, ranks=2)
    config = (tmp_path / "run/config.yaml").read_text()
    for line in ("join: track-id", "tag_source: lastfm", "tags: top:8", "split: artist:0.8/0.2", f"lastfm: {database}"):
        assert line in config, config
    again = program.run("train", "--config", tmp_path / "run/config.yaml", "--out", tmp_path / "again", ranks=2)
    assert again.code == program.DONE, str(again)


# What the songs are too few or too odd for

def aggregate(path, tracks, *, segments=80, starts=None):
    """A small aggregate, as far as the reader looks."""
    with h5py.File(path, "w", libver="earliest") as file:
        starts = [segments * row for row in range(len(tracks))] if starts is None else starts
        file.create_dataset("metadata/songs", data=numpy.array(
            [(b"AR1", b"Artist", b"Title") for _ in tracks],
            dtype=[("artist_id", "S32"), ("artist_name", "S64"), ("title", "S64")]), maxshape=(None,), chunks=(4,))
        file.create_dataset("analysis/songs", data=numpy.array(
            [(track.encode(), start) for track, start in zip(tracks, starts)],
            dtype=[("track_id", "S32"), ("idx_segments_pitches", "i4")]), maxshape=(None,), chunks=(4,))
        file.create_dataset("analysis/segments_pitches", data=numpy.full((segments * len(tracks), 12), 0.5),
                            maxshape=(None, 12), chunks=(64, 12), compression=1, shuffle=True)
    return path


def records(folder, tracks):
    folder.mkdir(exist_ok=True)
    for track in tracks:
        (folder / f"{track}.json").write_text(json.dumps(
            {"artist": "Artist", "title": "Title", "track_id": track, "tags": [["rock", "100"]]}))
    return folder


@pytest.mark.parametrize("ranks", [None, 2, 8])
def test_fewer_files_than_ranks_and_aggregates_without_songs_are_no_trouble(tmp_path, ranks):
    tracks = [f"TRAAAAA{number:011X}" for number in range(5)]
    records(tmp_path / "lastfm", tracks)
    (tmp_path / "msd").mkdir()
    aggregate(tmp_path / "msd/five.h5", tracks)
    aggregate(tmp_path / "msd/none.h5", [])
    prepare(tmp_path / "msd", tmp_path / "songs.h5", "--lastfm", tmp_path / "lastfm", segments=60, ranks=ranks)
    funnel = inspected(tmp_path / "songs.h5")["funnel"]
    assert [funnel[step] for step in ("files", "read", "joined", "long_enough", "tagged")] == [6, 5, 5, 5, 5]
    assert "none.h5\t/analysis/songs has no row" in (tmp_path / "songs.h5.skipped.tsv").read_text()
    only = program.run("prepare", "--msd", tmp_path / "msd/none.h5", "--lastfm", tmp_path / "lastfm", "--segments", 60,
                       "--out", tmp_path / "no.h5", ranks=ranks)
    assert only.code == program.BAD_DATA and "no song is left" in only.errors


def test_starts_out_of_order_cost_only_the_songs_beside_them(tmp_path):
    tracks = [f"TRAAAAA{number:011X}" for number in range(8)]
    records(tmp_path / "lastfm", tracks)
    starts = [0, 80, 160, 400, 320, 400, 480, 9999]
    aggregate(tmp_path / "songs.h5", tracks, starts=starts)
    counts = check_funnel("--msd", tmp_path / "songs.h5", "--lastfm", tmp_path / "lastfm", "--segments", 60)
    # 400 and 320 bound the songs 2, 3 and 4; 9999 the songs 6 and 7.
    assert counts == [8, 3, 3, 3, 3]
    prepare(tmp_path / "songs.h5", tmp_path / "left.h5", "--lastfm", tmp_path / "lastfm", segments=60)
    listed = (tmp_path / "left.h5.skipped.tsv").read_text().splitlines()
    assert [line.split("\t")[0].split("/")[-1] for line in listed] == [f"songs.h5[{row}]" for row in (2, 3, 4, 6, 7)]


def test_a_database_cannot_be_joined_by_titles(forms, database, tmp_path):
    for join in ("paper", "normalised"):
        refused = program.run("prepare", "--msd", forms["aggregate"], "--lastfm", database, "--join", join,
                              "--segments", 252, "--out", tmp_path / "no.h5", ranks=2)
        assert refused.code == program.USAGE and "tells neither titles nor artists" in refused.errors
    told = prepare(forms["aggregate"], tmp_path / "songs.h5", "--lastfm", database)
    assert "joined by track id alone" in told.output


@pytest.mark.parametrize("order", ["1000000 + i / 3", "1000000 + i % 1000"], ids=["in order", "scattered"])
def test_a_large_database_needs_no_index_or_tells_the_line_that_makes_one(tree, tmp_path, order):
    path = tmp_path / "lastfm_tags.db"
    lastfm_database.make(tree / "lastfm", path)
    connection = sqlite3.connect(path)
    with connection:
        # Tags of tracks that nobody has; each track's stand together, or all over the table.
        connection.execute("INSERT INTO tid_tag WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE "
                           f"i < 300000) SELECT {order}, 1, 50.0 FROM n")
        connection.execute("INSERT INTO tids WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE "
                           "i < 300000) SELECT 'nobody ' || i FROM n")
    arguments = [tree / "msd", tmp_path / "songs.h5", "--lastfm", path]
    told = prepare(*arguments, ranks=2).errors
    warnings = [line for line in told.splitlines() if "warning" in line]
    if "%" in order:
        assert len(warnings) == 1 and str(path) in warnings[0] and "every batch of songs" in warnings[0], told
        with connection:
            connection.execute(re.search("'(CREATE INDEX [^']*tid_tag[^']*;)'", warnings[0]).group(1))
    else:
        assert not warnings
        with connection:
            connection.executescript("CREATE INDEX a ON tid_tag(tid); CREATE INDEX b ON tids(tid);")
    connection.close()
    first = (tmp_path / "songs.h5").read_bytes()
    assert "warning" not in prepare(*arguments, "--force", ranks=2).errors
    assert (tmp_path / "songs.h5").read_bytes() == first


def test_mismatches_are_listed_with_both_spellings(real_data, forms, tmp_path):
    prepare(forms["tree"], tmp_path / "songs.h5", "--lastfm", real_data / "lastfm", "--join", "normalised", ranks=2)
    lines = [line.split("\t") for line in (tmp_path / "songs.h5.mismatches.tsv").read_text().splitlines()]
    assert lines[0] == ["track_id", "differs_in", "track_artist", "lastfm_artist", "track_title", "lastfm_title"]
    assert len(lines) > 10
    for _, field, *words in lines[1:]:
        one, other = words[:2] if field == "artist" else words[2:]
        assert one.split() != other.split() and one.casefold().split() != other.casefold().split()


# Other commands

def test_predict_tags_every_song_of_an_aggregate(tree, checkpoint, tmp_path):
    files = sorted((tree / "msd").rglob("*.h5"))[:3]
    tracks = [f"TRAAAAA{number:011X}" for number in range(5)]
    many = aggregate(tmp_path / "many.h5", tracks, segments=300)
    answers = []
    for ranks in (None, 3):
        outcome = program.run("predict", "--checkpoint", checkpoint, "--json", "--top", 2, many, *files, ranks=ranks)
        answers.append([json.loads(line) for line in outcome.output.splitlines() if line.startswith("{")]
                       or json.loads(outcome.output))
    songs = [song for song in answers[0] if song["file"] == str(many)]
    assert [song["row"] for song in songs] == list(range(5)) and [song["track_id"] for song in songs] == tracks
    assert all(len(song["tags"]) == 2 for song in songs)
    assert answers[0] == answers[1]


def test_inspect_tells_of_aggregates_lists_and_databases(forms, database, tmp_path):
    assert inspected(forms["aggregate"])["kind"] == "aggregate" and inspected(forms["aggregate"])["songs"] == 298
    listed = inspected(forms["list"])
    assert (listed["kind"], listed["missing"]) == ("track_list", 1) and listed["tracks"] > 190
    described = inspected(database)
    assert described["kind"] == "lastfm_database" and described["tracks"] == 9361
    for thing in (forms["aggregate"], forms["list"], database):
        assert program.succeed("inspect", thing).output.strip()
    (tmp_path / "notes.txt").write_text("no list at all\n")
    assert program.run("inspect", tmp_path / "notes.txt").code == program.BAD_DATA

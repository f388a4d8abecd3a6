"""From a tree of track files to a snapshot: synthesize, prepare, and what an independent reading says."""

import json
import subprocess
import sys

import h5py
import pytest

import checkpoints
import program
import track_structure

WORLDS = [1, 2, 3, 4, 8]


def prepare(msd, lastfm, out, segments=252, ranks=None, options=()):
    return program.succeed("prepare", "--msd", msd, "--lastfm", lastfm, "--segments", segments, "--out", out,
                           *options, ranks=ranks)


def inspected(path):
    return json.loads(program.succeed("inspect", path, "--json").output)


def independent_funnels(msd, lastfm, *lengths):
    """The counts of scripts/check-funnel, which shares no code with the program, for each length."""
    done = subprocess.run(
        [sys.executable, program.ROOT / "scripts/check-funnel", "--msd", msd, "--lastfm", lastfm,
         "--segments", *map(str, lengths), "--json"],
        text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stdout + done.stderr
    return {funnel.pop("segments"): funnel for funnel in json.loads(done.stdout)}


STEPS = ("files", "read", "joined", "long_enough", "tagged")


def funnels(msd, lastfm, folder, *lengths, ranks):
    """The counts that prepare tells, for each length."""
    for segments in lengths:
        prepare(msd, lastfm, folder / f"{segments}.h5", segments=segments, ranks=ranks)
    told = {segments: inspected(folder / f"{segments}.h5") for segments in lengths}
    assert all(each["songs"] == each["funnel"]["tagged"] for each in told.values())
    return {segments: {step: each["funnel"][step] for step in STEPS} for segments, each in told.items()}


THRESHOLDS = (60, 252, 512)


@pytest.fixture(scope="module")
def left_by_lengths(tree, tmp_path_factory):
    """The counts of a snapshot made for each length."""
    return funnels(tree / "msd", tree / "lastfm", tmp_path_factory.mktemp("lengths"), *THRESHOLDS, ranks=2)


# synthesize

def test_synthetic_files_have_the_structure_of_real_ones(tree):
    files = sorted((tree / "msd").rglob("*.h5"))
    assert len(files) == 120
    for file in files[::20]:
        assert track_structure.differences(file) == []


def test_the_schema_tool_agrees(tree):
    tool = program.ROOT.parent / "shared/tools/check_schema.py"
    if not tool.exists():
        pytest.skip("no ../shared/tools/check_schema.py")
    files = sorted((tree / "msd").rglob("*.h5"))[:10]
    printed = subprocess.check_output([sys.executable, tool, *files], text=True)
    signatures = [line.split()[0] for line in printed.splitlines()]
    assert signatures == ["2f17c01b1ddd476ce500346270ea6ab1"] * len(files)


def test_track_files_lie_where_their_ids_say(tree):
    for file in (tree / "msd").rglob("*.h5"):
        track = file.stem
        assert len(track) == 18 and track.startswith("TR")
        assert file.relative_to(tree / "msd").parts[:-1] == (track[2], track[3], track[4])
        with h5py.File(file, "r", locking=False) as opened:
            assert opened["analysis/songs"][0]["track_id"].decode() == track


@pytest.mark.parametrize("ranks", [None, 3])
def test_the_same_seed_gives_the_same_tree_for_any_number_of_ranks(tree, tmp_path, ranks):
    program.succeed("synthesize", "--out", tmp_path / "again", "--songs", 120, "--seed", 7, ranks=ranks)
    names = sorted(file.relative_to(tree) for file in tree.rglob("*") if file.is_file())
    assert names == sorted(
        file.relative_to(tmp_path / "again") for file in (tmp_path / "again").rglob("*") if file.is_file())
    for name in names[::7]:
        one, other = tree / name, tmp_path / "again" / name
        if name.suffix == ".h5":
            assert checkpoints.differences(one, other) == []
        else:
            assert one.read_bytes() == other.read_bytes()


# prepare

@pytest.fixture(scope="module")
def described(snapshot):
    return inspected(snapshot)


@pytest.mark.parametrize("ranks", WORLDS)
def test_the_snapshot_does_not_depend_on_the_number_of_ranks(tree, snapshot, described, tmp_path, ranks):
    prepare(tree / "msd", tree / "lastfm", tmp_path / "songs.h5", ranks=ranks)
    one, other = checkpoints.arrays(snapshot), checkpoints.arrays(tmp_path / "songs.h5")
    assert one.keys() == other.keys()
    for name in one:
        assert one[name].tobytes() == other[name].tobytes(), name
    again = inspected(tmp_path / "songs.h5")
    for fact in ("songs", "segments", "tags", "funnel"):
        assert described[fact] == again[fact]


def test_the_snapshot_holds_what_the_track_files_hold(tree, snapshot):
    stored = checkpoints.arrays(snapshot)
    identifiers = [name.decode() if isinstance(name, bytes) else name for name in stored["songs/track_id"]]
    assert identifiers == sorted(identifiers) and len(identifiers) > 30
    scale = 1000 if stored["songs/pitches"].dtype.kind == "u" else 1
    for index in range(0, len(identifiers), 10):
        track = identifiers[index]
        with h5py.File(tree / "msd" / track[2] / track[3] / track[4] / f"{track}.h5", "r", locking=False) as file:
            pitches = file["analysis/segments_pitches"][:252]
        assert abs(stored["songs/pitches"][index] / scale - pitches).max() < 1e-6


@pytest.fixture(scope="module")
def whole_songs(tree, tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "songs.h5"
    prepare(tree / "msd", tree / "lastfm", path, segments="all", options=("--features", "both"))
    return path


@pytest.mark.parametrize("ranks", WORLDS)
def test_whole_songs_do_not_depend_on_the_number_of_ranks(tree, whole_songs, tmp_path, ranks):
    prepare(tree / "msd", tree / "lastfm", tmp_path / "songs.h5", segments="all", ranks=ranks,
            options=("--features", "both"))
    assert whole_songs.read_bytes() == (tmp_path / "songs.h5").read_bytes()


def assert_whole_songs_are_the_files(msd, snapshot):
    """Every value of every song, bit for bit: the conversion of docs/formats.md and its inverse."""
    with h5py.File(snapshot, "r") as stored:
        start = stored["songs/start"][:]
        for row, identifier in enumerate(stored["songs/track_id"][:]):
            track = identifier.decode()
            with h5py.File(msd / track[2] / track[3] / track[4] / f"{track}.h5", "r", locking=False) as file:
                for feature in ("pitches", "timbre"):
                    assert stored.attrs[f"{feature}_encoding"] in ("thousandths", b"thousandths")
                    values = stored[f"songs/{feature}"][start[row]:start[row + 1]] / 1000
                    expected = file[f"analysis/segments_{feature}"][:] + 0.0  # −0 becomes 0
                    assert values.shape == expected.shape
                    assert values.tobytes() == expected.tobytes(), (track, feature)


def test_whole_songs_equal_the_track_files_bit_for_bit(tree, whole_songs):
    assert_whole_songs_are_the_files(tree / "msd", whole_songs)


def test_whole_real_songs_equal_the_track_files_bit_for_bit(real_data, tmp_path):
    prepare(real_data / "msd", real_data / "lastfm", tmp_path / "songs.h5", segments="all", ranks=3,
            options=("--features", "both"))
    assert_whole_songs_are_the_files(real_data / "msd", tmp_path / "songs.h5")


def test_the_funnel_agrees_with_an_independent_reading(tree, left_by_lengths):
    told = left_by_lengths
    assert told == independent_funnels(tree / "msd", tree / "lastfm", *THRESHOLDS)
    # Each step of the synthetic tree loses songs, else this comparison would see nothing.
    counts = [told[252][step] for step in STEPS[1:]]
    assert counts == sorted(set(counts), reverse=True) and counts[-1] > 0


def test_the_funnel_of_real_songs_agrees_with_an_independent_reading(real_data, tmp_path):
    told = funnels(real_data / "msd", real_data / "lastfm", tmp_path, 252, 512, 1024, ranks=3)
    assert told == independent_funnels(real_data / "msd", real_data / "lastfm", 252, 512, 1024)


def test_a_bad_track_file_among_good_ones_is_counted_listed_and_skipped(tree, tmp_path):
    folder = tmp_path / "msd/A/A/A"
    folder.mkdir(parents=True)
    good = sorted((tree / "msd").rglob("*.h5"))
    for file in good[:40]:
        place = tmp_path / "msd" / file.relative_to(tree / "msd")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.read_bytes())
    (folder / "TRAAAAA000000000AA.h5").write_text("this is not HDF5\n")
    (folder / "TRAAAAB000000000AB.h5").write_bytes(good[0].read_bytes()[: good[0].stat().st_size // 2])
    prepare(tmp_path / "msd", tree / "lastfm", tmp_path / "songs.h5", segments=60, ranks=2)
    funnel = inspected(tmp_path / "songs.h5")["funnel"]
    assert (funnel["files"], funnel["read"]) == (42, 40)
    listed = "".join(file.read_text() for file in tmp_path.glob("*") if file.is_file() and file.suffix != ".h5")
    assert "TRAAAAA000000000AA.h5" in listed and "TRAAAAB000000000AB.h5" in listed


# inspect

def test_inspect_tells_what_each_thing_is(tree, snapshot, described):
    file = next((tree / "msd").rglob("*.h5"))
    for thing in (file, tree / "msd", tree / "lastfm", snapshot):
        assert described if thing == snapshot else inspected(thing)
        assert program.succeed("inspect", thing).output.strip()
    assert described["segments"] == 252 and len(described["tags"]) == 50 and described["tags"][0] == "rock"


@pytest.mark.parametrize("ranks", [None, 3])
def test_thresholds_tell_what_each_length_would_leave(tree, left_by_lengths, tmp_path, ranks):
    out = program.succeed("prepare", "--msd", tree / "msd", "--lastfm", tree / "lastfm", "--segments", 252, "--out",
                          tmp_path / "songs.h5", "--thresholds", "512,60,252", ranks=ranks).output
    told = json.loads(program.succeed("inspect", tmp_path / "songs.h5", "--json", "--thresholds", "60,252,512").output)
    rows = told["distribution"]["thresholds"]
    assert [row["segments"] for row in rows] == list(THRESHOLDS)
    for row in rows:
        alone = left_by_lengths[row["segments"]]
        assert (row["joined"], row["tagged"]) == (alone["long_enough"], alone["tagged"])
        line = [line for line in out.splitlines() if line.split()[:2] == ["≥", str(row["segments"])]]
        assert line[0].split()[2:] == [str(row[step]) for step in ("read", "joined", "tagged")]
    spread = told["distribution"]["songs_by_segments"]
    assert sum(row["read"] for row in spread) == told["funnel"]["read"]
    assert max(len(line) for line in out.splitlines() if "█" in line or "░" in line) <= 80


def test_thresholds_that_are_no_numbers_are_refused(snapshot):
    program.refuse(program.run("inspect", snapshot, "--thresholds", "252,x"), program.USAGE, "--thresholds")

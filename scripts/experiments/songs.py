"""From DATA to what the runs train on: one snapshot of whole songs, one for each number of tags, lists of artists."""

import json

import h5py
import numpy

import program
from trouble import Trouble

# What decides the sides, whatever a run's own seed is: runs of several seeds are judged on the same songs.
SPLIT_SEED = 1


class Songs:
    """The snapshots and lists of one folder. Each is made once and kept."""

    def __init__(self, options, settings):
        self.folder = options.out / "songs"
        self.settings = settings
        self.ranks = options.ranks
        self.msd = options.msd or options.data / "msd"
        self.lastfm = options.lastfm or options.data / "lastfm"
        self.join = options.join
        self.source, self.quick = options.data, options.quick

    @property
    def all(self):
        """Whole songs with the paper's tags."""
        return self.folder / "songs.h5"

    def at_least(self, segments):
        """Songs of so many segments, of which a run may take fewer."""
        return self.folder / f"songs-of-{segments}.h5"

    def with_tags(self, count):
        return self.folder / f"top-{count}.h5" if count else self.all

    def lists(self, share=1):
        """A split rule by artist. Smaller shares of the training side's artists are parts of larger ones."""
        train = self.folder / ("artists-train.txt" if share == 1 else f"artists-train-{share}.txt")
        return f"artist-lists:{train},{self.folder / 'artists-validation.txt'}"

    def split(self, run):
        return self.lists(run.share) if run.split == "artist" else f"random:{1 - self.settings.validation_share:g}"

    def find(self, say):
        """Track files and tags, synthesized first where they may be."""
        if self.quick and not self.msd.exists():
            say(f"Synthesizing {self.settings.songs} songs in {self.source}")
            program.run(["synthesize", "--out", self.source, "--songs", self.settings.songs], self.ranks)
        for path in (self.msd, self.lastfm):
            if not path.exists():
                raise Trouble(f"{path}: not there; DATA is a folder with msd/ and lastfm/, or give --msd and --lastfm", 66)

    def prepare(self, say):
        self.folder.mkdir(parents=True, exist_ok=True)
        self._snapshot(self.all, "all", [], say)
        self._write_lists()
        runs = [run for runs in self.settings.runs.values() for run in runs]
        for count in sorted({run.at_least for run in runs if run.at_least > run.segments}):
            self._snapshot(self.at_least(count), count, [], say)
        for count in sorted({run.tags for run in runs if run.tags}):
            self._snapshot(self.with_tags(count), "all", ["--tags", f"top:{count}", "--split", self.lists()], say)

    def data(self, run):
        if run.tags:
            return self.with_tags(run.tags)
        return self.at_least(run.at_least) if run.at_least > run.segments else self.all

    def _snapshot(self, path, segments, options, say):
        # It appears whole or not at all: one that is there is done.
        if path.exists():
            return
        say(f"Preparing {path.name}")
        join = ["--join", self.join] if self.join else []
        program.run(["prepare", "--msd", self.msd, "--lastfm", self.lastfm, "--segments", segments, *join, *options, "--out", path],
                    self.ranks)

    def _write_lists(self):
        with h5py.File(self.all, "r", locking=False) as file:
            artists = sorted(set(file["songs/artist_id"][:].tolist()))
        order = numpy.random.default_rng(SPLIT_SEED).permutation(len(artists))
        count = max(1, round(len(artists) * self.settings.validation_share))
        validation, training = order[:count], order[count:]
        if len(training) < 2:
            raise Trouble(f"{self.all}: songs of {len(artists)} artists, expected enough for two sides", 65)
        shares = {run.share for runs in self.settings.runs.values() for run in runs}
        for name, chosen in [("artists-validation.txt", validation), ("artists-train.txt", training),
                             *[(f"artists-train-{share}.txt", training[: max(1, round(share * len(training)))])
                               for share in shares if share < 1]]:
            program.write(self.folder / name, "".join(f"{artists[each].decode()}\n" for each in chosen))

    def facts(self):
        """What inspect says of the snapshot: funnel, lengths, tags."""
        thresholds = ",".join(str(each) for each in self.settings.thresholds)
        path = self.folder / f"inspect-{thresholds}.json"
        if not path.exists():
            program.write(path, json.dumps(program.told(["inspect", self.all, "--thresholds", thresholds])))
        return json.loads(path.read_text())


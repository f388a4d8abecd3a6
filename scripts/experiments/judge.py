"""What finished runs are worth: the last epoch's checkpoint on its validation side, with intervals, once for each run."""

import json

import h5py
import numpy

import program

RESAMPLES = 1000


class Judge:
    def __init__(self, options, songs, work):
        self.options, self.songs, self.work = options, songs, work

    def result(self, run):
        """What evaluate says, and where the probabilities are; none where the run is not done."""
        if not self.work.is_done(run):
            return None
        folder = self.work.folder / run.name
        path = folder / "validation.json"
        if not path.exists():
            told = program.told(self._line(run, "--predictions", folder / "validation.h5"), self.options.ranks)
            program.write(path, json.dumps(told, indent=1) + "\n")
        return json.loads(path.read_text())

    def _line(self, run, *more):
        split = ["--split-rule", self.songs.split(run)] if run.split == "artist" else []
        return ["evaluate", "--checkpoint", self.work.checkpoint(run), "--data", self.songs.data(run), "--split", "validation",
                *split, *more]

    def line(self, run):
        return self._line(run)

    def predictions(self, runs):
        """Labels, probabilities averaged over the runs, and artists, of the songs that all of them judged."""
        found = []
        for run in runs:
            with h5py.File(self.work.folder / run.name / "validation.h5", "r", locking=False) as file:
                ids = file["songs/track_id"][:]
                order = numpy.argsort(ids)
                found.append((ids[order], file["songs/labels"][:][order], file["songs/probabilities"][:][order],
                              file["songs/artist_id"][:][order]))
        ids = found[0][0]
        if any(not numpy.array_equal(each[0], ids) for each in found):
            raise program.Trouble("runs to be compared were judged on different songs")
        return found[0][1], numpy.mean([each[2] for each in found], axis=0), found[0][3]


def aucs(labels, scores):
    """Of each tag, ties counted half; NaN where all songs or none have it."""
    ranks = numpy.apply_along_axis(midranks, 0, scores)
    positives = labels.sum(axis=0).astype(float)
    negatives = len(labels) - positives
    with numpy.errstate(invalid="ignore", divide="ignore"):
        return ((ranks * labels).sum(axis=0) - positives * (positives + 1) / 2) / (positives * negatives)


def midranks(values):
    _, places, counts = numpy.unique(values, return_inverse=True, return_counts=True)
    return (numpy.cumsum(counts) - (counts - 1) / 2)[places]


def difference(labels, first, second, artists, seed=1):
    """The macro AUC of the first less that of the second, with its 95 % interval: a bootstrap over artists."""
    names, of_song = numpy.unique(artists, return_inverse=True)
    members = [numpy.flatnonzero(of_song == each) for each in range(len(names))]
    generator = numpy.random.default_rng(seed)
    found = []
    for _ in range(RESAMPLES):
        songs = numpy.concatenate([members[each] for each in generator.integers(len(names), size=len(names))])
        found.append(numpy.nanmean(aucs(labels[songs], first[songs])) - numpy.nanmean(aucs(labels[songs], second[songs])))
    value = numpy.nanmean(aucs(labels, first)) - numpy.nanmean(aucs(labels, second))
    low, high = numpy.quantile(found, [0.025, 0.975])
    return float(value), float(low), float(high)

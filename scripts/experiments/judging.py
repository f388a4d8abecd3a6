"""What finished runs are worth: the last epoch's checkpoint on its validation side, with intervals, once for each run."""

import functools
import json

import intervals
import predictions
import program


class Judge:
    def __init__(self, options, songs, work):
        self.options, self.songs, self.work = options, songs, work

    @functools.cache
    def result(self, run):
        """What evaluate says of a run that is done."""
        folder = self.work.folder / run.name
        path = folder / "validation.json"
        if not path.exists():
            told = program.told([*self.line(run), "--predictions", folder / "validation.h5"], self.options.ranks)
            program.write(path, json.dumps(told, indent=1) + "\n")
        return json.loads(path.read_text())

    def line(self, run):
        split = ["--split-rule", self.songs.split(run)] if run.split == "artist" else []
        return ["evaluate", "--checkpoint", self.work.checkpoint(run), "--data", self.songs.data(run), "--split", "validation",
                *split]

    def difference(self, first, second):
        """How many songs all of these runs have judged, and the macro AUC of the first ones' averaged probabilities less that of
        the second ones', with its interval."""
        songs, whole, drawn = intervals.difference(self._mean(first), self._mean(second))
        return songs, float(whole.macro[0]), *intervals.interval(drawn.macro)

    def _mean(self, runs):
        for run in runs:
            self.result(run)
        return predictions.mean([predictions.read(self.work.folder / run.name / "validation.h5") for run in runs], "mean")

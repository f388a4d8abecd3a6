"""Does the runs: one after the other here, or as tasks of a Slurm array. What is done is skipped, what was begun goes on."""

import json
import os
import shlex
import subprocess
import sys
import time

import launch
import program
from trouble import Trouble


class Work:
    def __init__(self, options, settings, songs, runs):
        self.options, self.settings, self.songs, self.runs = options, settings, songs, runs
        self.folder = options.out / "runs"

    def words(self, run):
        """What tells this run from the others, as options of train."""
        words = ["--model", run.model, "--segments", run.segments, "--seed", run.seed, "--epochs", run.epochs,
                 "--data", self.songs.data(run), "--split", self.songs.split(run)]
        if run.convolution_dropout is not None:
            words += ["--convolution-dropout", run.convolution_dropout]
        if run.final_dropout is not None:
            words += ["--final-dropout", run.final_dropout]
        return [str(word) for word in words]

    def common(self):
        given = [[f"--{key.replace('_', '-')}", str(value)] for key, value in self.settings.options.items()]
        # Only the last epoch's checkpoint is judged; best.h5 stays beside it.
        return [word for each in given for word in each] + ["--keep-checkpoints", "1"]

    def line(self, run):
        return ["train", "--resume", *self.common(), *self.words(run), "--out", self.folder / run.name]

    def epochs(self, run):
        """The epochs' lines of metrics.jsonl, as far as they are written."""
        try:
            lines = (self.folder / run.name / "metrics.jsonl").read_text().splitlines()
        except FileNotFoundError:
            return []
        found = []
        for line in lines:
            try:
                event = json.loads(line)
            except ValueError:
                continue  # It is being written.
            if event.get("event") == "epoch":
                found.append(event)
        return found

    def checkpoint(self, run):
        return self.folder / run.name / "checkpoints" / f"epoch-{run.epochs:04}.h5"

    def is_done(self, run):
        return len(self.epochs(run)) == run.epochs and self.checkpoint(run).exists()

    def here(self, say):
        left = [run for run in self.runs if not self.is_done(run)]
        say(f"{len(self.runs)} runs, {len(self.runs) - len(left)} of them done")
        begun = time.monotonic()
        for number, run in enumerate(left, start=1):
            program.run(self.line(run), self.options.ranks)
            if not self.is_done(run):
                raise Trouble(f"{self.folder / run.name}: train ended well, but {run.epochs} epochs and a checkpoint are not there")
            spent = time.monotonic() - begun
            say(f"{number} of {len(left)}: {run.name}, validation AUC {self.epochs(run)[-1]['val_auc_macro'] or float('nan'):.3f}; "
                f"some {spent / number * (len(left) - number) / 60:.0f} min left")

    def in_slurm(self, say):
        """Hands the unfinished runs to Slurm, and the report after them."""
        left = [run for run in self.runs if not self.is_done(run)]
        if not left:
            return False
        tasks = self.options.out / "tasks.txt"
        program.write(tasks, "".join(shlex.join([*self.words(run), "--out", run.name]) + "\n" for run in left))
        (self.options.out / "logs").mkdir(exist_ok=True)
        logs = self.options.out / "logs"
        submit = ["sbatch", "--parsable", f"--chdir={launch.ROOT}", *self.options.sbatch]
        array = self._submit([*submit, f"--array=1-{len(left)}%{self.options.at_once}", f"--output={logs}/%x-%A_%a.out",
                              f"--export=ALL,CRNN_DIST={launch.BINARY},CRNN_DIST_TASKS={tasks}",
                              str(launch.ROOT / "cluster/array.sbatch"), *self.common(), "--out", str(self.folder)])
        # The report waits for all tasks, also for failed ones, whose runs it names. It runs by this Python, since nodes may have
        # no way to install another.
        again = shlex.join([sys.executable, *[word for word in sys.argv if word != "--slurm"], "--report"])
        report = self._submit(["sbatch", "--parsable", *self.options.sbatch, f"--dependency=afterany:{array}",
                               f"--output={logs}/report-%j.out", "--ntasks=1",
                               f"--wrap=cd {shlex.quote(os.getcwd())} && {again}"])
        say(f"{len(left)} runs are job array {array}, {self.options.at_once} at a time; job {report} makes the report after them.\n"
            f"Logs are in {logs}. The same line again takes up what failed.")
        return True

    @staticmethod
    def _submit(line):
        done = subprocess.run(line, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode:
            raise Trouble(f"{shlex.join(line)}\n{done.stderr.strip()}")
        return done.stdout.strip().split(";")[0]

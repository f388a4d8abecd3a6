"""Checks of an installed crnn-dist with ReFrame 4 (https://reframe-hpc.readthedocs.io), which builds nothing:

    CRNN_DIST=.build/release/crnn-dist reframe -c cluster/reframe_check.py -r --performance-report
    ... -C mysite.py --system mycluster:cpu      with your site's configuration, which names scheduler and launcher
    ... -S songs=5000 -S model=large -S threads=16      for a figure worth keeping
    ... --exec-policy=serial                     one job at a time, where they would share a machine

They make a small synthetic data set, train on 1, 2 and 4 ranks, extract songs/s, and see that all of them have learnt the
same weights. Without a configuration of yours everything runs on this machine, under mpirun. Songs/s depend on the machine,
so there are no references here; they go into the perflogs.
"""

import json
import os
from pathlib import Path

import reframe as rfm
import reframe.utility.sanity as sn
from reframe.core.backends import getlauncher
from reframe.core.builtins import (
    fixture, parameter, performance_function, run_after, run_before, sanity_function, variable)
from reframe.utility import udeps

BUILT = Path(__file__).resolve().parents[1] / ".build/release/crnn-dist"


def program():
    """The binary that CRNN_DIST names, seen from where reframe was called; a bare name is looked for in PATH."""
    named = os.environ.get("CRNN_DIST", str(BUILT))
    return os.path.abspath(named) if os.sep in named else named


class OfCrnnDist(rfm.RunOnlyRegressionTest):
    """What all of them share: the binary, anywhere, and mpirun where the site has no launcher of its own."""

    valid_systems = ["*"]
    valid_prog_environs = ["*"]
    time_limit = "30m"

    @run_after("init")
    def choose_program(self):
        self.executable = program()

    @run_after("setup")
    def choose_launcher(self):
        if self.num_tasks > 1 and self.current_partition.launcher_type.registered_name == "local":
            self.job.launcher = getlauncher("mpirun")()
            # This machine may have fewer cores than ranks, and other things to do.
            self.job.launcher.options = ["--bind-to", "none", "--oversubscribe"]

    @run_before("run")
    def tell_exit_code(self):
        # Not every scheduler tells it to ReFrame.
        self.postrun_cmds = ['echo "ended with $?"', *self.postrun_cmds]

    def has_ended_well(self):
        return sn.assert_found(r"^ended with 0$", self.stdout, "the exit code is not 0")


class Songs(OfCrnnDist):
    """A synthetic tree and the snapshot of it, once for each system."""

    songs = variable(int, value=100)
    segments = variable(int, value=252)

    @run_before("run")
    def choose_command(self):
        self.prerun_cmds = [f"{self.executable} synthesize --out tree --songs {self.songs} --seed 1"]
        self.executable_opts = ["prepare", "--msd", "tree/msd", "--lastfm", "tree/lastfm",
                                "--segments", str(self.segments), "--out", "songs.h5"]

    @sanity_function
    def has_written_snapshot(self):
        return sn.all([self.has_ended_well(), sn.assert_found(r"^wrote songs\.h5", self.stdout)])


@rfm.simple_test
class Train(OfCrnnDist):
    """Trains from the snapshot on so many ranks."""

    data = fixture(Songs, scope="environment")
    ranks = parameter([1, 2, 4])
    epochs = variable(int, value=3)
    model = variable(str, value="small")
    batch_size = variable(int, value=16)
    threads = variable(int, value=1)

    @run_after("init")
    def choose_size(self):
        self.num_tasks = self.ranks
        self.num_cpus_per_task = self.threads

    @run_before("run")
    def choose_command(self):
        self.executable_opts = [
            "train", "--data", os.path.join(self.data.stagedir, "songs.h5"), "--out", "run", "--model", self.model,
            "--epochs", str(self.epochs), "--batch-size", str(self.batch_size), "--split", "random:0.8",
            "--threads", str(self.threads)]

    @property
    def last_checkpoint(self):
        return os.path.join(self.stagedir, "run/checkpoints", f"epoch-{self.epochs:04}.h5")

    def epoch_lines(self):
        lines = (Path(self.stagedir) / "run/metrics.jsonl").read_text().splitlines()
        return [line for line in map(json.loads, lines) if line["event"] == "epoch"]

    @sanity_function
    def has_trained(self):
        lines = self.epoch_lines()
        return sn.all([
            self.has_ended_well(),
            sn.assert_found(r"^done: best validation AUC", self.stderr),
            sn.assert_eq([line["epoch"] for line in lines], list(range(1, self.epochs + 1)), "epochs {0}, not {1}"),
            # So many jobs of one rank each are what a launcher makes that does not speak Open MPI's PMI.
            sn.assert_eq({line["world_size"] for line in lines}, {self.ranks}, "world size {0}, not {1}"),
        ])

    @performance_function("songs/s")
    def songs_per_second(self):
        """Of the fastest epoch: what disturbs a machine only ever makes it slower."""
        return max(line["songs_per_second"] for line in self.epoch_lines())


@rfm.simple_test
class WeightsAgree(OfCrnnDist):
    """However many ranks trained, the weights are the same: each probability of each song, to the last digit."""

    data = fixture(Songs, scope="environment")

    @run_after("init")
    def follow_training(self):
        self.trained = [Train.variant_name(number) for number in Train.get_variant_nums()]
        for name in self.trained:
            self.depends_on(name, udeps.by_env)

    @run_before("run")
    def choose_command(self):
        tree = os.path.join(self.data.stagedir, "tree/msd")
        # Songs that are too short are left out with a warning; the others are in the output all the same.
        predict = f"find {tree} -name '*.h5' | sort | head -20 | xargs {self.executable} predict --top 50 --json"
        self.prerun_cmds = [f"{predict} --checkpoint {run.last_checkpoint} > of-{run.ranks}.json || true"
                            for run in map(self.getdep, self.trained)]
        self.executable = "ls"
        self.executable_opts = ["-l"]

    @sanity_function
    def predicts_alike(self):
        of = {ranks: (Path(self.stagedir) / f"of-{ranks}.json").read_text() for ranks in Train.ranks.values}
        first = min(of)
        return sn.all([
            self.has_ended_well(),
            sn.assert_gt(of[first].count('"probability"'), 0, "no predictions"),
            *(sn.assert_true(text == of[first], f"the weights of {ranks} ranks are not those of {first}")
              for ranks, text in of.items()),
        ])

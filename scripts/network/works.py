"""The kinds of work that are measured, each done by all ranks together and by as many single ranks apart."""

import json
import shutil
import statistics
import sys
from dataclasses import dataclass

from elsewhere import ROOT, measured
from measured import run_together

TORCH = ROOT / "scripts/peers/torch_peer.py"


@dataclass(frozen=True)
class Figures:
    songs_per_second: float
    """Of all ranks, or the sum over the single ones."""
    others_share: float
    """Of the machine, used by others meanwhile."""
    carried: tuple | None = None
    """Bytes of each direction of each link, and the steps in which they were carried."""


def since(place, before):
    now = place.bytes_carried()
    return None if now is None else [later - earlier for later, earlier in zip(now, before)]


class Steps:
    """Steps on random songs, of a program that prints its speed; below are the two programs."""

    def __init__(self, options):
        self._options = options
        self._short = None

    def try_out(self, place):
        """A short run, with which a longer one is compared: the difference of their bytes is that of their steps alone,
        without what is sent at the start. Raises `Trouble` where the work cannot be done."""
        self._short = self._run(place, 1)

    def together(self, place):
        long = self._run(place, self._options.steps)
        if long.carried is None:
            return long, None
        steps = long.carried[1] - self._short.carried[1]
        bytes_a_step = max((later - earlier) / steps
                           for later, earlier in zip(long.carried[0], self._short.carried[0]))
        return long, bytes_a_step

    def _run(self, place, steps):
        before = place.bytes_carried()
        processes, others = run_together(self._lines(place, steps), **self._environment(place))
        carried = since(place, before)
        return Figures(processes[0].json()["songs_per_second"], others, carried and (carried, steps))

    def apart(self, place):
        processes, others = run_together(place.apart(lambda _: self._line(1, self._options.steps)))
        return Figures(sum(process.json()["songs_per_second"] for process in processes), others)

    def _environment(self, place):
        return {}


def compression(format):
    """How crnn-dist is told what gradients are sent as."""
    return [] if format == "none" else ["--gradient-compression", format]


def title(format):
    return "crnn-dist" if format == "none" else f"crnn-dist, gradients sent as {format}"


class OurSteps(Steps):
    def __init__(self, options, format):
        super().__init__(options)
        self._format = format
        self.name, self.title = f"ours-{format}", title(format)
        # What is sent changes nothing where nobody is sent anything.
        self.alone = "ours"

    def _line(self, ranks, steps):
        options = self._options
        return [options.binary, "benchmark", "step", "--config", options.config, "--batch-size",
                ranks * options.songs_per_rank, "--threads", 1, "--steps", steps, "--no-profile", "--json",
                *compression(self._format), *options.more]

    def _lines(self, place, steps):
        return [place.together(self._line(place.ranks, steps))]


@dataclass(frozen=True)
class Peer:
    """A way in which PyTorch can do it."""

    name: str
    title: str
    computes_bf16: bool = False
    sends_bf16: bool = False


SENT = "gradients sent as bf16 (its hook, which it offers for NCCL only)"
PEERS = (
    Peer("ddp", "PyTorch DDP, fp32"),
    Peer("ddp-sent", f"PyTorch DDP, fp32, {SENT}", sends_bf16=True),
    Peer("ddp-bf16", "PyTorch DDP, bf16 autocast, fp32 gradients", computes_bf16=True),
    Peer("ddp-bf16-sent", f"PyTorch DDP, bf16 autocast, {SENT}", computes_bf16=True, sends_bf16=True),
)


class TorchSteps(Steps):
    layouts = {}
    """The faster layout of memory, found once for each arithmetic."""

    def __init__(self, options, peer):
        super().__init__(options)
        self.name, self.title = peer.name, peer.title
        self._peer = peer
        self._arithmetic = ("--bf16",) if peer.computes_bf16 else ()
        # What is sent changes nothing where nobody is sent anything.
        self.alone = f"ddp{''.join(self._arithmetic)}"

    def try_out(self, place):
        if self.alone not in self.layouts:
            speeds = {}
            for layout in ((), ("--channels-last",)):
                self.layouts[self.alone] = layout
                (process,), _ = run_together(place.apart(lambda _: self._line(1, 1))[:1])
                speeds[layout] = process.json()["songs_per_second"]
            self.layouts[self.alone] = max(speeds, key=speeds.get)
        super().try_out(place)

    def _line(self, ranks, steps):
        options = self._options
        sent = ["--send-bf16"] if self._peer.sends_bf16 and ranks > 1 else []
        return [sys.executable, TORCH, "--case", f"{options.model}-252", "--batch", ranks * options.songs_per_rank,
                "--threads", 1, "--steps", steps, "--processes", ranks, *self._arithmetic, *sent,
                *self.layouts[self.alone]]

    def _lines(self, place, steps):
        return place.one_by_one(
            lambda rank, meeting: [*self._line(place.ranks, steps), "--rank", rank, "--meeting", meeting])

    def _environment(self, place):
        return {"GLOO_SOCKET_IFNAME": place.interface}


class OurTraining:
    """Epochs of `train` itself, but for the first, in which memory and files are touched for the first time."""

    def __init__(self, options, format):
        self._options, self._format = options, format
        self.name, self.title = f"ours-{format}", title(format)
        self.alone = "ours"

    def try_out(self, place):
        """Only whether it runs at all, with these options."""
        self._run([place.together(self._line("trial", place.ranks, 1))], ["trial"])

    def together(self, place):
        watch = EpochWatch(self._folder("together") / "metrics.jsonl", place)
        figures = self._run(
            [place.together(self._line("together", place.ranks, self._options.epochs))], ["together"], watch.look)
        return figures, watch.bytes_a_step()

    def apart(self, place):
        names = [f"apart-{number}" for number in range(place.ranks)]
        return self._run(place.apart(lambda number: self._line(names[number], 1, self._options.epochs)), names)

    def _folder(self, name):
        return self._options.folder / name

    def _line(self, name, ranks, epochs):
        options = self._options
        return [options.binary, "train", "--data", options.data, "--out", self._folder(name), "--config", options.config,
                "--batch-size", ranks * options.songs_per_rank, "--epochs", epochs, "--threads", 1, "--split",
                "random:0.95", "--keep-checkpoints", 1, *compression(self._format), *options.more]

    def _run(self, lines, names, meanwhile=lambda: None):
        for name in names:
            shutil.rmtree(self._folder(name), ignore_errors=True)
        _, others = run_together(lines, meanwhile)
        speeds = []
        for name in names:
            told = epochs_of(self._folder(name) / "metrics.jsonl")
            # The same songs every epoch: their number over the sum of the times.
            speeds.append(statistics.harmonic_mean(line["songs_per_second"] for line in told[1:] or told))
        return Figures(sum(speeds), others)


def epochs_of(path):
    """The epochs of a run's metrics that are there already."""
    if not path.exists():
        return []
    whole = path.read_text().rpartition("\n")[0]
    return [line for line in map(json.loads, whole.splitlines()) if line["event"] == "epoch"]


class EpochWatch:
    """The bytes that the links have carried at the ends of a run's epochs, while it runs."""

    def __init__(self, path, place):
        self._path, self._place = path, place
        self._size = 0
        self._seen = []

    def look(self):
        size = self._path.stat().st_size if self._path.exists() else 0
        if size == self._size:
            return
        self._size = size
        told = epochs_of(self._path)
        if len(told) > len(self._seen):
            self._seen += [(told[-1]["step"], self._place.bytes_carried())] * (len(told) - len(self._seen))

    def bytes_a_step(self):
        """From the end of the first epoch to the end of the last."""
        self.look()
        (first, before), (last, after) = self._seen[0], self._seen[-1]
        if after is None or last == first:
            return None
        return max(later - earlier for later, earlier in zip(after, before)) / (last - first)


def works(options):
    """All that are asked for, ours first."""
    ours = OurTraining if options.train else OurSteps
    found = [ours(options, format) for format in options.format]
    return found + [TorchSteps(options, peer) for peer in PEERS if peer.name in options.peer]

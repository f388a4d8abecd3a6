"""Measures all ranks together against single ones apart, and against PyTorch (see scripts/bench-network)."""

import argparse
import json
import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import tables
from elsewhere import ROOT, measured, nodes
from measured import Stopped, Trouble, stop_on_signals
from pairs import measure
from places import CORES, OneNode, OverNetwork
from works import PEERS, works

UNAVAILABLE = 69
STEPS = {"large": 12, "small": 60}
SONGS = {"large": 700, "small": 2000}
"""Synthetic songs for --train: an epoch of each network takes a while, and none too long."""


def parse(arguments):
    more = []
    if "--" in arguments:
        at = arguments.index("--")
        arguments, more = arguments[:at], arguments[at + 1 :]
    parser = argparse.ArgumentParser(prog="scripts/bench-network", add_help=False, allow_abbrev=False)
    parser.add_argument("--nodes", type=int, choices=(2, 4), default=2)
    parser.add_argument("--ranks-per-node", type=int, default=1)
    parser.add_argument("--one-node", action="store_true")
    parser.add_argument("--rate", default="1gbit")
    parser.add_argument("--model", choices=sorted(STEPS), default="large")
    parser.add_argument("--songs-per-rank", type=int, default=16)
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--step", action="store_true")
    kind.add_argument("--train", action="store_true")
    parser.add_argument("--format", action="append")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--peer", action="append", choices=[peer.name for peer in PEERS])
    parser.add_argument("--ours-only", action="store_true")
    parser.add_argument("--binary", type=Path, default=measured.BINARY)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--at-least", type=float, metavar="RATIO")
    options = parser.parse_args(arguments)
    if min(options.ranks_per_node, options.songs_per_rank, options.pairs) < 1:
        parser.error("--ranks-per-node, --songs-per-rank and --pairs want at least 1")
    if min(options.steps or 2, options.epochs) < 2:
        parser.error("--steps and --epochs want at least 2, since bytes are counted from the first one on")
    if options.data and not options.train:
        parser.error("--data belongs to --train: steps are measured on random songs")
    for path in (options.binary, options.data):
        if path and not path.is_file():
            parser.error(f"{path}: not there" + "; run scripts/build first" * (path == options.binary))
    if options.json and not options.json.absolute().parent.is_dir():
        parser.error(f"--json {options.json}: no such folder")
    try:
        options.bits_per_second = None if options.rate == "none" else nodes.bits_per_second(options.rate)
    except ValueError as error:
        parser.error(f"--rate: {error}")
    return complete(options, more)


def complete(options, more):
    """What follows from other options."""
    options.more = more
    options.format = list(dict.fromkeys(options.format or ["none"]))
    # Emulated arithmetic is no peer worth the hours that it takes.
    able = [peer.name for peer in PEERS if measured.computes_bf16() or not peer.computes_bf16]
    options.peer = [] if options.ours_only else options.peer or able
    options.steps = 2 if options.quick else options.steps or STEPS[options.model]
    options.pairs = 1 if options.quick else options.pairs
    options.epochs = 2 if options.quick else options.epochs
    options.config = ROOT / "configs" / f"{options.model}-252.yaml"
    options.binary = options.binary.resolve()
    options.data = options.data and options.data.resolve()
    return options


def make_songs(options):
    """A snapshot of synthetic songs that can all be used."""
    tree, snapshot = options.folder / "songs", options.folder / "songs.h5"
    everything = [part for name in ("missing", "mismatched", "empty", "other-tags") for part in (f"--{name}", 0)]
    songs = 200 if options.quick else SONGS[options.model]
    for line in (
        ["synthesize", "--out", tree, "--songs", songs, *everything],
        ["prepare", "--msd", tree / "msd", "--lastfm", tree / "lastfm", "--segments", 252, "--out", snapshot],
    ):
        measured.run_together([[options.binary, *line]])
    shutil.rmtree(tree)
    return snapshot


def place(options, stack):
    """Where the ranks run; made here where it has to be."""
    if options.one_node:
        return OneNode(options.nodes * options.ranks_per_node)
    rate = None if options.rate == "none" else options.rate
    return OverNetwork(stack.enter_context(nodes.Nodes(options.nodes, rate)), options.ranks_per_node)


def describe(where, options):
    """The conditions of a measurement."""
    stream = where.stream_rate()
    return {
        "place": where.title,
        "ranks": where.ranks,
        "processor": measured.processor(),
        "cores": len(CORES),
        "computes_bf16": measured.computes_bf16(),
        "model": options.model,
        "measured": "train" if options.train else "benchmark step",
        "songs_per_rank": options.songs_per_rank,
        "rate_bits_per_second": None if options.one_node else options.bits_per_second,
        "stream_bytes_per_second": stream,
        "options": options.more,
    }


def main():
    options = parse(sys.argv[1:])
    stop_on_signals()
    measured.adopt_orphans()
    with ExitStack() as stack:
        options.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="crnn-dist-network-")))
        where = place(options, stack)
        document = describe(where, options)
        print(tables.heading(document, with_peer=bool(options.peer)), flush=True)
        if options.train and not options.data:
            options.data = make_songs(options)
        results, found, failed = measure(works(options), where, options)
    document |= found | {"results": results}
    print(tables.markdown(document))
    if options.json:
        options.json.write_text(json.dumps(document, indent=2) + "\n")
    return 1 if failed or not reached(results, options) else 0


def reached(results, options):
    """Whether all of ours reach the ratio wanted, which is told last; true where none is."""
    if options.at_least is None:
        return True
    verdicts = [tables.verdict(row, options.at_least) for row in results if row["name"].startswith("ours")]
    print("\n" + "\n".join(line for _, line in verdicts))
    return all(holds for holds, _ in verdicts)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Stopped as stopped:
        sys.exit(128 + stopped.args[0])
    except nodes.NoNodes as trouble:
        print(f"scripts/bench-network: no nodes: {trouble}", file=sys.stderr)
        sys.exit(UNAVAILABLE)
    except Trouble as trouble:
        sys.exit(f"scripts/bench-network: a measurement failed: {trouble}")

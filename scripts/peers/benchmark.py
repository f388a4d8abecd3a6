"""Runs crnn-dist and its peers in turns on one machine and prints the ratios (see scripts/benchmark-peers)."""

import argparse
import json
import os
import pathlib
import sys

import reading
import report
from measured import BINARY, Stopped, Trouble, processor, stop_on_signals
from rows import PEERS, chosen, compare


def parse():
    parser = argparse.ArgumentParser(
        prog="scripts/benchmark-peers",
        description=__doc__,
        epilog="peers: " + "; ".join(f"{peer.name}: {peer.title}" for peer in PEERS)
        + ". Example: scripts/benchmark-peers --only large-252:keras --only small-252 --json result.json",
    )
    parser.add_argument("--only", action="append", default=[], metavar="CASE[:PEER]", help="may be repeated")
    parser.add_argument("--pairs", type=int, default=3, help="measurements of each side (default 3)")
    parser.add_argument("--batch-size", type=int, help="songs of a step over all ranks (default 32; recommended: 64)")
    parser.add_argument("--threads", type=int, default=2, help="threads over all ranks (default 2)")
    parser.add_argument("--quick", action="store_true", help="one pair of one step: tries the set-up, measures nothing")
    parser.add_argument("--binary", type=pathlib.Path, default=BINARY, help="another build of crnn-dist")
    parser.add_argument("--json", metavar="FILE", help="write the results, or - to print them")
    parser.add_argument("--markdown", metavar="FILE", help="write the tables as Markdown, or - to print them")
    parser.add_argument("--read", metavar="MSD", help="compare reading of this tree of track files as well")
    parser.add_argument("--no-steps", action="store_true", help="with --read: reading alone")
    options = parser.parse_args()
    if options.pairs < 1 or (options.batch_size or 2) < 2 or options.threads < 2:
        parser.error("--pairs wants at least 1, --batch-size and --threads at least 2, one for each of two ranks")
    if not options.binary.exists():
        parser.error(f"{options.binary}: not there; run scripts/build first")
    if options.read and not pathlib.Path(options.read).is_dir():
        parser.error(f"--read {options.read}: no such folder")
    for name in ("json", "markdown"):
        target = getattr(options, name)
        if target not in (None, "-") and not pathlib.Path(target).absolute().parent.is_dir():
            parser.error(f"--{name} {target}: no such folder")
    # Commands run in the project's folder.
    options.binary, options.read = options.binary.resolve(), options.read and pathlib.Path(options.read).resolve()
    return options


def compare_steps(options):
    """The results of all comparisons asked for, shown as they come, and how many could not be made."""
    comparisons, table, failed = chosen(options.only), [], 0
    print(f"songs/s, {options.threads} threads in all; medians", flush=True)
    print(report.HEADER, flush=True)
    for case, peer in comparisons:
        try:
            table.append(compare(case, peer, options))
            print(report.line(table[-1]), flush=True)
        except Trouble as trouble:
            failed += 1
            print(f"{case:<11} {peer.name:<15} failed: {trouble}", flush=True)
    return table, failed


def compare_reading(options):
    """The results, and whether there are none."""
    try:
        return reading.compare(options), 0
    except Trouble as trouble:
        print(f"reading failed: {trouble}", flush=True)
        return [], 1


def write(text, path):
    print(text) if path == "-" else pathlib.Path(path).write_text(text + "\n")


def main():
    options = parse()
    stop_on_signals()
    steps, failed = ([], 0) if options.no_steps else compare_steps(options)
    # What steps have given is written, whatever becomes of the reading.
    tracks, unread = compare_reading(options) if options.read else ([], 0)
    busiest = max((row["others_share"] for row in steps), default=0)
    if busiest > 0.05:
        print(f"others used up to {busiest:.0%} of the machine meanwhile: read the ratios with care, not the speeds")
    if options.json:
        document = {
            "processor": processor(),
            "cores": os.cpu_count(),
            "threads": options.threads,
            "results": steps,
            "reading": tracks,
        }
        write(json.dumps(document, indent=2), options.json)
    if options.markdown:
        write(report.markdown(steps, tracks), options.markdown)
    return 1 if failed + unread else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Stopped as stopped:
        sys.exit(128 + stopped.args[0])

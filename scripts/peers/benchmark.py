"""Runs crnn-dist and its peers in turns on one machine and prints the ratios (see scripts/benchmark-peers)."""

import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BINARY = ROOT / ".build" / "release" / "crnn-dist"

STEPS = {"large-252": 8, "large-1024": 3, "small-252": 40}
"""Steps of one measurement; predictions, which are quicker, take three times as many."""


@dataclass(frozen=True)
class Peer:
    name: str
    script: str
    arguments: tuple = ()
    variants: tuple = ((),)
    """Ways to run it; the fastest in a short trial is the one compared."""
    ranks: int = 1
    predicts: bool = False
    cases: tuple = tuple(STEPS)


LAYOUTS = ((), ("--channels-last",))
PEERS = [
    Peer("keras", "keras_peer.py", variants=((), ("--jit",))),
    Peer("torch", "torch_peer.py", variants=LAYOUTS),
    Peer("torch-bf16", "torch_peer.py", ("--bf16",), LAYOUTS),
    Peer("torch-ddp", "torch_peer.py", ("--processes", "2"), LAYOUTS, 2, cases=("large-252", "small-252")),
    Peer("keras-predict", "keras_peer.py", ("--predict",), ((), ("--jit",)), predicts=True),
]


class Trouble(Exception):
    """A measurement that did not give a result; the message says which and why."""


def run(command):
    """The JSON a process prints last, with its largest resident memory (of the largest process it started)."""
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        environment = os.environ | {"PYTHONPATH": str(HERE)}
        if os.geteuid() == 0:
            environment |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
        process = subprocess.Popen(command, stdout=output, stderr=errors, env=environment, cwd=ROOT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0), errors.seek(0)
        text = output.read()
        if process.returncode != 0:
            raise Trouble(f"{' '.join(map(str, command))}\n{errors.read()[-2000:]}")
    try:
        found = json.loads(text[text.index("{") :])
    except ValueError as error:
        raise Trouble(f"{' '.join(map(str, command))}\nno JSON in what it printed: {text[-500:]!r}") from error
    found["peak_rss_bytes"] = usage.ru_maxrss * 1024
    return found


def ours(case, peer, options, steps):
    command = [options.binary, "benchmark", "step", "--config", ROOT / "configs" / f"{case}.yaml"]
    command += ["--batch-size", str(options.batch_size), "--threads", str(options.threads // peer.ranks)]
    command += ["--steps", str(steps), "--json"] + ["--inference"] * peer.predicts
    return (["mpirun", "-np", str(peer.ranks)] if peer.ranks > 1 else []) + command


def theirs(case, peer, variant, options, steps):
    command = [sys.executable, HERE / peer.script, "--case", case, "--batch", str(options.batch_size)]
    command += ["--threads", str(options.threads // peer.ranks), "--steps", str(steps)]
    return command + [*peer.arguments, *variant]


def best_variant(case, peer, options):
    """The peer's faster way here, by a short trial of each that works at all."""
    if len(peer.variants) == 1:
        return peer.variants[0]
    speeds, last = {}, None
    for variant in peer.variants:
        try:
            found = run(theirs(case, peer, variant, options, 1 if options.quick else max(2, STEPS[case] // 3)))
            speeds[variant] = found["songs_per_second"]
        except Trouble as trouble:
            last = trouble
    if not speeds:
        raise last
    return max(speeds, key=speeds.get)


def compare(case, peer, options):
    """Pairs of measurements, ours first and the peer's right after it, and what they come to."""
    steps = 1 if options.quick else STEPS[case] * (3 if peer.predicts else 1)
    variant = best_variant(case, peer, options)
    pairs = []
    for _ in range(1 if options.quick else options.pairs):
        load = os.getloadavg()[0]
        pairs.append((run(ours(case, peer, options, steps)), run(theirs(case, peer, variant, options, steps)), load))
    speeds = [(mine["songs_per_second"], other["songs_per_second"]) for mine, other, _ in pairs]
    ratios = [mine / other for mine, other in speeds]
    return {
        "case": case,
        "peer": peer.name,
        "variant": " ".join(variant),
        "ranks": peer.ranks,
        "threads_per_rank": options.threads // peer.ranks,
        "pairs": [{"ours": mine, "peer": other} for mine, other in speeds],
        "songs_per_second": {
            "ours": statistics.median(mine for mine, _ in speeds),
            "peer": statistics.median(other for _, other in speeds),
        },
        "ratio": {"min": min(ratios), "median": statistics.median(ratios), "max": max(ratios)},
        "peak_rss_bytes": {
            "ours": max(mine["peak_rss_bytes"] for mine, _, _ in pairs),
            "peer": max(other["peak_rss_bytes"] for _, other, _ in pairs),
        },
        "load_before": max(load for *_, load in pairs),
    }


HEADER = (
    f"{'case':<11} {'peer':<14} {'ours':>8} {'peer':>8}  {'ratio (min-median-max)':<24} {'RSS ours':>9} {'peer':>9}"
)


def show(found):
    speed, ratio = found["songs_per_second"], found["ratio"]
    memory = {key: f"{value / 2**30:.2f} GiB" for key, value in found["peak_rss_bytes"].items()}
    print(
        f"{found['case']:<11} {found['peer']:<14} {speed['ours']:>8.1f} {speed['peer']:>8.1f}  "
        f"{ratio['min']:.2f} - {ratio['median']:.2f} - {ratio['max']:.2f}       "
        f"{memory['ours']:>9} {memory['peer']:>9}  {found['variant']}",
        flush=True,
    )


def chosen(options):
    """Case and peer of each comparison asked for."""
    wanted = [only.partition(":")[::2] for only in options.only] or [("", "")]
    known = {*STEPS}, {peer.name for peer in PEERS}
    for case, peer in wanted:
        if case not in known[0] | {""} or peer not in known[1] | {""}:
            raise SystemExit(f"--only: cases are {sorted(known[0])}, peers {sorted(known[1])}, as in large-252:keras")
    return [
        (case, peer)
        for case in STEPS
        for peer in PEERS
        if case in peer.cases and any(c in ("", case) and p in ("", peer.name) for c, p in wanted)
    ]


def compare_steps(options):
    """The results of all comparisons asked for, shown as they come, and how many could not be made."""
    comparisons, table, failed = chosen(options), [], 0
    print(f"songs/s, batch {options.batch_size}, {options.threads} threads in all; medians", flush=True)
    print(HEADER)
    for case, peer in comparisons:
        try:
            table.append(compare(case, peer, options))
            show(table[-1])
        except Trouble as trouble:
            failed += 1
            print(f"{case:<11} {peer.name:<14} failed: {trouble}", flush=True)
    return table, failed


def main():
    parser = argparse.ArgumentParser(
        prog="scripts/benchmark-peers",
        description=__doc__,
        epilog="Example: scripts/benchmark-peers --only large-252:keras --only small-252 --json result.json",
    )
    parser.add_argument("--only", action="append", default=[], metavar="CASE[:PEER]", help="may be repeated")
    parser.add_argument("--pairs", type=int, default=3, help="measurements of each side (default 3)")
    parser.add_argument("--batch-size", type=int, default=32, help="songs of a step over all ranks (default 32)")
    parser.add_argument("--threads", type=int, default=2, help="threads over all ranks (default 2)")
    parser.add_argument("--quick", action="store_true", help="one pair of one step: tries the set-up, measures nothing")
    parser.add_argument("--binary", type=pathlib.Path, default=BINARY, help="another build of crnn-dist")
    parser.add_argument("--json", metavar="FILE", help="write the results, or - to print them")
    parser.add_argument("--read", metavar="MSD", help="compare reading of this tree of track files instead")
    options = parser.parse_args()
    if not options.binary.exists():
        raise SystemExit(f"{options.binary}: not there; run scripts/build first")
    options.binary = options.binary.resolve()
    if options.read:
        import reading

        table, failed = reading.compare(options, run), 0
    else:
        table, failed = compare_steps(options)
    if any(row.get("load_before", 0) > 1.5 for row in table):
        print("the machine was not idle before some measurements: read the ratios, not the speeds")
    if options.json:
        document = {"processor": platform.processor(), "cores": os.cpu_count(), "results": table}
        text = json.dumps(document, indent=2)
        print(text) if options.json == "-" else pathlib.Path(options.json).write_text(text + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Trouble as trouble:
        sys.exit(f"a measurement failed: {trouble}")

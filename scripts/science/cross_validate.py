"""Trains a network on all folds but one, judges it by that one, for every fold and seed; prints the figures out of fold.

  scripts/cross-validate SNAPSHOT OUT [--folds K] [--seeds S …] [options of train …]
  scripts/cross-validate songs.h5 cv --folds 5 --seeds 1 2 3 --ranks 2 --model small --epochs 20 --features timbre

The folds are by artist and the same for every seed (--split-seed). Each run is judged by its last epoch, never by the best
one: a best epoch would be chosen by the songs that it is reported on. What is done already is not done again, and a
run that was interrupted goes on: give the same line once more, or more seeds. OUT gets

  runs/seed-S-fold-K/       the runs
  folds/seed-S-fold-K.h5    each run's predictions
  seed-S.h5, mean.h5        out of fold: of each seed, and the mean of the seeds' probabilities
  table.md, tags.md         the figures with their 95 % intervals (bootstrap over artists)

As an array of jobs: `--task N` does the N-th run alone (from 1, folds first, then seeds), and the last to end prints the
table. The table comes last.
"""

import argparse
import shlex
import subprocess
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

import kept_settings  # noqa: E402
import launch  # noqa: E402
import predictions  # noqa: E402
import tables  # noqa: E402

OWN_OPTIONS = ("--data", "--out", "--folds", "--fold", "--seed", "--split", "--split-seed", "--resume", "--msd", "--lastfm")
STOPPED = 75


def parsed():
    parser = argparse.ArgumentParser(
        prog="scripts/cross-validate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False)
    parser.add_argument("snapshot", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--folds", type=int, default=5, metavar="K", help="default: 5")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1], metavar="S", help="default: 1")
    parser.add_argument("--split-seed", type=int, default=1, help="decides how artists fall into folds (default: 1)")
    parser.add_argument("--ranks", type=int, help="of each run, under mpirun; default: one, without mpirun")
    parser.add_argument("--task", type=int, metavar="N", help="do the N-th run alone")
    parser.add_argument("--resamples", type=int, default=1000, help="for the intervals (default: 1000)")
    arguments, options = parser.parse_known_args()
    for option in options:
        if option.split("=")[0] in OWN_OPTIONS:
            parser.error(f"{option} is set by the cross-validation itself")
    if arguments.folds < 2:
        parser.error(f"--folds {arguments.folds}: expected 2 or more")
    if len(set(arguments.seeds)) != len(arguments.seeds) or min(arguments.seeds) < 0:
        parser.error(f"--seeds {arguments.seeds}: expected different whole numbers from 0")
    if arguments.ranks is not None and arguments.ranks < 1:
        parser.error(f"--ranks {arguments.ranks}: expected 1 or more")
    runs = len(arguments.seeds) * arguments.folds
    if arguments.task is not None and not 1 <= arguments.task <= runs:
        parser.error(f"--task {arguments.task}: expected 1 to {runs}")
    if arguments.resamples < 100:
        parser.error(f"--resamples {arguments.resamples}: expected 100 or more")
    return arguments, options


def run(line):
    print("+ " + shlex.join(map(str, line)), flush=True)
    code = subprocess.run(list(map(str, line)), stdin=subprocess.DEVNULL, env=launch.environment()).returncode
    if code:
        what = "stopped; the same line goes on" if code == STOPPED else f"ended with {code}"
        print(f"scripts/cross-validate: {what}", file=sys.stderr)
        sys.exit(code if code > 0 else 128 - code)


def do(arguments, options, seed, fold):
    """Trains and judges one fold, unless that has been done."""
    name = f"seed-{seed}-fold-{fold}"
    judged = arguments.out / f"folds/{name}.h5"
    if judged.exists():
        print(f"{name}: done", flush=True)
        return
    folder = arguments.out / "runs" / name
    command = launch.command(arguments.ranks)
    run([*command, "train", "--data", arguments.snapshot, "--out", folder, "--resume", "--folds", arguments.folds,
         "--fold", fold, "--split-seed", arguments.split_seed, "--seed", seed, *options])
    checkpoints = sorted(folder.glob("checkpoints/epoch-*.h5"), key=lambda path: int(path.stem.split("-")[1]))
    if not checkpoints:
        sys.exit(f"{folder}: has no checkpoint")
    run([*command, "evaluate", "--checkpoint", checkpoints[-1], "--data", arguments.snapshot, "--split", "validation",
         "--resamples", 0, "--predictions", judged])


def pool(arguments):
    """Puts the folds together and prints the tables."""
    out, seeds = arguments.out, []
    for seed in arguments.seeds:
        folds = range(1, arguments.folds + 1)
        parts = [predictions.read(out / f"folds/seed-{seed}-fold-{fold}.h5") for fold in folds]
        split = f"out of fold, {arguments.folds} folds by artist"
        joined = predictions.joined(parts, list(folds), f"seed {seed}", split)
        predictions.write(joined, out / f"seed-{seed}.h5")
        seeds.append((f"seed {seed}", joined))
    together = predictions.mean([one for _, one in seeds], f"mean of {len(seeds)} seeds")
    predictions.write(together, out / "mean.h5")
    named = [*seeds, (f"mean of {len(seeds)} seeds", together)] if len(seeds) > 1 else seeds
    (out / "tags.md").write_text(tables.tags(together, arguments.resamples) + "\n")
    table = tables.methods(named, arguments.resamples)
    (out / "table.md").write_text(table + "\n")
    print(f"\nout of fold, {arguments.folds} folds by artist, each run's last epoch; each tag: {out / 'tags.md'}\n\n{table}")


def main():
    arguments, options = parsed()
    if not arguments.snapshot.exists():
        sys.exit(f"{arguments.snapshot}: not there")
    try:
        (arguments.out / "folds").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        sys.exit(f"{arguments.out}: cannot be written in: {error}")
    kept_settings.keep(arguments.out, {
        "snapshot": str(arguments.snapshot.resolve()), "folds": arguments.folds, "split_seed": arguments.split_seed,
        "options": options})
    runs = [(seed, fold) for seed in arguments.seeds for fold in range(1, arguments.folds + 1)]
    for seed, fold in runs if arguments.task is None else [runs[arguments.task - 1]]:
        do(arguments, options, seed, fold)
    left = [name for name in (f"seed-{seed}-fold-{fold}" for seed, fold in runs)
            if not (arguments.out / f"folds/{name}.h5").exists()]
    if left:
        print(f"{len(left)} of {len(runs)} runs are still to be done: {', '.join(left)}")
        return
    pool(arguments)


if __name__ == "__main__":
    main()

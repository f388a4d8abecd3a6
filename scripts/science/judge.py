"""Figures with 95 % intervals of files of predictions, as evaluate, cross-validate and baseline write them.

  scripts/judge cv/mean.h5 base/kernel-ridge.h5
  scripts/judge cv/mean.h5 --against base/kernel-ridge.h5     and by how much the first are better on the songs of both
  scripts/judge cv/mean.h5 --mean-with base/kernel-ridge.h5   and what the mean of their probabilities reaches
  scripts/judge cv/mean.h5 --tags                             and each tag
"""

import argparse
import sys

import predictions
import tables


def main():
    parser = argparse.ArgumentParser(
        prog="scripts/judge", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--against", metavar="FILE")
    parser.add_argument("--mean-with", metavar="FILE")
    parser.add_argument("--tags", action="store_true", help="a table of each file's tags too")
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.resamples < 100:
        parser.error(f"--resamples {arguments.resamples}: expected 100 or more")
    named = [(path, predictions.read(path)) for path in arguments.files]
    chance = (arguments.resamples, arguments.seed)
    if arguments.mean_with:
        other = predictions.read(arguments.mean_with)
        named += [(f"mean of {path} and {arguments.mean_with}", predictions.mean([one, other], path)) for path, one in named]
    if arguments.tags:
        for name, one in named:
            print(f"{name}:\n\n{tables.tags(one, *chance)}\n")
    print(tables.methods(named, *chance))
    if arguments.against:
        other = predictions.read(arguments.against)
        if not set(named[0][1].track_ids) & set(other.track_ids):
            sys.exit(f"{arguments.against}: has no song of {arguments.files[0]}")
        print("\n" + tables.differences(named, (arguments.against, other), *chance))


if __name__ == "__main__":
    main()

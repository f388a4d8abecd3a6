"""Repeats the table of docs/science.md: the recommended network beside the paper's small one and the simple methods, on songs
of artists that none of them has learnt from.

  scripts/methods-table OUT --tracks MSD/data [more …] --lastfm lastfm_subset
  scripts/methods-table OUT --tracks MSD/data --lastfm lastfm_subset --ablations   and what each part is worth, one seed

Makes the snapshots, trains every fold of every seed, learns the simple methods on the same folds, and prints the figures with
95 % intervals, and by how much the recommended network is better. What is done is not done again: the same line goes on
where it was interrupted. The tables come last, and stand in OUT/table.md.
"""

import argparse
import shlex
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))

import kept_settings  # noqa: E402
import predictions  # noqa: E402
import tables  # noqa: E402
from launch import BINARY, ROOT, environment  # noqa: E402

RECOMMENDED = ["--config", str(ROOT / "configs/recommended.yaml"), "--checkpoint-every", "60"]
WITH_CONVOLUTIONS = [
    "--config", str(ROOT / "configs/recommended-with-convolutions.yaml"), "--checkpoint-every", "40"]
SMALL = ["--model", "small", "--features", "both", "--segments", "252", "--crop", "random", "--epochs", "20",
         "--checkpoint-every", "20"]
ABLATIONS = {
    "with nothing learnt of artists": ["--config", str(ROOT / "configs/recommended-without-terms.yaml")],
    "without the artists that they are like": [*RECOMMENDED, "--auxiliary", "artist-terms:100"],
    "with exponential linear units": [*RECOMMENDED, "--dense-activation", "elu"],
    "with 512 units in the first layer": [*RECOMMENDED, "--dense-units", "[512, 256]"],
    "with 40 epochs": [*RECOMMENDED, "--epochs", "40"],
    "with the moments that tell the key": [*RECOMMENDED, "--features", "moments"],
    "with convolutions and a GRU beside": WITH_CONVOLUTIONS,
    "convolutions and a GRU alone": [*WITH_CONVOLUTIONS, "--features", "pitches,timbre,loudness,duration,confidence"],
}


def parsed():
    parser = argparse.ArgumentParser(
        prog="scripts/methods-table", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--tracks", type=Path, nargs="+", required=True, metavar="PATH",
                        help="track files: trees, aggregates, lists of these")
    parser.add_argument("--lastfm", type=Path, required=True, metavar="PATH", help="the Last.fm tags")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], metavar="S", help="default: 1 2 3")
    parser.add_argument("--ablations", action="store_true", help="also what each part is worth, by one seed each")
    parser.add_argument("--resamples", type=int, default=1000)
    return parser.parse_args()


def run(*line):
    print("+ " + shlex.join(map(str, line)), flush=True)
    code = subprocess.run(list(map(str, line)), stdin=subprocess.DEVNULL, env=environment()).returncode
    if code:
        sys.exit(code if code > 0 else 128 - code)


def prepare(arguments):
    """A snapshot of everything, and one of the songs with tags for the simple methods."""
    songs = arguments.out / "songs.txt"
    songs.write_text("".join(f"{path.resolve()}\n" for path in arguments.tracks))
    everything, tagged = arguments.out / "songs.h5", arguments.out / "tagged.h5"
    common = [BINARY, "prepare", "--msd", songs, "--lastfm", arguments.lastfm, "--join", "normalised"]
    # Whole songs, of which training takes those of at least 252 segments; the simple methods take whole songs from the files.
    for path, options in ((everything, ["--segments", "all", "--features", "all", "--keep-untagged", "--auxiliary",
                                        "artist-terms,similar-artists"]),
                          (tagged, ["--segments", "252", "--features", "both"])):
        if not path.exists():
            run(*common, *options, "--out", path)
    return everything, tagged


def cross_validate(arguments, snapshot, name, seeds, options):
    out = arguments.out / name
    run(sys.executable, HERE / "cross_validate.py", snapshot, out, "--folds", 5, "--seeds", *seeds, *options)
    return predictions.read(out / ("mean.h5" if len(seeds) > 1 else f"seed-{seeds[0]}.h5")), out


def main():
    arguments = parsed()
    if missing := [path for path in (*arguments.tracks, arguments.lastfm) if not path.exists()]:
        sys.exit(f"{missing[0]}: not there")
    arguments.out.mkdir(parents=True, exist_ok=True)
    kept_settings.keep(arguments.out, {
        "tracks": [str(path.resolve()) for path in arguments.tracks], "lastfm": str(arguments.lastfm.resolve())})
    everything, tagged = prepare(arguments)
    recommended, folder = cross_validate(arguments, everything, "recommended", arguments.seeds, RECOMMENDED)
    rows = [("recommended, mean of the seeds", recommended)]
    rows += [(f"recommended, seed {seed}", predictions.read(folder / f"seed-{seed}.h5")) for seed in arguments.seeds]
    small, _ = cross_validate(arguments, everything, "small", arguments.seeds, SMALL)
    rows.append(("the paper's small network", small))
    base = arguments.out / "baseline"
    if not (base / "kernel-ridge-terms.h5").exists():
        run(sys.executable, HERE / "baseline.py", tagged, "--folds-of", folder / f"seed-{arguments.seeds[0]}.h5", "--tracks",
            *arguments.tracks, "--out", base)
    simple = [("kernel ridge with predicted terms", predictions.read(base / "kernel-ridge-terms.h5")),
              ("kernel ridge on the 453 moments", predictions.read(base / "kernel-ridge.h5")),
              ("logistic regression on moments of timbre", predictions.read(base / "logistic-regression.h5"))]
    parts = []
    if arguments.ablations:
        for name, options in ABLATIONS.items():
            seed = arguments.seeds[:1]
            parts.append((name, cross_validate(arguments, everything, name.replace(" ", "-"), seed, options)[0]))
    text = tables.methods(rows + simple, arguments.resamples)
    for other in [rows[-1], *simple]:
        text += "\n\n" + tables.differences(rows[:1], other, arguments.resamples)
    if parts:
        text += "\n\n" + tables.methods(parts, arguments.resamples)
        text += "\n\n" + tables.differences(parts, rows[1], arguments.resamples)
    (arguments.out / "table.md").write_text(text + "\n")
    print("\n" + text)


if __name__ == "__main__":
    main()

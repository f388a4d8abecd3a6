"""Measures `predict` on many track files: songs a second beside h5py and Keras in turn, resident memory of two sizes, and
what becomes of a file whose making is killed again and again.

  scripts/measure-prediction FOLDER                        100,000 songs, made in FOLDER (25 GB), 2 ranks
  scripts/measure-prediction FOLDER --songs 10000 --peer-songs 2000 --pairs 3

Makes songs in the real ones' format, trains the small network on some of them for an epoch, and tags all: CSV, five tags a song.
Each pair of measurements is ours on all songs and the peer's on some: it reads with h5py and judges batches of 256 with
`model.predict`, and writes nothing. Then the launcher is killed (SIGKILL, with its ranks) at five random moments, the same line being given
again each time; the file is compared with the undisturbed one. What is made in FOLDER stays, for the next time. Ends with 1 where
songs are lost or other lines come out, or where the run was over before all kills.
"""

import argparse
import csv
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from measured import BINARY, HERE, ROOT, Stopped, Trouble, environment, run, run_together, stop_on_signals

TRAINED = 2000


def parsed():
    parser = argparse.ArgumentParser(
        prog="scripts/measure-prediction", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--songs", type=int, default=100_000)
    parser.add_argument("--peer-songs", type=int, default=5_000, help="the peer is given so many, to spare time (default: 5000)")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1, help="decides when is killed")
    arguments = parser.parse_args()
    if min(arguments.songs, arguments.peer_songs, arguments.pairs, arguments.ranks) < 1 or arguments.kills < 0:
        parser.error("numbers of songs, pairs and ranks are at least 1, of kills 0")
    # Commands run in the project's folder.
    arguments.folder = arguments.folder.resolve()
    return arguments


def make(arguments):
    """Songs, a checkpoint and its weights for Keras."""
    folder = arguments.folder
    trained, songs = folder / "trained", folder / f"songs-{arguments.songs}"
    checkpoint, weights = trained / "run/checkpoints/best.h5", trained / "tagger.weights.h5"
    mpirun = ["mpirun", "-np", arguments.ranks, BINARY]
    if not weights.exists():
        run_together([[BINARY, "synthesize", "--out", trained / "songs", "--songs", TRAINED]])
        run_together([[*mpirun, "train", "--msd", trained / "songs/msd", "--lastfm", trained / "songs/lastfm", "--config",
                       ROOT / "configs/small-252.yaml", "--epochs", 1, "--out", trained / "run"]])
        run_together([[BINARY, "export", "--checkpoint", checkpoint, "--format", "keras", "--out", weights]])
    if not (songs / "synthesis.json").exists():
        run_together([[*mpirun, "synthesize", "--out", songs, "--songs", arguments.songs]])
    return checkpoint, weights, songs / "msd"


def predict(arguments, checkpoint, source, out):
    return ["mpirun", "-np", arguments.ranks, BINARY, "predict", "--checkpoint", checkpoint, source, "--out", out, "--threads", 1]


def timed(command):
    """Seconds of a command, and the largest resident memory of a process that it started."""
    start = time.monotonic()
    (process,), _ = run_together([command])
    return time.monotonic() - start, process.usage.ru_maxrss * 1024


def rows(path):
    with open(path, newline="") as file:
        return list(csv.reader(file))


def compare(arguments, checkpoint, weights, tree):
    """Prints the pairs; returns the seconds that ours took last."""
    ratios = []
    for number in range(arguments.pairs):
        out = arguments.folder / f"tags-{number}.csv"
        out.unlink(missing_ok=True)
        seconds, memory = timed(predict(arguments, checkpoint, tree, out))
        peer = run([sys.executable, HERE / "predict_peer.py", weights, tree, "--songs", arguments.peer_songs])
        speed = arguments.songs / seconds
        ratios.append(speed / peer["songs_per_second"])
        print(f"pair {number + 1}: {speed:.0f} songs/s in all, {memory / 2**20:.0f} MiB the largest rank; h5py and Keras "
              f"{peer['songs_per_second']:.0f} songs/s ({peer['reading_share']:.0%} of it reading), "
              f"{peer['peak_rss_bytes'] / 2**20:.0f} MiB; ratio {ratios[-1]:.1f}", flush=True)
    ratios.sort()
    print(f"ratio, smallest, median, largest: {ratios[0]:.1f} – {ratios[len(ratios) // 2]:.1f} – {ratios[-1]:.1f}")
    return seconds


def memory_of_fewer(arguments, checkpoint, tree):
    """The same of a tenth of the songs."""
    fewer = arguments.folder / "tenth.txt"
    files = sorted(tree.rglob("*.h5"))[: max(1, arguments.songs // 10)]
    fewer.write_text("".join(f"{path}\n" for path in files))
    out = arguments.folder / "tenth.csv"
    out.unlink(missing_ok=True)
    _, memory = timed(predict(arguments, checkpoint, fewer, out))
    print(f"{len(files)} songs: {memory / 2**20:.0f} MiB the largest rank")


def kill_again_and_again(arguments, checkpoint, tree, seconds):
    out = arguments.folder / "killed.csv"
    for leftover in arguments.folder.glob("killed.csv*"):
        leftover.unlink() if leftover.is_file() else subprocess.run(["rm", "-r", leftover], check=True)
    chance = random.Random(arguments.seed)
    line = list(map(str, predict(arguments, checkpoint, tree, out)))
    kills = 0
    for _ in range(arguments.kills):
        process = subprocess.Popen(line, env=environment(), start_new_session=True, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            time.sleep(chance.uniform(0.05, 0.6 / max(1, arguments.kills)) * seconds + 1)
            if process.poll() is not None:
                break
            kills += 1
        finally:
            # It leads a group of its own, which an interrupt from the terminal does not reach.
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        # Ranks are in groups of their own and end when their launcher has gone.
        time.sleep(2)
    if not out.exists():
        run_together([line])
    return nothing_is_lost(rows(arguments.folder / "tags-0.csv"), rows(out), kills, arguments.kills)


def nothing_is_lost(whole, killed, kills, wanted):
    """Whether rows after kills are those of the undisturbed run, and there were as many kills as wanted; says so."""
    ids = [row[0] for row in killed[1:]]
    same = sorted(killed[1:]) == sorted(whole[1:]) and killed[0] == whole[0]
    print(f"after {kills} kills: {len(ids)} songs, {len(set(ids))} different, "
          f"{'the same lines as undisturbed' if same else 'NOT the lines of the undisturbed run'}")
    if kills < wanted:
        print(f"the run was over after {kills} of {wanted} kills, which shows nothing: name more --songs, or fewer --kills")
    return same and len(set(ids)) == len(ids) and kills == wanted


def main():
    arguments = parsed()
    stop_on_signals()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    checkpoint, weights, tree = make(arguments)
    seconds = compare(arguments, checkpoint, weights, tree)
    memory_of_fewer(arguments, checkpoint, tree)
    return 0 if kill_again_and_again(arguments, checkpoint, tree, seconds) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Stopped as stopped:
        sys.exit(128 + stopped.args[0])
    except Trouble as trouble:
        sys.exit(f"scripts/measure-prediction: a command failed: {trouble}")

"""Tracks a second from files in the page cache: crnn-dist, h5py, and the way of the data set's Python getters."""

import statistics
import sys

from measured import HERE, run


SEGMENTS = 252
"""What each side reads of a song."""


def compare(options):
    """Pairs of `benchmark read` and each Python way, over all files below the given tree."""
    mine = [options.binary, "benchmark", "read", "--msd", options.read, "--segments", SEGMENTS, "--json"]
    run(mine)  # brings the files into the page cache
    table = []
    print(f"{'peer':<10} {'ours':>9} {'peer':>9}  ratio (min-median-max), tracks/s, one rank", flush=True)
    for peer in ("h5py", "getters"):
        pairs = []
        for _ in range(1 if options.quick else options.pairs):
            other = run([sys.executable, HERE / "read_peer.py", "--way", peer, "--msd", options.read, "--segments", SEGMENTS])
            pairs.append((run(mine)["tracks_per_second"], other["tracks_per_second"]))
        ratios = sorted(ours / theirs for ours, theirs in pairs)
        middle = [statistics.median(values) for values in zip(*pairs)]
        table.append(
            {
                "peer": peer,
                "pairs": [{"ours": ours, "peer": theirs} for ours, theirs in pairs],
                "tracks_per_second": {"ours": middle[0], "peer": middle[1]},
                "ratio": {"min": ratios[0], "median": statistics.median(ratios), "max": ratios[-1]},
            }
        )
        print(
            f"{peer:<10} {middle[0]:>9.0f} {middle[1]:>9.0f}  "
            f"{ratios[0]:.1f} – {statistics.median(ratios):.1f} – {ratios[-1]:.1f}",
            flush=True,
        )
    return table

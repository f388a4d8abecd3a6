"""Measures all works in turns, pair by pair, and what the pairs come to."""

import statistics
import sys
from collections import defaultdict

from measured import Trouble


def measure(works, place, options):
    """The results of each work; ours against PyTorch's, with the largest share of the machine that others used; and how many
    works could not be measured."""
    works, failed = tried_out(works, place)
    together, apart, carried = defaultdict(list), defaultdict(list), defaultdict(list)
    busiest = 0.0
    for number in range(1, options.pairs + 1):
        for work in works:
            if len(apart[work.alone]) < number:
                single = work.apart(place)
                apart[work.alone].append(single.songs_per_second)
                busiest = max(busiest, single.others_share)
            figures, bytes_a_step = work.together(place)
            together[work.name].append(figures.songs_per_second)
            carried[work.name].append(bytes_a_step)
            busiest = max(busiest, figures.others_share)
            told(f"pair {number}: {work.name}: {figures.songs_per_second:.1f} of {apart[work.alone][-1]:.1f} songs/s")
    if busiest > 0.05:
        told(f"others used up to {busiest:.0%} of the machine meanwhile: read the ratios with care, not the speeds")
    results = [result(work, together[work.name], apart[work.alone], carried[work.name], place, options)
               for work in works]
    return results, {"against_ddp": against_peers(works, together), "others_share": busiest}, failed


def tried_out(works, place):
    """Those that can be done here, and how many others there are that should have been."""
    able, failed = [], 0
    for work in works:
        try:
            work.try_out(place)
            able.append(work)
        except Trouble as trouble:
            failed += 1
            told(f"{work.title}: cannot be measured: {cause(trouble)}")
    if not able:
        raise Trouble("there is nothing that can be measured")
    return able, failed


def cause(trouble):
    """What crnn-dist itself complains of, without the launcher's talk around it; else all that was said."""
    complaints = [line for line in str(trouble).splitlines() if line.startswith("crnn-dist: ")]
    return "\n".join(complaints) or trouble


def told(line):
    print(line, file=sys.stderr, flush=True)


def summary(values):
    return {"min": min(values), "median": statistics.median(values), "max": max(values)}


def result(work, together, apart, carried, place, options):
    speed = statistics.median(together)
    seconds = place.ranks * options.songs_per_rank / speed
    found = {
        "name": work.name,
        "title": work.title,
        "pairs": [{"together": both, "apart": single} for both, single in zip(together, apart)],
        "songs_per_second": {"together": summary(together), "apart": summary(apart)},
        "ratio": summary([both / single for both, single in zip(together, apart)]),
        "step_seconds": seconds,
        "bytes_a_step": None,
        "share_of_rate": None,
    }
    if None not in carried:
        found["bytes_a_step"] = statistics.median(carried)
        if options.bits_per_second:
            found["share_of_rate"] = found["bytes_a_step"] * 8 / seconds / options.bits_per_second
    return found


def against_peers(works, together):
    """Songs/s of each of ours over each of the peer's, pair by pair: the peer's time of a step over ours."""
    ours = [work for work in works if work.name.startswith("ours")]
    peers = [work for work in works if not work.name.startswith("ours")]
    return [
        {
            "ours": work.title,
            "peer": peer.title,
            "ratio": summary([mine / other for mine, other in zip(together[work.name], together[peer.name])]),
        }
        for work in ours
        for peer in peers
    ]

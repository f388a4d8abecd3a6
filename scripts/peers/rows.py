"""The comparisons: which peers there are, how each side is started, and pairs of measurements of the two."""

import statistics
import sys
from dataclasses import dataclass

from measured import HERE, ROOT, Trouble, run

STEPS = {"large-252": 8, "large-1024": 3, "small-252": 40, "choi2016": 2, "recommended": 300}
"""Steps of one measurement of a case; predictions, which are quicker, take three times as many."""
BATCHES = {"recommended": 64}
"""Songs of a step, where they are not 32."""


@dataclass(frozen=True)
class Peer:
    name: str
    title: str
    script: str | None
    """None: crnn-dist itself, otherwise started."""
    arguments: tuple = ()
    variants: tuple = ((),)
    """Ways to run it; the fastest in a short trial is the one compared."""
    ranks: int = 1
    threads: int | None = None
    """Threads of the peer where it is not to have as many as ours."""
    predicts: bool = False
    cases: tuple = ("large-252", "large-1024", "small-252", "choi2016")


LAYOUTS = ((), ("--channels-last",))
COMPILED = tuple(("--compile", *layout) for layout in LAYOUTS)
KERAS = ((), ("--jit",), ("--unroll",))
SHORT = ("large-252", "small-252")
ALL = tuple(STEPS)
PEERS = [
    Peer("keras", "Keras / TensorFlow fp32", "keras_peer.py", variants=KERAS),
    Peer("torch", "PyTorch fp32, better layout", "torch_peer.py", variants=LAYOUTS, cases=ALL),
    Peer("torch-bf16", "PyTorch bf16 autocast, better layout", "torch_peer.py", ("--bf16",), LAYOUTS, cases=ALL),
    Peer("torch-compile", "PyTorch fp32, torch.compile", "torch_peer.py", (), COMPILED, cases=(*SHORT, "recommended")),
    Peer("torch-ddp", "PyTorch DDP fp32", "torch_peer.py", ("--processes", "2"), LAYOUTS, 2, cases=SHORT),
    Peer(
        "torch-ddp-bf16", "PyTorch DDP bf16", "torch_peer.py", ("--processes", "2", "--bf16"), LAYOUTS, 2, cases=SHORT
    ),
    Peer("keras-predict", "Keras predict", "keras_peer.py", ("--predict",), KERAS, predicts=True),
    Peer("one-thread", "crnn-dist with one thread", None, threads=1),
    Peer("one-rank", "crnn-dist, one rank with all threads", None, ranks=2, cases=SHORT),
]


def batch_size(case, options):
    return options.batch_size or BATCHES.get(case, 32)


def ours(case, peer, options, steps, ranks=None, threads=None):
    """crnn-dist's command for a row: one process, or ranks that share the threads."""
    ranks = ranks or peer.ranks
    own = threads or options.threads // ranks
    command = [options.binary, "benchmark", "step", "--config", ROOT / "configs" / f"{case}.yaml", "--no-profile"]
    command += ["--batch-size", batch_size(case, options), "--threads", own]
    command += ["--steps", steps, "--json"] + ["--inference"] * peer.predicts
    # By itself mpirun binds each of two ranks to one core, whatever threads it has. More threads than cores are allowed, as the
    # peer is allowed them.
    launcher = ["mpirun", "-np", ranks, "--map-by", f"slot:PE={own}", "--bind-to", "core:overload-allowed"]
    return (launcher if ranks > 1 else []) + command


def theirs(case, peer, variant, options, steps):
    """The peer's command for a row."""
    if peer.script is None:
        return ours(case, peer, options, steps, ranks=1, threads=peer.threads)
    command = [sys.executable, HERE / peer.script, "--case", case, "--batch", batch_size(case, options)]
    command += ["--threads", options.threads // peer.ranks, "--steps", steps]
    return command + [*peer.arguments, *variant]


def best_variant(case, peer, options):
    """The peer's fastest way here, by a short trial of each that works at all, and the trials' speeds."""
    if len(peer.variants) == 1:
        return peer.variants[0], {}
    speeds, last = {}, None
    for variant in peer.variants:
        try:
            found = run(theirs(case, peer, variant, options, 1 if options.quick else max(2, STEPS[case] // 3)))
            speeds[variant] = found["songs_per_second"]
        except Trouble as trouble:
            last = trouble
    if not speeds:
        raise last
    return max(speeds, key=speeds.get), {" ".join(variant) or "plain": speed for variant, speed in speeds.items()}


def summary(values):
    return {"min": min(values), "median": statistics.median(values), "max": max(values)}


def compare(case, peer, options):
    """Measurements in turns, ours and then the peer's, and what they come to pair by pair."""
    if options.threads % peer.ranks:
        raise Trouble(f"{options.threads} threads cannot be shared by {peer.ranks} ranks")
    steps = 1 if options.quick else STEPS[case] * (3 if peer.predicts else 1)
    variant, trials = best_variant(case, peer, options)
    pairs = [
        (run(ours(case, peer, options, steps)), run(theirs(case, peer, variant, options, steps)))
        for _ in range(1 if options.quick else options.pairs)
    ]
    speeds = [(mine["songs_per_second"], other["songs_per_second"]) for mine, other in pairs]
    sides = dict(zip(("ours", "peer"), zip(*pairs)))
    return {
        "case": case,
        "peer": peer.name,
        "title": peer.title,
        "variant": " ".join(variant),
        "trials": trials,
        "versions": pairs[0][1].get("versions", {}),
        "batch_size": batch_size(case, options),
        "ranks": peer.ranks,
        "threads_per_rank": options.threads // peer.ranks,
        "pairs": [{"ours": mine, "peer": other} for mine, other in speeds],
        "songs_per_second": {
            side: statistics.median(found["songs_per_second"] for found in runs) for side, runs in sides.items()
        },
        "ratio": summary([mine / other for mine, other in speeds]),
        "peak_rss_bytes": {side: max(found["peak_rss_bytes"] for found in runs) for side, runs in sides.items()},
        "others_share": max(found["others_share"] for pair in pairs for found in pair),
    }


def chosen(only):
    """Case and peer of each comparison asked for, such as large-252:keras, small-252 or :keras."""
    wanted = [text.partition(":")[::2] for text in only] or [("", "")]
    names = {peer.name for peer in PEERS}
    for case, peer in wanted:
        if case not in {*STEPS, ""} or peer not in names | {""}:
            known = f"cases are {sorted(STEPS)}, peers {sorted(names)}"
            raise SystemExit(f"--only: {known}, as in large-252:keras or :keras")
    return [
        (case, peer)
        for case in STEPS
        for peer in PEERS
        if case in peer.cases and any(c in ("", case) and p in ("", peer.name) for c, p in wanted)
    ]

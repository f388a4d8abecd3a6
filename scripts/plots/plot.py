"""Draws the distribution of songs over lengths, or the curves of a run. scripts/plot calls it."""

import argparse
import json
import sys
import textwrap
from pathlib import Path

import h5py
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
import numpy  # noqa: E402

PAPER = (252, 512, 1024)
# Told apart by colour-blind eyes (Okabe and Ito).
READ, TAGGED, TRAINING, VALIDATION = "#bbbbbb", "#0072b2", "#d55e00", "#0072b2"


def fail(message, code):
    print(f"plot: error: {message}", file=sys.stderr)
    sys.exit(code)


def plain(axes):
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e5e5e5", linewidth=0.8)
    axes.set_axisbelow(True)


def read_distribution(path):
    """Songs by segments; those with a tag only where tags were asked for."""
    try:
        with open(path, "rb") as file:
            is_text = file.read(64).lstrip().startswith(b"{")
        counts = counts_of_json(path) if is_text else counts_of_snapshot(path)
    except FileNotFoundError:
        fail(f"{path}: no such file", 66)
    except (OSError, KeyError, TypeError, ValueError) as error:
        fail(f"{path}: neither a snapshot nor what inspect --json says of songs: {error}", 65)
    if counts["read"].sum() == 0:
        fail(f"{path}: no song in it", 65)
    return counts


def counts_of_snapshot(path):
    with h5py.File(path, "r", locking=False) as file:
        return {name: file[f"distribution/{name}"][:].astype(int) for name in ("segments", "read", "tagged")}


def counts_of_json(path):
    rows = json.loads(path.read_text("utf-8"))["distribution"]["songs_by_segments"]
    return {name: numpy.array([row[name] for row in rows], dtype=int)
            for name in ("segments", "read", "tagged") if not rows or name in rows[0]}


def draw_distribution(path, out):
    counts = read_distribution(path)
    lengths = counts["segments"]
    order = numpy.repeat(lengths, counts["read"])
    end = max(PAPER[-1] * 1.1, numpy.quantile(order, 0.995))
    edges = numpy.linspace(0, end, 50)
    figure, (histogram, left) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    inside = lengths <= end
    kinds = [kind for kind in (("read", READ, "read"), ("tagged", TAGGED, "joined, with a tag")) if kind[0] in counts]
    last = kinds[-1][0]
    for name, colour, label in kinds:
        histogram.hist(lengths[inside], edges, weights=counts[name][inside], color=colour, label=label)
        songs = numpy.array([counts[name][lengths >= threshold].sum() for threshold in edges])
        left.plot(edges, songs, color=TAGGED if name == last else "#777777", label=label)
    histogram.set(xlabel="segments of a song", ylabel="songs", xlim=(0, end), title="How long songs are")
    left.set(xlabel="segments asked for (L)", ylabel="songs left", xlim=(0, end), title="What a length leaves")
    left.set_ylim(0)
    facts = []
    for length in PAPER:
        songs = counts[last][lengths >= length].sum()
        left.plot([length], [songs], "o", color=TAGGED, markersize=5)
        facts.append(f"L = {length}: {songs:,} songs")
    left.text(0.97, 0.72, "\n".join(facts), transform=left.transAxes, ha="right", va="top", color=TAGGED)
    for axes in (histogram, left):
        plain(axes)
        axes.legend(frameon=False, loc="upper right")
    beyond = int(counts["read"][~inside].sum())
    figure.suptitle(f"{path.name}: {counts['read'].sum():,} songs read, median {int(numpy.median(order))} segments"
                    + (f"; {beyond} longer than shown" if beyond else ""), fontsize=10)
    figure.savefig(out, dpi=150)


def read_epochs(run):
    path = run / "metrics.jsonl" if run.is_dir() else run
    try:
        lines = path.read_text("utf-8").splitlines()
    except OSError as error:
        fail(f"{path}: {error.strerror}", 66)
    except UnicodeDecodeError:
        fail(f"{path}: not a run's metrics.jsonl, which is text: expected a run's folder", 65)
    epochs = []
    for number, line in enumerate(lines, start=1):
        try:
            event = json.loads(line)
        except ValueError:
            if number == len(lines):
                continue  # A run that is going on may be writing it.
            fail(f"{path}: line {number} is not JSON", 65)
        if not isinstance(event, dict):
            fail(f"{path}: line {number} is no object, expected a run's metrics.jsonl", 65)
        if event.get("event") == "epoch":
            epochs.append(event)
    if not epochs:
        fail(f"{path}: no epoch in it yet", 65)
    return epochs


def draw_curves(run, out):
    epochs = read_epochs(run)
    numbers = [epoch["epoch"] for epoch in epochs]
    figure, (loss, auc) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")

    def curve(axes, key, label, colour, style="-"):
        # What is undefined leaves a gap.
        values = [epoch.get(key) if epoch.get(key) is not None else numpy.nan for epoch in epochs]
        axes.plot(numbers, values, style, color=colour, label=label, marker="o" if len(numbers) < 20 else None,
                  markersize=3.5)
        return numpy.array(values, dtype=float)

    curve(loss, "train_loss", "training (dropout on)", TRAINING)
    curve(loss, "val_loss", "validation", VALIDATION)
    training = curve(auc, "train_auc", "training", TRAINING)
    validation = curve(auc, "val_auc_macro", "validation", VALIDATION)
    curve(auc, "val_auc_micro", "validation, micro", VALIDATION, ":")
    auc.fill_between(numbers, training, validation, where=training > validation, color=TRAINING, alpha=0.12,
                     linewidth=0, label="overfitting")
    loss.set(xlabel="epoch", ylabel="binary cross-entropy", title="Loss")
    auc.set(xlabel="epoch", ylabel="ROC-AUC, mean over tags", title="AUC")
    for axes in (loss, auc):
        plain(axes)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=4)
    if not numpy.all(numpy.isnan(validation)):
        best = int(numpy.nanargmax(validation))
        auc.plot([numbers[best]], [validation[best]], "o", color=VALIDATION, markersize=7, fillstyle="none")
        figure.suptitle(f"{run.resolve().name}: best validation AUC {validation[best]:.4f} in epoch {numbers[best]}, "
                        f"training AUC there {training[best]:.4f}", fontsize=10)
    figure.savefig(out, dpi=150)


# Comparison of runs

# What runs of one kind may differ in.
CHANCE = {"seed", "split_seed", "fold", "threads", "data", "memory", "checkpoint_every", "keep_checkpoints", "log_every"}
COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"]


def settings(run):
    """What config.yaml says, but for chance: text by key."""
    try:
        lines = (run / "config.yaml").read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{run}/config.yaml: {getattr(error, 'strerror', error)}: expected a run's folder", 66)
    pairs = [line.split(":", 1) for line in lines if ":" in line and not line.startswith(("#", " "))]
    return {key.strip(): value.strip() for key, value in pairs if key.strip() not in CHANCE}


def kinds_of(runs):
    """Runs alike but for chance, by a name that tells in what the kinds differ."""
    all_settings = {run: settings(run) for run in runs}
    keys = sorted({key for each in all_settings.values() for key in each})
    telling = [key for key in keys if len({each.get(key) for each in all_settings.values()}) > 1]
    kinds = {}
    for run, each in all_settings.items():
        name = ", ".join(f"{key} {each.get(key, 'default')}" for key in telling) or "all runs"
        kinds.setdefault(name, []).append(run)
    return kinds


def draw_comparison(runs, out):
    figure, (curves, best) = plt.subplots(
        1, 2, figsize=(11, 4.2), layout="constrained", gridspec_kw={"width_ratios": [3, 2]})
    kinds = kinds_of(runs)
    for place, (name, members) in enumerate(kinds.items()):
        colour = COLOURS[place % len(COLOURS)]
        values = [{epoch["epoch"]: epoch.get("val_auc_macro") for epoch in read_epochs(run)} for run in members]
        numbers = sorted(set.intersection(*(set(each) for each in values)))
        table = numpy.array([[each[number] for number in numbers] for each in values], dtype=float)
        tops = numpy.array([max((value for value in each.values() if value is not None), default=numpy.nan)
                            for each in values])
        if not numbers or numpy.isnan(tops).any():
            fail(f"{members[0]}: no validation AUC in common with the runs like it", 65)
        mean, spread = table.mean(axis=0), table.std(axis=0, ddof=1 if len(members) > 1 else 0)
        # What a run alone of its kind differs in, which may be every setting, is printed; its folder names it.
        label = members[0].resolve().name if len(members) == 1 else f"{name} ({len(members)} runs)"
        curves.plot(numbers, mean, color=colour, label=textwrap.fill(label, 100))
        curves.fill_between(numbers, mean - spread, mean + spread, color=colour, alpha=0.18, linewidth=0)
        best.plot([place] * len(tops), tops, "o", color=colour, alpha=0.5, markersize=5)
        error = tops.std(ddof=1) if len(tops) > 1 else 0
        best.errorbar([place], [tops.mean()], [error], color=colour, marker="_", markersize=18, capsize=4)
        print(f"{members[0]}: best validation AUC {tops[0]:.4f} ({name})" if len(tops) == 1 else
              f"{name}: best validation AUC {tops.mean():.4f} ± {error:.4f}, {len(tops)} runs")
    curves.set(xlabel="epoch", ylabel="validation ROC-AUC, mean over tags", title="Mean and standard deviation")
    best.set(title="Best epoch of each run", xticks=[], xlim=(-0.6, len(kinds) - 0.4))
    for axes in (curves, best):
        plain(axes)
    curves.xaxis.get_major_locator().set_params(integer=True)
    curves.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=1)
    figure.savefig(out, dpi=150)


def main():
    parser = argparse.ArgumentParser(
        prog="scripts/plot", description="Draws pictures with matplotlib.",
        epilog="Examples: scripts/plot curves runs/first --out curves.png; "
        "crnn-dist inspect MSD/data --json > tree.json && scripts/plot distribution tree.json; "
        "scripts/plot compare runs/* --out compared.png")
    parser.add_argument("what", choices=["distribution", "curves", "compare"],
                        help="distribution of songs over lengths; curves of a run's epochs; runs beside one another, those "
                        "that differ by chance alone as their mean and spread")
    parser.add_argument("sources", type=Path, nargs="+", metavar="source", help="a snapshot, or what crnn-dist inspect --json says of a tree or another "
                        "source of songs; the run's folder or its metrics.jsonl")
    parser.add_argument("--out", type=Path, help="the picture, .png, .pdf or .svg (default: named after the source)")
    options = parser.parse_args()
    source = options.sources[0]
    if options.what != "compare" and len(options.sources) > 1:
        fail(f"{options.what} takes one source, found {len(options.sources)}; compare takes several runs", 64)
    out = options.out or Path(f"{source.resolve().stem}-{options.what}.png")
    try:
        if options.what == "compare":
            draw_comparison(options.sources, out)
        else:
            (draw_distribution if options.what == "distribution" else draw_curves)(source, out)
    except (OSError, ValueError) as error:
        fail(f"{out}: {error}", 70)
    print(f"wrote {out}")


if __name__ == "__main__":
    main()

"""What each experiment says: its figure, its table, and a sentence on what they can show."""

import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy

sys.path.append(str(Path(__file__).resolve().parents[1] / "science"))

import pictures  # noqa: E402
import program  # noqa: E402
from pictures import COLOURS, GREY, TRAINING, VALIDATION  # noqa: E402
from tables import signed  # noqa: E402


@dataclass
class Figure:
    name: str
    caption: str
    draw: object


@dataclass
class Table:
    name: str
    caption: str
    header: list
    rows: list


@dataclass
class Section:
    title: str
    question: str
    findings: list = field(default_factory=list)
    figures: list = field(default_factory=list)
    tables: list = field(default_factory=list)


class Results:
    """The finished runs, their epochs and what evaluate says of them."""

    def __init__(self, settings, songs, work, the_judge):
        self.settings, self.songs, self.work, self.judge = settings, songs, work, the_judge
        self.epochs = {run: work.epochs(run) for run in work.runs if work.is_done(run)}

    def runs(self, experiment, **wanted):
        return [run for run in self.settings.runs.get(experiment, [])
                if all(getattr(run, key) == value for key, value in wanted.items()) and run in self.epochs]

    def values(self, experiment, key):
        return list(dict.fromkeys(getattr(run, key) for run in self.runs(experiment)))

    def curve(self, run, key):
        return numpy.array([numpy.nan if line.get(key) is None else line[key] for line in self.epochs[run]], dtype=float)

    def best_epoch(self, run):
        """A dash where no epoch has a validation AUC."""
        found = self.curve(run, "val_auc_macro")
        return "–" if numpy.isnan(found).all() else int(numpy.nanargmax(found)) + 1

    def summary(self, runs):
        """Of runs that differ in their seed alone."""
        judged = [self.judge.result(run) for run in runs]

        def each(key):
            return numpy.array([numpy.nan if one.get(key) is None else one[key] for one in judged], dtype=float)

        intervals = numpy.array([one.get("auc_macro_interval") or [numpy.nan] * 2 for one in judged], dtype=float)
        return Summary(
            songs=judged[0]["songs"], artists=(judged[0].get("intervals") or {}).get("artists"), seeds=len(runs),
            auc=each("auc_macro"), micro=each("auc_micro"), precision=each("pr_auc_macro"),
            training=numpy.array([self.curve(run, "train_auc")[-1] for run in runs]),
            best=numpy.array([numpy.nanmax(self.curve(run, "val_auc_macro")) for run in runs]),
            interval=intervals.mean(axis=0), undefined=judged[0]["undefined_tags"],
            chance=[len(one.get("no_better_than_chance") or []) + len(one.get("too_few_to_tell") or []) for one in judged])


@dataclass
class Summary:
    songs: int
    artists: int
    seeds: int
    auc: numpy.ndarray
    micro: numpy.ndarray
    precision: numpy.ndarray
    training: numpy.ndarray
    best: numpy.ndarray
    interval: numpy.ndarray
    undefined: int
    chance: list

    HEADER = ["seeds", "songs", "training AUC", "validation AUC", "spread", "95 % interval", "micro AUC", "PR-AUC"]

    def cells(self):
        return [self.seeds, self.songs, three(self.training.mean()), three(self.auc.mean()), spread(self.auc),
                f"{self.interval[0]:.3f} – {self.interval[1]:.3f}", three(self.micro.mean()), three(self.precision.mean())]


INTERVALS = ("Training and validation AUC are macro ROC-AUC after the last epoch; spread is the least and the largest of the seeds; "
             "the interval is a bootstrap over the artists of the validation songs, its ends averaged over the seeds.")


def three(value):
    return "–" if numpy.isnan(value) else f"{value:.3f}"


def spread(values):
    return f"{values.min():.3f} – {values.max():.3f}" if len(values) > 1 else "–"


def side(split):
    return "by artist" if split == "artist" else "at random"


def bars(axes, places, summaries, colour, label=None, offset=0):
    """Means with the songs' interval as a line and each seed as a dot."""
    for index, (place, one) in enumerate(zip(places, summaries)):
        axes.plot([place + offset] * 2, one.interval, color=colour, linewidth=1.4, zorder=2)
        axes.plot([place + offset] * one.seeds, one.auc, "o", markersize=3, color=colour, alpha=0.55, zorder=3)
        axes.plot([place + offset], [one.auc.mean()], "_", markersize=11, markeredgewidth=2, color=colour, zorder=4,
                  label=label if index == 0 else None)


# The paper's own

def songs_left(results):
    facts = results.songs.facts()
    rows = [[row["segments"], row["read"], row["joined"], row["tagged"]] for row in facts["distribution"]["thresholds"]]
    funnel = facts["funnel"]
    return Section(
        "Songs left at a number of segments (Table 1)", "How many songs does a length leave to learn from?",
        [f"Of {funnel['files']:,} files {funnel['read']:,} could be read, {funnel['joined']:,} agree with a Last.fm record, and "
         f"{funnel['tagged']:,} of these have one of the vocabulary's tags."],
        tables=[Table("table-1", "Songs with at least so many segments: read, joined with Last.fm, and with a tag of the vocabulary.",
                      ["segments", "read", "joined", "with a tag"], rows)])


def hyperparameters(results):
    rows = []
    models = results.values("curves", "model") or ["small", "large"]
    for model in models:
        runs = results.runs("curves", model=model)
        if not runs:
            continue
        told = program.told(["inspect", results.work.folder / runs[0].name / "config.yaml"])
        layers = {layer["name"]: layer["output_shape"] for layer in told["layers"]}
        rows.append([model, " / ".join(str(shape[-1]) for name, shape in layers.items() if name.startswith("convolution")),
                     " / ".join(str(shape[-1]) for name, shape in layers.items() if name.startswith("recurrent")),
                     f"{told['trainable']:,}", f"{told['non_trainable']:,}"])
    options = ", ".join(f"{key} {value}" for key, value in results.settings.options.items())
    return Section(
        "Hyperparameters (Table 2)", "What was trained?",
        [f"Every run has the options {options}; what else tells runs apart stands in their sections. Parameters were counted by "
         "crnn-dist inspect on the runs' own configurations."],
        tables=[Table("table-2", "Networks, with their parameters.",
                      ["model", "channels", "recurrent units", "trainable", "not trainable"], rows)])


def distribution(results):
    found = results.songs.facts()["distribution"]
    lengths = numpy.array([row["segments"] for row in found["songs_by_segments"]])
    kinds = {name: numpy.array([row[name] for row in found["songs_by_segments"]]) for name in ("read", "tagged")}
    order = numpy.repeat(lengths, kinds["read"])

    def draw():
        figure, axes = pictures.grid(1, 2)
        histogram, left = axes[0]
        end = max(1100, numpy.quantile(order, 0.995))
        edges = numpy.linspace(0, end, 45)
        for name, label, colour in (("read", "read", "#bbbbbb"), ("tagged", "joined, with a tag", VALIDATION)):
            histogram.hist(lengths, edges, weights=kinds[name], color=colour, label=label)
            left.plot(edges, [kinds[name][lengths >= edge].sum() for edge in edges], color=GREY if name == "read" else colour)
        for length in (252, 512, 1024):
            left.axvline(length, color="#cccccc", linewidth=0.8, zorder=0)
            left.annotate(f"{kinds['tagged'][lengths >= length].sum():,}", (length, kinds["tagged"][lengths >= length].sum()),
                          textcoords="offset points", xytext=(4, 5), color=VALIDATION, fontsize=8)
        histogram.set(xlabel="segments of a song", ylabel="songs", title="How long songs are")
        left.set(xlabel="segments asked for", ylabel="songs left", title="What a length leaves", ylim=(0, None))
        histogram.legend()
        return figure

    return Section(
        "Distribution of segments (Figure 3)", "How long are songs, in segments?",
        [f"Half of the {len(order):,} songs that were read have between {int(numpy.quantile(order, 0.25))} and "
         f"{int(numpy.quantile(order, 0.75))} segments; the median is {int(numpy.median(order))}."],
        figures=[Figure("figure-3", "Left: songs by their number of segments. Right: songs that have at least so many; the numbers "
                        "are those with a tag at 252, 512 and 1,024 segments.", draw)])


def curves(results):
    models, lengths, splits = (results.values("curves", key) for key in ("model", "segments", "split"))
    if not models:
        return None

    def draw():
        figure, axes = pictures.grid(len(models) * len(splits), len(lengths), height=2.1, width=2.7, sharey=True, sharex=True)
        for row, (model, split) in enumerate((model, split) for model in models for split in splits):
            for column, length in enumerate(lengths):
                here = axes[row][column]
                for run in results.runs("curves", model=model, split=split, segments=length):
                    training, validation = results.curve(run, "train_auc"), results.curve(run, "val_auc_macro")
                    epochs = numpy.arange(1, len(training) + 1)
                    here.plot(epochs, training, color=TRAINING, label="training")
                    here.plot(epochs, validation, color=VALIDATION, label="validation")
                    here.plot(epochs, results.curve(run, "val_auc_keras"), ":", color=GREY, label="validation, the paper's metric")
                    here.fill_between(epochs, training, validation, where=training > validation, color=TRAINING, alpha=0.1, linewidth=0)
                here.axhline(0.5, color="black", linewidth=0.6)
                here.set_title(f"{model}, {length} segments, {side(split)}")
                pictures.whole_numbers(here)
                if column == 0:
                    here.set_ylabel("ROC-AUC")
                if row == len(models) * len(splits) - 1:
                    here.set_xlabel("epoch")
        pictures.legend_below(figure, axes, columns=3)
        return figure

    rows, gaps = [], []
    for model in models:
        for split in splits:
            for length in lengths:
                runs = results.runs("curves", model=model, split=split, segments=length)
                if not runs:
                    continue
                one = results.summary(runs)
                epoch = results.best_epoch(runs[0])
                gaps.append(one.training.mean() - one.auc.mean())
                rows.append([model, length, side(split), *one.cells(), f"{one.best.mean():.3f} in epoch {epoch}"])
    return Section(
        "AUC by epoch (Figure 4)",
        "How does AUC go with the epochs, for both networks and three lengths, on songs that were learnt and on others?",
        [f"After the last epoch training AUC is {signed(min(gaps))} to {signed(max(gaps))} above validation AUC: that is what a "
         "figure of training alone does not show. The best epoch was found by looking at the songs that it is reported on, so its "
         "figure flatters."],
        figures=[Figure("figure-4", "ROC-AUC by epoch on training songs and on validation songs, exact, mean over the tags; "
                        "dotted: pooled over all decisions at 200 thresholds, as the paper's curves are. The shade is overfitting; "
                        "the line at 0.5 is chance.", draw)],
        tables=[Table("table-4", INTERVALS, ["model", "segments", "split", *Summary.HEADER, "best epoch"], rows)])


def seeds(results):
    lengths, splits = (results.values("seeds", key) for key in ("segments", "split"))
    if not lengths:
        return None

    def draw():
        figure, axes = pictures.grid(1, len(splits), width=4, sharey=True)
        for here, split in zip(axes[0], splits):
            for number, length in enumerate(lengths):
                runs = results.runs("seeds", split=split, segments=length)
                if not runs:
                    continue
                for key, style in (("train_auc", "--"), ("val_auc_macro", "-")):
                    each = numpy.array([results.curve(run, key) for run in runs])
                    epochs = numpy.arange(1, each.shape[1] + 1)
                    what = "training" if key == "train_auc" else "validation"
                    here.plot(epochs, each.mean(axis=0), style, color=COLOURS[number], label=f"{length} segments, {what}")
                    here.fill_between(epochs, each.min(axis=0), each.max(axis=0), color=COLOURS[number], alpha=0.15, linewidth=0)
            here.axhline(0.5, color="black", linewidth=0.6)
            here.set(title=side(split), xlabel="epoch")
            pictures.whole_numbers(here)
        axes[0][0].set_ylabel("ROC-AUC")
        pictures.legend_below(figure, axes, columns=2)
        return figure

    rows, widest = [], []
    for split in splits:
        for length in lengths:
            runs = results.runs("seeds", split=split, segments=length)
            if not runs:
                continue
            one = results.summary(runs)
            widest.append((numpy.ptp(one.auc), one.interval[1] - one.interval[0]))
            rows.append([length, side(split), *one.cells()])
    by_seed, by_songs = (max(each[index] for each in widest) for index in (0, 1))
    return Section(
        "Seeds (Figure 5)", "How much of a result is the seed?",
        [f"Seeds move the last validation AUC by up to {by_seed:.3f}, the choice of validation songs by up to {by_songs:.3f} "
         "(width of the interval)."],
        figures=[Figure("figure-5", "Mean over the seeds and, shaded, the least and the largest; validation drawn through, "
                        "training dashed.", draw)],
        tables=[Table("table-5", INTERVALS, ["segments", "split", *Summary.HEADER], rows)])


# What it left open

def dropout(results):
    convolutions, finals = (results.values("dropout", key) for key in ("convolution_dropout", "final_dropout"))
    if not convolutions:
        return None
    found = {(convolution, final): results.summary(results.runs("dropout", convolution_dropout=convolution, final_dropout=final))
             for convolution in convolutions for final in finals
             if results.runs("dropout", convolution_dropout=convolution, final_dropout=final)}

    def draw():
        figure, axes = pictures.grid(1, 2)
        for here, key, title in zip(axes[0], ("auc", "training"), ("validation", "training")):
            for number, final in enumerate(finals):
                means = [getattr(found[each, final], key).mean() if (each, final) in found else numpy.nan for each in convolutions]
                here.plot(convolutions, means, "o-", color=COLOURS[number], label=f"{final} before the last layer")
            here.set(title=title, xlabel="dropout after each pooling", ylabel="ROC-AUC")
        axes[0][0].legend()
        return figure

    rows = [[convolution, final, *one.cells()] for (convolution, final), one in found.items()]
    (best, worst) = (pick(found, key=lambda setting: found[setting].auc.mean()) for pick in (max, min))
    width = found[best].interval[1] - found[best].interval[0]
    apart = found[best].auc.mean() - found[worst].auc.mean()
    return Section(
        "More dropout", "The paper suspected overfitting: does more dropout help?",
        [f"Best is {best[0]} after each pooling and {best[1]} before the last layer, worst {worst[0]} and {worst[1]}; {apart:.3f} "
         f"apart, where one result's own interval is {width:.3f} wide." + unsure(apart, width)],
        figures=[Figure("dropout", "Macro ROC-AUC after the last epoch by the two dropouts, means over the seeds.", draw)],
        tables=[Table("dropout", INTERVALS, ["after pooling", "before the last layer", *Summary.HEADER], rows)])


def unsure(apart, width):
    return " So few songs cannot tell these settings apart." if apart < width / 2 else ""


def one_axis(results, experiment, key, title, question, axis, caption, say, logarithmic=True):
    """An experiment in which one thing varies."""
    values = results.values(experiment, key)
    if not values:
        return None
    found = {value: results.summary(results.runs(experiment, **{key: value})) for value in values}

    def draw():
        figure, axes = pictures.grid(1, 1, width=5)
        here = axes[0][0]
        bars(here, values, found.values(), VALIDATION, "validation, with its interval")
        here.plot(values, [found[value].auc.mean() for value in values], color=VALIDATION, linewidth=0.8, alpha=0.6)
        here.plot(values, [found[value].training.mean() for value in values], "o--", markersize=3, color=TRAINING, label="training")
        here.axhline(0.5, color="black", linewidth=0.6)
        if logarithmic:
            here.set_xscale("log")
        here.set_xticks(values, [f"{value:g}" for value in values])
        here.minorticks_off()
        here.set(xlabel=axis, ylabel="ROC-AUC")
        here.legend()
        return figure

    return Section(title, question, say(found), [Figure(experiment, caption, draw)],
                   [Table(experiment, INTERVALS, [axis, *Summary.HEADER], [[value, *one.cells()] for value, one in found.items()])])


def lengths(results):
    def say(found):
        least, most = min(found), max(found)
        if least == most:
            return [f"Only {most} segments are done."]
        apart = found[most].auc.mean() - found[least].auc.mean()
        width = found[most].interval[1] - found[most].interval[0]
        return [f"On the same {found[most].songs} validation songs, {most} segments differ from {least} by {signed(apart)}; the interval of "
                f"one is {width:.3f} wide." + unsure(abs(apart), width)]

    return one_axis(results, "lengths", "segments", "How small is too small", "How few segments still tell the tags?",
                    "segments of each song", "Macro ROC-AUC after the last epoch when only the first segments of the same songs are "
                    "heard. Dots are seeds, lines the intervals of the songs.", say)


def tags(results):
    return one_axis(
        results, "tags", "tags", "More tags", "Does the network learn rarer tags too?", "most frequent tags",
        "Macro ROC-AUC after the last epoch over vocabularies of the most frequent tags. Songs differ with the vocabulary: those with "
        "one of its tags.", lambda found: [
            "Tags too rare for the validation songs are left out of the mean: "
            + ", ".join(f"{one.undefined} of {count}" for count, one in found.items()) + "."])


def sizes(results):
    def say(found):
        least, most = min(found), max(found)
        if least == most:
            return [f"Only the share {most:g} is done."]
        apart = found[most].auc.mean() - found[least].auc.mean()
        return [f"All training artists instead of a share of {least:g}: {signed(apart)}. The validation songs are the same "
                f"{found[most].songs}, the smaller sets parts of the larger."]

    return one_axis(results, "sizes", "share", "More songs", "What would more songs bring?", "share of the training artists",
                    "Macro ROC-AUC after the last epoch by the share of the training side that was learnt from.", say)


def pairs_of(runs, low, high):
    """Runs of the two lengths that differ in nothing else, the longer first; one without its other is left out."""
    shorter = {replace(run, segments=0): run for run in runs if run.segments == low}
    return [(run, shorter[replace(run, segments=0)]) for run in runs
            if run.segments == high and replace(run, segments=0) in shorter]


def lengths_compared(results):
    values = results.values("lengths_compared", "segments")
    if len(values) < 2:
        return None
    low, high = min(values), max(values)
    pairs = pairs_of(results.runs("lengths_compared"), low, high)
    if not pairs:
        return None
    rows = []
    for first, second in pairs:
        rows.append([f"seed {first.seed}", *(signed(each) for each in results.judge.difference([first], [second])[1:])])
    judged, value, least, most = results.judge.difference(*map(list, zip(*pairs)))
    rows.append(["all seeds, probabilities averaged", *(signed(each) for each in (value, least, most))])
    verdict = ("the interval excludes zero: a difference." if least > 0 or most < 0
               else "the interval holds zero: on so many songs they cannot be told apart.")

    def draw():
        figure, axes = pictures.grid(1, 1, width=5, height=0.28 * len(rows) + 0.7)
        here = axes[0][0]
        for place, row in enumerate(reversed(rows)):
            centre, left, right = (float(each) for each in row[1:])
            here.plot([left, right], [place] * 2, color=VALIDATION)
            here.plot([centre], [place], "o", color=VALIDATION)
        here.axvline(0, color="black", linewidth=0.8)
        here.set_yticks(range(len(rows)), [row[0] for row in reversed(rows)])
        here.set(xlabel=f"macro ROC-AUC of {high} segments less that of {low}")
        return figure

    return Section(
        f"{high} segments against {low}", f"The paper's own question: is {high} better than {low}, or is that chance?",
        [f"{signed(value)} ({signed(least)} to {signed(most)}) on {judged} validation songs, the same "
         f"for both: {verdict}"],
        figures=[Figure("lengths-compared", "Paired differences with their 95 % intervals (bootstrap over artists).", draw)],
        tables=[Table("lengths-compared", f"Macro ROC-AUC of {high} segments less that of {low}, on the same songs.",
                      ["", "difference", "from", "to"], rows)])


ALL = [songs_left, hyperparameters, distribution, curves, seeds, dropout, lengths, tags, lengths_compared, sizes]

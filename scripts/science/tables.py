"""Markdown tables of figures with their intervals."""

import intervals


def in_brackets(values, form="{:.3f}".format):
    ends = intervals.interval(values)
    return "" if ends is None else f" [{form(ends[0])}, {form(ends[1])}]"


def signed(difference):
    """With its sign; what is nothing when rounded is not told to be less than nothing."""
    return f"{round(float(difference), 3) + 0:+.3f}"


def cell(whole, drawn):
    return "undefined" if whole[0] != whole[0] else f"{whole[0]:.3f}{in_brackets(drawn)}"


def markdown(heading, rows):
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def methods(named, resamples=1000, seed=1):
    """A row for each of (name, predictions): macro and micro ROC-AUC, average precision, tags above chance."""
    rows = []
    for name, predictions in named:
        whole, drawn = intervals.judge(predictions, resamples, seed)
        better = sum(above_chance(predictions, drawn.tags[:, tag], tag) for tag in range(len(predictions.tags)))
        rows.append([name, len(predictions), cell(whole.macro, drawn.macro), cell(whole.micro, drawn.micro),
                     cell(whole.precision, drawn.precision), f"{better} of {len(predictions.tags)}"])
    return markdown(["method", "songs", "ROC-AUC, macro", "ROC-AUC, micro", "average precision, macro",
                     "tags above chance"], rows)


def above_chance(predictions, drawn, tag, fewest=5):
    """As `evaluate` says it: the interval is above one half, and at least five artists have the tag and have it not."""
    cluster, _ = intervals.clusters(predictions.artist_ids)
    has = predictions.labels[:, tag] != 0
    if min(len(set(cluster[has])), len(set(cluster[~has]))) < fewest:
        return False
    ends = intervals.interval(drawn)
    return ends is not None and ends[0] > 0.5


def differences(named, baseline, resamples=1000, seed=1):
    """A row for each of (name, predictions): by how much it is better than (name, predictions) on the songs of both."""
    rows = []
    for name, predictions in named:
        songs, whole, drawn = intervals.difference(predictions, baseline[1], resamples, seed)
        ends = intervals.interval(drawn.macro)
        sure = "yes" if ends and not ends[0] <= 0 <= ends[1] else "no"
        rows.append([name, songs, signed(whole.macro[0]) + in_brackets(drawn.macro, signed),
                     signed(whole.precision[0]) + in_brackets(drawn.precision, signed), sure])
    return markdown([f"less {baseline[0]}", "songs", "ROC-AUC, macro", "average precision, macro", "sure"], rows)


def tags(predictions, resamples=1000, seed=1):
    """A row for each tag."""
    whole, drawn = intervals.judge(predictions, resamples, seed)
    rows = [[name, int((predictions.labels[:, tag] != 0).sum()), cell(whole.tags[:, tag], drawn.tags[:, tag]),
             cell(whole.tag_precisions[:, tag], drawn.tag_precisions[:, tag]),
             "yes" if above_chance(predictions, drawn.tags[:, tag], tag) else "no"]
            for tag, name in enumerate(predictions.tags)]
    return markdown(["tag", "songs", "ROC-AUC", "average precision", "above chance"], rows)

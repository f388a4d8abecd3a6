"""How figures look: one style, colours that colour-blind eyes tell apart, PNG and PDF of each."""

import io

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

# Okabe and Ito.
COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"]
TRAINING, VALIDATION, GREY = "#d55e00", "#0072b2", "#888888"
plt.rcParams.update({"font.size": 9, "axes.titlesize": 9.5, "legend.frameon": False, "pdf.fonttype": 42})


def grid(rows, columns, height=2.6, width=3.3, **options):
    figure, axes = plt.subplots(rows, columns, figsize=(width * columns + 0.4, height * rows + 0.4), layout="constrained",
                                squeeze=False, **options)
    for each in axes.flat:
        each.spines[["top", "right"]].set_visible(False)
        each.grid(axis="y", color="#e5e5e5", linewidth=0.8)
        each.set_axisbelow(True)
    return figure, axes


def legend_below(figure, axes, columns):
    """One for all axes: of the first that shows anything."""
    for each in axes.flat:
        handles, labels = each.get_legend_handles_labels()
        if handles:
            figure.legend(handles, labels, loc="outside lower center", ncols=columns)
            return


def whole_numbers(axes):
    axes.xaxis.get_major_locator().set_params(integer=True)


def save(figure, path):
    """PATH.png and PATH.pdf, without the time in them, so that the same figures are the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for form, metadata in (("png", None), ("pdf", {"CreationDate": None, "ModDate": None})):
        drawn = io.BytesIO()
        figure.savefig(drawn, format=form, dpi=150, metadata=metadata)
        unfinished = path.with_name(f".{path.name}.{form}.unfinished")
        unfinished.write_bytes(drawn.getvalue())
        unfinished.replace(path.with_suffix(f".{form}"))
    plt.close(figure)

"""Figures as SVG within the page, in the colour of its text: they follow light and dark."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from keras_amid.experiments.own.report.html import Markup, tag

#: Told apart on light and on dark ground.
COLORS = (
    "#3b82f6", "#e07b39", "#2aa876", "#9b6dde", "#e05260", "#c9a227", "#17a2b8", "#d264b6",
    "#7a9a3a", "#8a8f98",
)  # fmt: skip
_INK = "#010203"  # stands for the colour of the page's text
_STYLE = {
    "svg.fonttype": "none", "font.size": 10, "axes.spines.top": False, "axes.spines.right": False,
    "axes.linewidth": 0.8, "legend.frameon": False, "savefig.transparent": True,
    "font.family": "sans-serif", "svg.hashsalt": "keras_amid",
    **dict.fromkeys(
        ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), _INK
    ),
}  # fmt: skip


def drawn(draw: Callable, caption: str, size: tuple[float, float] = (5.2, 3.4)) -> Markup:
    """A figure with its caption.

    Args:
        draw: function of Matplotlib axes.
        caption: what it shows.
        size: inches; text stays as large as it is on the page where it is not much wider.
    """
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=size, layout="constrained")
        draw(figure.subplots())
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :].replace(_INK, "currentColor")
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"([^>]*?) width="[^"]*"', r"\1\2", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"([^>]*?) height="[^"]*"', r"\1\2", svg, count=1)
    return tag("figure", Markup(svg), tag("figcaption", caption))


def curves(
    axes, lines: Mapping[str, Sequence[np.ndarray]], label: str, order: Sequence[str]
) -> None:
    """Mean over the runs of each name, over the epochs; `order`: all names, for their colours."""
    for name, runs in lines.items():
        color = COLORS[list(order).index(name) % len(COLORS)]
        mean = np.mean(runs, axis=0)
        epochs = np.arange(1, len(mean) + 1)
        axes.plot(epochs, mean, color=color, label=name, marker="o" * (len(mean) == 1) or None)
        if len(runs) > 1:
            error = np.std(runs, axis=0, ddof=1) / np.sqrt(len(runs))
            axes.fill_between(epochs, mean - error, mean + error, color=color, alpha=0.2, lw=0)
    axes.set_xlabel("epoch")
    axes.set_ylabel(label)
    axes.grid(alpha=0.2)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(fontsize="small")


def bars(axes, values: Mapping[str, Sequence[float]], names: Sequence[str]) -> None:
    """Horizontal bars: a group for each class, a bar for each method, percent."""
    places, height = np.arange(len(names)), 0.8 / len(values)
    for index, (method, row) in enumerate(values.items()):
        axes.barh(
            places + (index + 0.5) * height - 0.4, row, height, label=method, color=COLORS[index]
        )
    axes.set_yticks(places, [shortened(name) for name in names])
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel("% of the test samples of the class")
    axes.grid(axis="x", alpha=0.2)
    axes.legend(fontsize="small", loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(values))


def confusion(axes, matrix: np.ndarray, names: Sequence[str]) -> None:
    """Share of each class's test samples (a row) that are taken for each class, percent."""
    blue = LinearSegmentedColormap.from_list(
        "shade", [(0.23, 0.51, 0.96, 0), (0.23, 0.51, 0.96, 1)]
    )
    axes.pcolormesh(matrix, cmap=blue, vmin=0, vmax=100, rasterized=len(names) > 30)
    axes.invert_yaxis()
    places = np.arange(len(names)) + 0.5
    small = "small" if len(names) <= 20 else "xx-small"
    axes.set_xticks(places, [shortened(n) for n in names], rotation=90, fontsize=small)
    axes.set_yticks(places, [shortened(n) for n in names], fontsize=small)
    axes.set_xlabel("taken for")
    axes.set_ylabel("is")
    if len(names) <= 12:
        for (row, column), value in np.ndenumerate(matrix):
            if value >= 0.5:
                axes.text(column + 0.5, row + 0.5, f"{value:.0f}", ha="center", va="center")


def scatter(axes, points: np.ndarray, labels: np.ndarray, names: Sequence[str]) -> None:
    """Points of the most frequent classes in their colours, of the others in gray."""
    counts = np.bincount(labels, minlength=len(names))
    shown = [c for c in np.argsort(-counts, kind="stable")[: len(COLORS) - 1] if counts[c]]
    others = ~np.isin(labels, shown)
    axes.scatter(*points[others].T, s=9, color=COLORS[-1], alpha=0.4, linewidths=0)
    for color, label in zip(COLORS, sorted(shown), strict=False):
        chosen = points[labels == label]
        axes.scatter(*chosen.T, s=13, color=color, linewidths=0, label=shortened(names[label]))
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    axes.set_box_aspect(1)
    axes.legend(fontsize="x-small", loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=3,
                handletextpad=0.1, columnspacing=0.8)  # fmt: skip


def shortened(name: str, most: int = 18) -> str:
    """A name that fits beside an axis; dollar signs stay what they are."""
    name = name if len(name) <= most else f"{name[: most - 1]}…"
    return name.replace("$", r"\$")

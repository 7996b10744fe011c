"""The novelty-quality plane: a point per sample, how new it is from left to right, how good from top to bottom.

x is the distance to the nearest training shape, y that to the nearest reference shape. The reference shapes themselves, in grey,
are the yardstick: y is then the nearest other one. Samples left of them are nearer to training shapes than new real shapes are:
copies. Samples above them are like no real shape. Both axes are logarithmic, since distances spread over powers of ten.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from hdbench.interfaces import Values
from hdbench.novelty.rows import Novelty, NoveltyRow
from hdbench.scoring.nearest import Nearest

COLOURS = ("#2f6db5", "#d9772b", "#3f9a5c", "#8a58b0", "#c23b50", "#6f6a5a")
GREY, INK, FAINT, LINE = "#9aa1ae", "#282c34", "#8a919e", "#d6d9df"
COPIES = 0.01  # share of the reference shapes left of the dashed line: the bound of the metric 'copies'
MARGIN = 1.25  # around all points, as a factor
TICKS = (1, 2, 5)  # per power of ten


def picture(novelty: Novelty, among: str = "test") -> bytes:
    """The plane as a PNG; ``among`` says in a word what the reference shapes are. Empty samples have no place in it: the legend
    counts them. A sample at distance 0 stands at the edge."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 6.6), dpi=160, facecolor="white")
    canvas, axes = FigureCanvasAgg(figure), figure.add_axes((0.1, 0.1, 0.87, 0.77))
    rows = [row for row in novelty.rows if row.competes and row.draws]
    every = [novelty.reference, *(draw for row in rows for draw in row.draws)]
    edge = _axis(axes.xaxis, [draw.to_training[:, 0] for draw in every]), _axis(axes.yaxis, [draw.to_reference for draw in every])
    _bounds(axes, novelty.reference, edge[0], among)
    for k, row in enumerate(rows):
        _points(axes, row.draws, edge, _label(row), color=COLOURS[k % len(COLOURS)], s=14, alpha=0.8, lw=0)
    label = f"{among} shapes (the yardstick; to the nearest other one)"
    _points(axes, [novelty.reference], edge, label, facecolor="none", edgecolor=GREY, s=30, lw=1.3)
    _words(figure, axes, novelty, among)
    out = io.BytesIO()
    canvas.print_png(out, metadata={"Software": None})
    return out.getvalue()


def _axis(axis: Any, values: Sequence[Values]) -> float:
    """A logarithmic axis around all values; returns where 0 stands: at the edge."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    every = np.concatenate(values)
    positive = every[np.isfinite(every) & (every > 0)]
    low, high = (float(positive.min()), float(positive.max())) if len(positive) else (1e-3, 1.0)
    edge = low / 2 if (every <= 0).any() else low
    axis.axes.set(**{f"{axis.axis_name}scale": "log", f"{axis.axis_name}lim": (edge / MARGIN, high * MARGIN)})
    axis.set_major_locator(LogLocator(10, TICKS))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())
    return edge


def _points(axes: Any, draws: Sequence[Nearest], edge: tuple[float, float], label: str, **style: Any) -> None:
    whole = [np.isfinite(draw.to_training[:, 0]) & np.isfinite(draw.to_reference) for draw in draws]
    x = np.concatenate([draw.to_training[kept, 0] for draw, kept in zip(draws, whole)])
    y = np.concatenate([draw.to_reference[kept] for draw, kept in zip(draws, whole)])
    axes.scatter(np.maximum(x, edge[0]), np.maximum(y, edge[1]), label=label, **style)


def _label(row: NoveltyRow) -> str:
    empty = sum(int((~np.isfinite(draw.to_training[:, 0])).sum()) for draw in row.draws)
    return row.title + (f" ({empty} empty samples are not shown)" if empty else "")


def _bounds(axes: Any, reference: Nearest, edge: float, among: str) -> None:
    """Where copies begin, and where both distances are equal."""
    bound = max(float(np.quantile(reference.to_training[:, 0], COPIES, method="lower")), edge)
    axes.axvline(bound, color=FAINT, lw=0.8, ls=(0, (4, 3)), zorder=1)
    words = f"nearer than the closest 1 % of {among} shapes"
    axes.text(bound, 0.99, words, transform=axes.get_xaxis_transform(), rotation=90, ha="right", va="top", size=7, color=FAINT)
    axes.axline((1, 1), (10, 10), color=LINE, lw=0.8, zorder=1)


def _words(figure: Any, axes: Any, novelty: Novelty, among: str) -> None:
    axes.set_xlabel("← copies        distance to the nearest training shape        new →", color=INK)
    axes.set_ylabel(f"← good        distance to the nearest {among} shape        bad →", color=INK)
    axes.tick_params(colors=FAINT, which="both", labelsize=8)
    axes.grid(True, which="major", color="#eceef2", lw=0.8)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_color(LINE)
    figure.text(0.02, 0.965, "Novelty and quality, sample by sample", color=INK, weight="bold", size=12)
    figure.text(0.97, 0.012, f"Distances: {novelty.unit}.", ha="right", size=6.5, color=FAINT)
    axes.legend(loc="lower left", bbox_to_anchor=(-0.08, 1.0), frameon=False, fontsize=8, labelcolor=INK, ncols=3)

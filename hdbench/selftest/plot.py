"""The curves as a picture: a row per metric, a column per perturbation, all on one scale.

Up is worse. The height is the harm in units of what two good generators differ by, so the grey band from -1 to 1 is the same
for every metric: a curve that leaves it upwards is seen, one that leaves it downwards is rewarded, one that stays is not seen.
All panels are drawn on one pair of axes: hundreds of axes would take minutes.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdbench.selftest.curves import STRENGTHS
from hdbench.selftest.perturb import PERTURBATIONS
from hdbench.selftest.report import GROUPS, Audit
from hdbench.selftest.verdicts import Verdict

INK, FAINT, BAND = "#282c34", "#8a919e", "#eceef2"
COLOURS = {"sees": "#2f6db5", "blind": "#8a919e", "rewards": "#d1442f"}
LEGEND = (("sees", "seen", 2.75), ("blind", "not seen", 2.05), ("rewards", "rewarded", 1.1))  # inches from the right
HIGHEST = 30.0  # harm at the edge of a panel
WIDTH, HEIGHT, GAP = 0.86, 0.5, 0.08  # of a panel and between panels, inches
LEFT, RIGHT, TOP, BOTTOM = 1.95, 0.25, 1.2, 0.62  # margins, inches


def picture(audit: Audit) -> bytes:
    """The picture as a PNG; the same bytes for the same audit and version of matplotlib."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = audit.matrix()
    width = LEFT + RIGHT + (WIDTH + GAP) * len(PERTURBATIONS) - GAP
    height = TOP + BOTTOM + (HEIGHT + GAP) * len(rows) - GAP
    figure = Figure(figsize=(width, height), dpi=160, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1), frameon=False, xticks=[], yticks=[], xlim=(0, width), ylim=(height, 0))  # inches
    for row, (metric, verdicts) in enumerate(rows.items()):
        bottom = TOP + row * (HEIGHT + GAP) + HEIGHT
        _name(axes, metric, next(iter(verdicts.values())).column, bottom - HEIGHT / 2)
        for column, name in enumerate(PERTURBATIONS):
            _panel(axes, verdicts.get(name), _left(column), bottom)
    _scale(axes, height - BOTTOM)
    _head(axes, width, height)
    out = io.BytesIO()
    canvas.print_png(out, metadata={"Software": None})
    return out.getvalue()


def _left(column: int) -> float:
    """Where the panels of a column begin, inches from the left."""
    return LEFT + column * (WIDTH + GAP)


def _height(harm: Any) -> NDArray[np.float64]:
    """How high a harm stands over the middle of a panel, inches: linear within the band, logarithmic beyond it."""
    size = np.abs(np.clip(harm, -HIGHEST, HIGHEST))
    steps = np.where(size <= 1, size, 1 + np.log(np.maximum(size, 1)))
    return np.asarray(np.sign(harm) * steps / (1 + np.log(HIGHEST)) * HEIGHT / 2)


def _panel(axes: Any, verdict: Verdict | None, left: float, bottom: float) -> None:
    """One curve, from strength 0 on; the strengths stand at equal steps."""
    from matplotlib.patches import Rectangle

    middle, band = bottom - HEIGHT / 2, float(_height(1.0))
    axes.add_patch(Rectangle((left, middle - band), WIDTH, 2 * band, color=BAND, lw=0))
    if verdict is None or verdict.word == "not tried":
        axes.text(left + WIDTH / 2, middle, "not tried", ha="center", va="center", size=6, color=FAINT)
        return
    harm, colour = np.array([0.0, *verdict.harm]), COLOURS[verdict.word]
    x, y = left + WIDTH * np.linspace(0.04, 0.96, len(harm)), middle - _height(harm)
    axes.plot(x, y, color=colour, lw=1.6, solid_capstyle="round")
    outside = np.abs(harm) > 1
    axes.plot(x[outside], y[outside], "o", color=colour, ms=2.8, mew=0)


def _name(axes: Any, metric: str, column: str, middle: float) -> None:
    axes.text(LEFT - 0.32, middle, metric, ha="right", va="bottom", size=8, color=INK)
    axes.text(LEFT - 0.32, middle + 0.02, column, ha="right", va="top", size=6.5, color=FAINT)


def _scale(axes: Any, bottom: float) -> None:
    """Numbers at the last row: harm at its left, strengths below it."""
    for harm in (-10, 0, 10):
        axes.text(
            LEFT - 0.05, bottom - HEIGHT / 2 - float(_height(harm)), f"{harm}", ha="right", va="center", size=6, color=FAINT
        )
    for column in range(len(PERTURBATIONS)):
        for share, text in ((0.04, "0"), (0.96, "1")):
            axes.text(_left(column) + share * WIDTH, bottom + 0.05, text, ha="center", va="top", size=6, color=FAINT)


def _head(axes: Any, width: float, height: float) -> None:
    """Title, how to read it, and the groups of perturbations with a rule under each."""
    strengths = ", ".join(f"{s:g}" for s in (0, *STRENGTHS))
    axes.text(0.15, 0.2, "What the metrics see", size=13, weight="bold", color=INK, va="top")
    words = f"up: worse, in units of what two good generators differ by (grey band); strengths from left to right: {strengths}"
    axes.text(0.15, height - 0.12, words, size=7.5, color=FAINT, va="bottom")
    for word, text, place in LEGEND:
        axes.text(width - place, 0.22, f"● {text}", size=9, color=COLOURS[word], va="top")
    for group, title in GROUPS.items():
        columns = [index for index, p in enumerate(PERTURBATIONS.values()) if p.group == group]
        _group(axes, title, _left(columns[0]), _left(columns[-1]) + WIDTH)
    for column, name in enumerate(PERTURBATIONS):
        axes.text(_left(column) + WIDTH / 2, TOP - 0.12, name, size=9, color=INK, ha="center", va="bottom")


def _group(axes: Any, title: str, left: float, right: float) -> None:
    axes.plot([left, right], [TOP - 0.36] * 2, color=FAINT, lw=0.6)
    axes.text(left, TOP - 0.4, title, size=8.5, color=FAINT, style="italic", va="bottom")

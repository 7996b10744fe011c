"""The curves as a picture: a row per metric, a column per perturbation, all on one scale.

Up is worse. The height is the harm in units of what two good generators differ by, so the grey band from -1 to 1 is the same
for every metric: a curve that leaves it upwards is seen, one that leaves it downwards is rewarded, one that stays is not seen.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from hdbench.perturb import PERTURBATIONS
from hdbench.selftest.curves import STRENGTHS
from hdbench.selftest.report import GROUPS, Audit
from hdbench.selftest.verdicts import Verdict

INK, FAINT, BAND = "#282c34", "#8a919e", "#eceef2"
COLOURS = {"sees": "#2f6db5", "blind": "#8a919e", "rewards": "#d1442f", "not tried": "#c9ced6"}
HIGHEST = 30.0  # harm at the edge of a panel
PANEL_WIDTH, PANEL_HEIGHT = 0.92, 0.62  # inches
LEFT, RIGHT, TOP, BOTTOM = 1.5, 0.25, 1.15, 0.75  # margins, inches


def picture(audit: Audit) -> bytes:
    """The picture as a PNG; the same bytes for the same audit and version of matplotlib."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows, names = audit.matrix(), list(PERTURBATIONS)
    width = LEFT + RIGHT + PANEL_WIDTH * len(names)
    height = TOP + BOTTOM + PANEL_HEIGHT * len(rows)
    figure = Figure(figsize=(width, height), dpi=160, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    panels = figure.subplots(len(rows), len(names), sharex=True, sharey=True, squeeze=False)
    figure.subplots_adjust(LEFT / width, BOTTOM / height, 1 - RIGHT / width, 1 - TOP / height, wspace=0.08, hspace=0.14)
    for line, verdicts in zip(panels, rows.values()):
        for panel, name in zip(line, names):
            _panel(panel, verdicts.get(name))
    _label(panels, rows, names)
    _head(figure, panels[0], width, height)
    out = io.BytesIO()
    canvas.print_png(out, metadata={"Software": None})
    return out.getvalue()


def _panel(panel: Any, verdict: Verdict | None) -> None:
    """One curve, from strength 0 on; the strengths stand at equal steps."""
    panel.axhspan(-1, 1, color=BAND, lw=0)
    steps = np.arange(len(STRENGTHS) + 1)
    if verdict is None or verdict.word == "not tried":
        panel.text(0.5, 0.5, "not tried", transform=panel.transAxes, ha="center", va="center", size=6, color=FAINT)
    else:
        harm, colour = np.array([0.0, *verdict.harm]).clip(-HIGHEST, HIGHEST), COLOURS[verdict.word]
        panel.plot(steps, harm, color=colour, lw=1.6, solid_capstyle="round", clip_on=False, zorder=3)
        outside = np.abs(harm) > 1
        panel.plot(steps[outside], harm[outside], "o", color=colour, ms=2.6, clip_on=False, zorder=4)
    panel.set_yscale("symlog", linthresh=1, linscale=0.8)
    panel.set_ylim(-HIGHEST, HIGHEST)
    panel.set_xlim(-0.25, len(steps) - 0.75)
    panel.set_yticks([-10, 0, 10], labels=["-10", "0", "10"])
    panel.set_xticks([0, len(steps) - 1], labels=["0", "1"])
    panel.minorticks_off()
    panel.tick_params(length=0, labelsize=6, colors=FAINT, pad=2)
    for spine in panel.spines.values():
        spine.set_visible(False)


def _label(panels: Any, rows: dict[str, dict[str, Verdict]], names: Sequence[str]) -> None:
    for panel, name in zip(panels[0], names):
        panel.set_title(name, size=9, color=INK, pad=5)
    for line, (metric, verdicts) in zip(panels, rows.items()):
        column = next(iter(verdicts.values())).column
        text = metric if column.lower() == metric.lower() else f"{metric}\n{column}"
        line[0].text(-0.32, 0.5, text, transform=line[0].transAxes, ha="right", va="center", size=8, color=INK)


def _head(figure: Any, top: Sequence[Any], width: float, height: float) -> None:
    """Title, how to read it, and the groups of perturbations with a rule under each."""
    figure.text(0.15 / width, 1 - 0.2 / height, "What the metrics see", size=13, weight="bold", color=INK, va="top")
    words = "up: worse, in units of what two good generators differ by (grey band); strengths 0, " + ", ".join(
        f"{s:g}" for s in STRENGTHS
    )
    figure.text(0.15 / width, 0.22 / height, words, size=7.5, color=FAINT, va="bottom")
    x = 1 - RIGHT / width
    for word, text in (("rewards", "rewarded"), ("blind", "not seen"), ("sees", "seen")):
        label = figure.text(x, 1 - 0.2 / height, f"● {text}", size=9, color=COLOURS[word], va="top", ha="right")
        x = label.get_window_extent().x0 / (width * figure.dpi) - 0.15 / width
    for group, title in GROUPS.items():
        members = [panel for panel, p in zip(top, PERTURBATIONS.values()) if p.group == group]
        left, right = members[0].get_position().x0, members[-1].get_position().x1
        y = 1 - (TOP - 0.34) / height
        figure.add_artist(_rule(left, right, y - 0.01 / height))
        figure.text(left, y + 0.03 / height, title, size=8.5, color=FAINT, style="italic", va="bottom")


def _rule(left: float, right: float, y: float) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([left, right], [y, y], color=FAINT, lw=0.6)

"""Training curves of a run as an SVG that takes the page's colours."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

SHOWN = ("loss", "surface")  # curves of a training that people look at


def smoothed(values: NDArray[np.float64], bins: int = 100) -> NDArray[np.float64]:
    """Means of equal stretches of the training, at most ``bins``: a loss jumps from batch to batch."""
    return np.array([part.mean() for part in np.array_split(values, min(bins, len(values)))])


def draw_curves(curves: Mapping[str, Mapping[str, NDArray[np.float64]]]) -> str:
    """One panel per method, loss on a logarithmic axis over the share of the training -> SVG, or nothing."""
    shown = {title: kept for title, of in curves.items() if (kept := {name: of[name] for name in SHOWN if name in of})}
    if not shown:
        return ""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.2 * len(shown), 2.6), layout="constrained")
    FigureCanvasSVG(figure)
    for axes, (title, by_name) in zip(figure.subplots(1, len(shown), squeeze=False)[0], shown.items()):
        for name, values in by_name.items():
            means = smoothed(values)
            axes.plot(np.linspace(0, 100, len(means)), means, linewidth=1.4, label=name)
        axes.set(title=title, xlabel="% of the training", yscale="log")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
    text = io.StringIO()
    figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _in_page_colours(text.getvalue())


def _in_page_colours(svg: str) -> str:
    """Black becomes the colour of the page's text; what stands before the drawing goes, and links to schemas with it."""
    drawing = svg[svg.index("<svg") :]
    drawing = re.sub(r"<metadata>.*?</metadata>", "", drawing, flags=re.S)
    return drawing.replace("#000000", "currentColor").replace("stroke: #262626", "stroke: currentColor")

"""A cloud as a picture: a disc per point, the near ones dark, the far ones pale; the view is that of ``hdbench.render``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdbench.render import PAPER_BYTES, Colour, View

SUBPIXELS = 2  # per pixel and axis
FILLED = 0.86  # share of the picture's width that the cloud takes
RADIUS = 0.011  # of a disc, over the picture's width
PALE = 0.72  # how much paper is in the colour of the farthest point

Tile = NDArray[np.uint8]  # a picture [size, size, 3]


def picture_of_cloud(cloud: Any, size: int, view: View, colour: Colour) -> Tile:
    """A picture [size, size, 3] of points [q, 3], made to fit. A cloud that is not finite gives a blank tile."""
    from PIL import Image, ImageDraw

    points, side = np.asarray(cloud, np.float64), size * SUBPIXELS
    tile = Image.new("RGB", (side, side), PAPER_BYTES)
    if len(points) and np.isfinite(points).all():
        draw, radius = ImageDraw.Draw(tile), RADIUS * side
        places, nearness = _seen(points, view, side)
        for place in np.argsort(nearness, kind="stable"):
            x, y = places[place]
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=_shade(colour, float(nearness[place])))
    return np.asarray(tile.resize((size, size), Image.Resampling.BOX))


def _seen(points: NDArray[np.float64], view: View, side: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Places [q, 2] in the picture, in subpixels, and nearness [q] from 0 (farthest) to 1, in an orthographic view."""
    turn, rise = np.radians([view.azimuth, view.elevation])
    upright = points if view.up == "z" else points[:, [0, 2, 1]] * [1, -1, 1]
    towards = np.array([np.cos(rise) * np.cos(turn), np.cos(rise) * np.sin(turn), np.sin(rise)])
    right = np.array([-np.sin(turn), np.cos(turn), 0.0])
    seen = upright @ np.stack([right, np.cross(towards, right), towards], axis=1)
    low, extent = seen.min(0), np.ptp(seen, axis=0)
    centred = (seen[:, :2] - low[:2] - extent[:2] / 2) / max(extent[:2].max(), np.finfo(float).tiny)
    places = side / 2 + FILLED * side * centred * [1, -1]
    return places, (seen[:, 2] - low[2]) / max(extent[2], np.finfo(float).tiny)


def _shade(colour: Colour, nearness: float) -> tuple[int, int, int]:
    """The colour, darkened for near points and mixed with paper for far ones."""
    paper, share = np.array(PAPER_BYTES), PALE * (1 - nearness)
    red, green, blue = (share * paper + (1 - share) * 255 * 0.8 * np.array(colour)).round().astype(int).tolist()
    return red, green, blue

"""Files of clouds for the tests of ``hdbench score``, and options that make them small."""

from __future__ import annotations

import numpy as np

ON_A_LINE = ("-o", "points=1", "-o", "normalisation=none", "-o", "emd_points=1")  # clouds of one point

SMALL = ("-o", "points=64")

TABLE_1 = ("--metric", "mmd-cd", "--metric", "cov-cd", "--metric", "1nna-cd")

QUICK = ("--metric", "mmd-cd")


def on_a_line(name: str, *places: float) -> str:
    """A file of one-point clouds on the x axis."""
    np.save(name, np.array([[[x, 0, 0]] for x in places], np.float32))
    return name


def boxes(name: str, count: int, seed: int = 0, points: int = 64, sides=(1.0, 0.6, 0.3), spread: float = 0.1) -> str:
    """A file of clouds in boxes of about these sides."""
    rng = np.random.default_rng(seed)
    sizes = np.array(sides) * rng.uniform(1 - spread, 1 + spread, (count, 1, 3))
    np.savez(name, clouds=(rng.uniform(-0.5, 0.5, (count, points, 3)) * sizes).astype(np.float32))
    return name

"""A seed per item, not per process: results do not depend on batch size, number of workers or order of work."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import torch


def seed_of(*path: int | str) -> int:
    """A 63-bit seed for the item at this path, such as ``seed_of(run_seed, "sample", 7)``."""
    text = "/".join(f"{type(p).__name__}:{p}" for p in path)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1


def torch_generator(*path: int | str) -> torch.Generator:
    """A CPU generator for the item at this path (draw on the CPU, then move: the same numbers on every device)."""
    import torch

    return torch.Generator().manual_seed(seed_of(*path))


def numpy_generator(*path: int | str) -> np.random.Generator:
    """A numpy generator for the item at this path."""
    import numpy as np

    return np.random.default_rng(seed_of(*path))

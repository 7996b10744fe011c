"""Files of the released code: which generator they hold, in which units, and at which level its surface lies.

The released voxel generators were trained on distances cut at 0.1, the point generators on uncut ones; an output of 1 is a
distance of 1 in both. What the released code trains today divides distances by 0.1 first: there an output of 1 is a distance of
0.1, and an output of 0.04 a distance of 0.004. A file does not say which, so files that are not known need ``unit``, and it is
held against the values far from all surfaces.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from hdbench.errors import HdbenchError
from hdbench_shapegan.generators import Generator, SDFGenerator, SDFNet, generator_of

LEVEL = 0.04  # a distance: where the authors put the surface of the released generators
CUT = 0.1  # where the released voxel code cuts distances
CORNERS = 16  # codes whose values in the corners of the cube are looked at


@dataclass(frozen=True, slots=True)
class Released:
    """A released file: the shapes it makes, and the distance that an output of 1 means."""

    name: str
    category: str
    ball: bool
    unit: float = 1.0


KNOWN: Mapping[str, Released] = {
    "fc19b7bcadf058601de6214ab270a9aabeefafcd32ef2ca9af0dfac750b01b41": Released("voxels, airplanes", "airplane", False),
    "7aab8165ada10aabe235becf33021309aa06769cf323fd87c6f3a5b34b621d6f": Released("voxels, chairs", "chair", False),
    "f1841d215b9d9fc2813b466506acfccd7d6681bfc75af4e5994a17fdf447374d": Released("voxels, sofas", "sofa", False),
    "5175dee18ee8610594c86ee70977417720b8cf994e95193a8a46a2bc83cc8e19": Released("points, airplanes", "airplane", True),
    "b1fe84c14fecd01aaa28e3dfbe2b1d239e209d820f366575edbb4a6b44609fc7": Released("points, airplanes, refined", "airplane", True),
    "e596dc6f41ae52fa762d0648f70fe8b4b81755a097a6fad1085acc07d777f4e0": Released("points, chairs, refined", "chair", True),
    "cf0524472229eee8c0fb6655d6919f3061238d0ad9534fa697efc7399571e87d": Released("points, sofas", "sofa", True),
}


@dataclass(frozen=True, slots=True)
class Given:
    """A generator that was trained elsewhere, and how its values are read."""

    generator: Generator
    unit: float
    level: float
    ball: bool
    name: str


def read_generator(path: Path) -> Generator:
    """The generator in a file. HdbenchError, with what was found, when it holds none; no code of the file is run."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, pickle.UnpicklingError, EOFError, ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise HdbenchError(
            f"'{path}' cannot be read as a PyTorch file of tensors ({_reason(error)}). ShapeGAN's are "
            "examples/gan_generator_voxels_*.to (master) and point_sdf/*/G.pt (branch point_sdf)."
        ) from error
    if not isinstance(content, Mapping) or not all(isinstance(value, Tensor) for value in content.values()):
        raise HdbenchError(f"'{path}' holds no state_dict: it is a {type(content).__name__}.")
    try:
        return generator_of({str(key): value.float() for key, value in content.items()})
    except (KeyError, RuntimeError, IndexError) as error:
        raise HdbenchError(f"'{path}' holds no generator of ShapeGAN: {_difference(content)}.") from error


def interpret(generator: Generator, path: Path, sha256: str, unit: float | None, level: float | None) -> Given:
    """Units and level of a generator: those of the known file, or those that are given.

    HdbenchError when the file is not known and no unit is given, or when the unit contradicts the generator's values.
    """
    known = KNOWN.get(sha256)
    if unit is None and known is None:
        far = far_value(generator)
        likely = CUT if isinstance(generator, SDFNet) and far > 0.5 else 1.0
        raise HdbenchError(
            f"'{path}' is none of the released files, so what its values mean is not known: far from all surfaces they are "
            f"{far:.2f}. Write -o shapegan.unit=1 if they are distances, -o shapegan.unit=0.1 if they are divided by "
            f"0.1 (likely: {likely:g}), and -o shapegan.level for the distance at which the surface lies."
        )
    found = unit if unit is not None else known.unit  # type: ignore[union-attr]
    _refuse_other_unit(generator, path, found)
    height = level if level is not None else (LEVEL if known else 0.0)
    return Given(generator, found, height, bool(known and known.ball), known.name if known else path.name)


def far_value(generator: Generator) -> float:
    """The median value in the corners of the cube, over some codes."""
    corners = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0])] * 3)
    codes = torch.randn(CORNERS, generator.latent, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        return float(generator(corners, codes).median())


def _refuse_other_unit(generator: Generator, path: Path, unit: float) -> None:
    """A voxel generator is flat far from the surface, at the cut: 0.1 (unit 1) or 1 (unit 0.1)."""
    far = far_value(generator)
    if isinstance(generator, SDFNet) and unit == 1.0 and far > 0.5:
        raise HdbenchError(
            f"The values of '{path}' far from all surfaces are {far:.2f}, so they are distances divided by their cut: "
            "a level of 0.04 would lie at a distance of 0.004. Write -o shapegan.unit=0.1."
        )


def _difference(content: Mapping[str, Tensor]) -> str:
    """The first tensor that differs from the nearer of the two layouts."""
    voxel = any(str(key).startswith("layers") for key in content)
    with torch.device("meta"):
        wanted = (SDFNet() if voxel else SDFGenerator()).state_dict()
    name = "SDFNet (voxel discriminator)" if voxel else "SDFGenerator (point discriminator)"
    for key in sorted({*wanted, *map(str, content)}):
        ours, theirs = wanted.get(key), content.get(key)
        if ours is None or theirs is None or ours.shape != theirs.shape:
            shapes = [list(t.shape) if t is not None else "missing" for t in (theirs, ours)]
            return f"of {name}, '{key}' is {shapes[0]} there, {shapes[1]} as released"
    return "its tensors do not fit together"


def _reason(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].rstrip(".")[:120] if lines else type(error).__name__

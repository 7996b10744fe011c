"""How a number is made: a protocol is data, and its hash is printed under every table.

Two presets. ``strict`` is the metric of the paper with the bugs of the released code removed; ``hyperdiffusion`` is the
released code itself (github.com/Rgtemze/HyperDiffusion@fd2c581), quirks included: a tenth more samples than references are
made, the empty ones are dropped and the list is cut; the scale is measured before the cloud is centred; the distances are the
single-precision expanded form, and ties go to the reference.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from hdbench.config import check, digest
from hdbench.errors import unknown

HASH_LENGTH = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """Everything between meshes and a number that could change the number.

    ``points``: surface points per frame. ``normalisation``: a name of ``hdbench.points``, or ``none``.
    ``distance``: ``exact``, or ``gram`` for the released code's single-precision |x|^2 + |y|^2 - 2xy.
    ``ties``: ``fair`` gives half a credit, ``first`` gives the reference the credit.
    ``over_generation``: samples made per reference shape. ``empties``: ``worst`` keeps a sample without a surface as
    one that is infinitely far from everything; ``drop`` leaves it out and cuts the rest to the number of references.
    ``level`` (logits) and ``resolution`` (grid points per axis) of the meshing; None leaves both to the recipe.
    """

    name: str = "strict"
    points: int = 2048
    normalisation: Literal["none", "shape_unit", "shape_unit_legacy", "shape_bbox", "frame_box"] = "shape_unit"
    distance: Literal["exact", "gram"] = "exact"
    ties: Literal["fair", "first"] = "fair"
    over_generation: float = 1.0
    empties: Literal["worst", "drop"] = "worst"
    level: float | None = None
    resolution: int | None = None

    def __post_init__(self) -> None:
        check(1 <= self.points <= 1_000_000, "protocol.points", "in 1..1000000", self.points)
        check(1.0 <= self.over_generation <= 10.0, "protocol.over_generation", "in 1..10", self.over_generation)
        check(
            self.empties == "drop" or self.over_generation == 1.0,
            "protocol.over_generation", "1 when empties are kept as the worst", self.over_generation,
        )  # fmt: skip
        check(self.resolution is None or 4 <= self.resolution <= 1024, "protocol.resolution", "in 4..1024", self.resolution)

    @property
    def hash(self) -> str:
        """Eight hex digits of the settings; the name is not a setting."""
        return digest(replace(self, name=""))[:HASH_LENGTH]

    def generated_count(self, reference_count: int) -> int:
        """How many samples a method makes when there are ``reference_count`` reference shapes."""
        return int(self.over_generation * reference_count)

    def sentence(self) -> str:
        """The protocol in words, for the line under a table."""
        level = "the recipe's level" if self.level is None else f"level {self.level:g} (logits)"
        grid = "the recipe's grid" if self.resolution is None else f"a grid of {self.resolution}^3"
        distance = "" if self.distance == "exact" else " in single precision, expanded form"
        ties = "ties count half" if self.ties == "fair" else "ties go to the reference"
        kept = "empty samples count as the worst" if self.empties == "worst" else "empty samples dropped, the rest cut to N"
        count = "N" if self.over_generation == 1 else f"{self.over_generation:g} N"
        return (
            f"{self.points} points per shape, normalised by {self.normalisation}; squared Chamfer, mean + mean{distance}; "
            f"{count} samples for N references, {kept}; {ties}; meshed at {level} on {grid}."
        )


PRESETS: dict[str, Protocol] = {
    "strict": Protocol(),
    "hyperdiffusion": Protocol(
        name="hyperdiffusion",
        normalisation="shape_unit_legacy",
        distance="gram",
        ties="first",
        over_generation=1.1,
        empties="drop",
        level=1.386,  # sigmoid(1.386) = 0.8
        resolution=356,
    ),
}


def preset(name: str) -> Protocol:
    """The protocol of this name; HdbenchError with the nearest name if there is none."""
    if name not in PRESETS:
        raise unknown("protocol", name, PRESETS)
    return PRESETS[name]

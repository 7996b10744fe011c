"""How a number is made: a protocol is data, and its hash is printed under every table.

``strict`` is the metric of the paper with the bugs of the released code removed. The others are released codes, quirks included:

``hyperdiffusion`` (github.com/Rgtemze/HyperDiffusion@fd2c581): a tenth more samples than references are made, the empty ones are
dropped and the list is cut; the scale is measured before the cloud is centred; distances are the single-precision expanded form.
``pointflow`` (stevenygd/PointFlow@26e8c26), ``pvd`` (alexzhou907/PVD@9747265), ``lion`` (nv-tlabs/LION@7711b3d): clouds in the
coordinates they come in, their first 2048 points; ``lion-box`` is LION's evaluation of clouds scaled to a box of side one.
``dpc`` (luost26/diffusion-point-cloud@b037c5f): clouds scaled to [-1, 1], distances by the expanded form.
All of them give the credit of a tie to the reference, and take zero clouds for shapes.
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

    ``points``: surface points per frame; ``take``: which ones of a cloud that has more, a ``random`` choice per shape or its
    ``first``. ``normalisation``: a name of ``hdbench.points``, or ``none``.
    ``distance``: ``exact``, or ``gram`` for the released code's single-precision |x|^2 + |y|^2 - 2xy.
    ``ties``: ``fair`` gives half a credit, ``first`` gives the reference the credit.
    ``sizes``: ``subsample`` compares equally many shapes, a random choice of the larger set; ``equal`` refuses unequal sets.
    ``over_generation``: samples made per reference shape. ``empties``: ``worst`` keeps a sample without a surface as
    one that is infinitely far from everything; ``drop`` leaves it out and cuts the rest to the number of references;
    ``zeros`` takes it for a cloud of zeros, as released codes do.
    ``level`` (logits) and ``resolution`` (grid points per axis) of the meshing; None leaves both to the recipe.
    ``emd_points``: the first so many points of a cloud that earth mover's distances use (all: None).
    ``features_on``: extractors see clouds in their own normalisation, or those that ``distances`` see.
    ``grid``: JSD counts points of clouds scaled to the ``box`` of side one, or of clouds ``as_is``.
    """

    name: str = "strict"
    points: int = 2048
    take: Literal["random", "first"] = "random"
    normalisation: Literal[
        "none", "shape_unit", "shape_unit_legacy", "shape_bbox", "shape_bbox_half", "frame_box", "unit_sphere"
    ] = "shape_unit"
    distance: Literal["exact", "gram"] = "exact"
    ties: Literal["fair", "first"] = "fair"
    sizes: Literal["subsample", "equal"] = "subsample"
    over_generation: float = 1.0
    empties: Literal["worst", "drop", "zeros"] = "worst"
    level: float | None = None
    resolution: int | None = None
    emd_points: int | None = 512
    features_on: Literal["own", "distances"] = "own"
    grid: Literal["box", "as_is"] = "box"

    def __post_init__(self) -> None:
        check(1 <= self.points <= 1_000_000, "protocol.points", "in 1..1000000", self.points)
        check(1.0 <= self.over_generation <= 10.0, "protocol.over_generation", "in 1..10", self.over_generation)
        check(
            self.empties == "drop" or self.over_generation == 1.0,
            "protocol.over_generation", "1 when empty samples are kept", self.over_generation,
        )  # fmt: skip
        check(self.resolution is None or 4 <= self.resolution <= 1024, "protocol.resolution", "in 4..1024", self.resolution)
        check(self.emd_points is None or self.emd_points >= 1, "protocol.emd_points", "1 or more, or none", self.emd_points)

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
        count = "N" if self.over_generation == 1 else f"{self.over_generation:g} N"
        emd = "all" if self.emd_points is None else f"{self.emd_points}"
        features = "in the extractor's normalisation" if self.features_on == "own" else "of the same clouds"
        box = "scaled to its box" if self.grid == "box" else "in the coordinates given"
        return (
            f"{self.points} points per shape ({self.take} choice), normalised by {self.normalisation}; squared Chamfer, "
            f"mean + mean{distance}; {count} samples for N references, {_SIZES[self.sizes]}, {_EMPTIES[self.empties]}; {ties}; "
            f"meshed at {level} on {grid}; EMD on {emd} points; features {features}; JSD of clouds {box}."
        )


_EMPTIES = {
    "worst": "empty samples count as the worst",
    "drop": "empty samples dropped, the rest cut to N",
    "zeros": "empty samples count as clouds of zeros",
}
_SIZES = {"subsample": "the larger set sub-sampled", "equal": "unequal sets refused"}
_RELEASED = Protocol(
    take="first", normalisation="none", ties="first", sizes="equal", empties="zeros", emd_points=None, grid="as_is"
)

PRESETS: dict[str, Protocol] = {
    "strict": Protocol(),
    "hyperdiffusion": Protocol(
        name="hyperdiffusion",
        normalisation="shape_unit_legacy",
        distance="gram",
        ties="first",
        sizes="equal",
        over_generation=1.1,
        empties="drop",
        level=1.386,  # sigmoid(1.386) = 0.8
        resolution=356,
        features_on="distances",
    ),
    "pointflow": replace(_RELEASED, name="pointflow"),
    "pvd": replace(_RELEASED, name="pvd"),
    "dpc": replace(_RELEASED, name="dpc", normalisation="shape_bbox", distance="gram"),
    "lion": replace(_RELEASED, name="lion"),
    "lion-box": replace(_RELEASED, name="lion-box", normalisation="shape_bbox_half"),
}


def preset(name: str) -> Protocol:
    """The protocol of this name; HdbenchError with the nearest name if there is none."""
    if name not in PRESETS:
        raise unknown("protocol", name, PRESETS)
    return PRESETS[name]

"""The interfaces of the registry. A plugin implements one or more of them; the flow knows nothing else.

``shapes -> FieldEncoder -> weights -> WeightDenoiser -> Sampler -> weights -> FieldEncoder.decode -> meshes -> Metric``;
a Baseline stands beside that chain: one object that fits and samples.

Every component is built as ``cls(config)`` with an instance of its ``Config``, a frozen dataclass. A component holds no
state beyond its configuration: what it learns is returned, and the store keeps it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hdbench.clouds import Cloud
from hdbench.errors import HdbenchError
from hdbench.shapes import Mesh, Shape, Split, normalise
from hdbench.weights import WeightLayout

if TYPE_CHECKING:
    from hdbench.schedule import Schedule

Progress = Callable[[int, int], None]  # (done, total)


class Component(ABC):
    """What all components have in common: a name, a source (paper, equation, repository@commit) and a configuration.

    ``small`` are settings, by name, with which the checks of its contract are fast ('hdbench plugins check').
    """

    name: ClassVar[str]
    source: ClassVar[str]
    Config: ClassVar[type]
    small: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, config: Any) -> None:
        self.config = config


# ---------------------------------------------------------------------------------------------------------------- data


@dataclass(frozen=True, slots=True, kw_only=True)
class QuerySpec:
    """Which points of a shape an encoder wants to see, per frame; a part of the encoder's configuration.

    ``near`` points lie on the outer surface plus Gaussian noise (an equal share per sigma), ``uniform`` in the box
    [-0.5, 0.5]^3; ``held_out`` points (half near at the first sigma, half uniform) are for quality, never for fitting;
    ``surface`` points lie on the outer surface; ``grid`` > 0 asks for occupancy at the centres of grid^3 cells.
    """

    near: int = 0
    uniform: int = 0
    sigmas: tuple[float, ...] = (0.01,)
    held_out: int = 0
    surface: int = 0
    grid: int = 0

    def bytes(self, frames: int) -> int:
        """Size of one shape's samples: 12 bytes a point, one a label."""
        return frames * (13 * (self.near + self.uniform + self.held_out) + 12 * self.surface + self.grid**3)


@dataclass(frozen=True, slots=True, eq=False)
class FieldSamples:
    """What was seen of n shapes with t frames: the input of an encoder. Points are float32 in the box, labels are bool.

    near [n, t, a, 3], near_inside [n, t, a]; uniform [n, t, b, 3], uniform_inside [n, t, b];
    held_out [n, t, h, 3], held_out_inside [n, t, h] (first half near, second half uniform);
    surface [n, t, s, 3]; grid [n, t, r, r, r] bool, indexed x, y, z. A part that was not asked for has size 0.
    Within ``near``, sigmas take turns point by point, so that any slice holds all of them.
    """

    names: tuple[str, ...]
    near: Tensor
    near_inside: Tensor
    uniform: Tensor
    uniform_inside: Tensor
    held_out: Tensor
    held_out_inside: Tensor
    surface: Tensor
    grid: Tensor

    def __len__(self) -> int:
        return len(self.names)

    def select(self, index: Sequence[int]) -> FieldSamples:
        """The samples of some of the shapes."""
        i = torch.as_tensor(list(index), dtype=torch.long)
        parts = (self.near, self.near_inside, self.uniform, self.uniform_inside)
        rest = (self.held_out, self.held_out_inside, self.surface, self.grid)
        return FieldSamples(tuple(self.names[k] for k in index), *(p[i] for p in parts), *(p[i] for p in rest))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What a source sees in a folder that is laid out as its own, by names of files alone.

    ``layout`` in words; ``path`` to give to the source; ``title`` of this part of the data, such as ``airplane (02691156)``;
    ``count`` shapes; ``files`` of shapes, {name: file}, where each has its own; ``remarks``: what is odd about names of files and
    lists, and what a user should know of the layout.
    """

    layout: str
    path: str
    title: str
    count: int
    files: Mapping[str, Path] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


class ShapeSource(Component):
    """Where shapes come from: a procedural category, a folder of meshes, a data set on disk.

    ``holds`` says what it knows of its shapes: their ``meshes``, or ``clouds`` of points alone, to which no field can be fitted
    (``cloud`` then gives a shape, and ``shape`` raises HdbenchError). ``any_folder``: it takes whatever files of its formats are
    in a folder, so that it is asked last what a folder is.
    """

    holds: ClassVar[Literal["meshes", "clouds"]] = "meshes"
    any_folder: ClassVar[bool] = False

    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """The names of all shapes, in an order that does not depend on the machine. HdbenchError if there are none."""

    @abstractmethod
    def shape(self, name: str) -> Shape:
        """The shape in its own units and pose (the flow normalises it). ShapeError, with the reason, if it cannot be used."""

    def cloud(self, name: str) -> tuple[Cloud, list[str]]:
        """All points that a source of clouds has of a shape, in its own units and pose, and what is odd about them. ShapeError,
        with the reason, if it cannot be used."""
        raise HdbenchError(f"The shapes '{self.name}' are meshes: points are drawn on their surfaces.")

    @classmethod
    def recognise(cls, path: Path) -> Sequence[Sighting]:
        """What lies at ``path`` that this source can read, one for each part that could be given to it; nothing if it is not laid
        out for it. By names of files alone, so that it takes seconds for a data set of thousands."""
        return ()

    up: Literal["y", "z"] = "z"  # which axis points upwards, for pictures

    def place(self, shape: Shape) -> Shape:
        """The shape in the box [-0.5, 0.5]^3: centred and scaled, unless the source has its own way."""
        return normalise(shape)

    def shape_with_notes(self, name: str) -> tuple[Shape, list[str]]:
        """The shape, and what was mended or is odd about it (duplicate faces dropped, winding turned, ...)."""
        return self.shape(name), []

    def fingerprint(self) -> str:
        """What the shapes depend on besides the configuration (such as the files' sizes and times); in a stage's hash."""
        return ""

    def split(self) -> Split | None:
        """The split that the data set prescribes, or None: the flow then splits 80/5/15 in the order of the names."""
        return None


# -------------------------------------------------------------------------------------------------------------- recipe


@dataclass(slots=True)
class Session:
    """What a component may use while it works: where, with which seed, how to report, how to survive a kill.

    ``load()`` gives the last saved checkpoint or None; ``save(tensors)`` stores one atomically (flat dict of tensors).
    A component that goes on from a checkpoint must end in the same result as one that was never stopped.
    ``folder`` is its own place for files of other programs (logs, what they read and write); it outlives a kill. ``say`` shows a
    line of theirs while they work; ``notes`` are sentences that a user must read under the table.
    ``logits``, while a denoiser is trained, evaluates the fields that it denoises: (coordinates [b, k] in the diffused space,
    points [q, 3] in the box) -> [b, q], differentiable; see ``FieldEncoder.logits``.
    """

    seed: int
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    progress: Progress = lambda done, total: None
    load: Callable[[], dict[str, Tensor] | None] = lambda: None
    save: Callable[[dict[str, Tensor]], None] = lambda tensors: None
    logits: Callable[[Tensor, Tensor], Tensor] | None = None
    folder: Path | None = None
    say: Callable[[str], None] = lambda text: None
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """The weights [n, p] of n shapes and per-shape quality figures, each [n] (such as ``iou_near``, ``iou_uniform``)."""

    weights: Tensor
    quality: dict[str, Tensor]


class FieldEncoder(Component):
    """Shape -> weights and back. The field lives in the box [-0.5, 0.5]^3; with T frames one weight vector holds them all."""

    @abstractmethod
    def queries(self) -> QuerySpec:
        """The points it wants to see."""

    @abstractmethod
    def layout(self, frames: int) -> WeightLayout:
        """The named parts of its weight vector for shapes of ``frames`` frames."""

    def refuse_shapes(self, names: Sequence[str]) -> None:
        """HdbenchError when it has what it needs not for all of these training shapes; asked before anything is computed."""

    def chunk(self, device: str) -> int:
        """How many shapes are fitted together on ``cpu`` or ``cuda``: what a kill may lose, and what a device likes."""
        return 16 if device == "cpu" else 64

    def start(self, chunks: Iterable[FieldSamples], session: Session) -> dict[str, Tensor]:
        """What all fields share before the first is fitted (such as the weights of the first MLP), from the training shapes."""
        return {}

    @abstractmethod
    def encode(self, samples: FieldSamples, start: Mapping[str, Tensor], session: Session) -> Encoded:
        """Fit the fields of these shapes. The result for one shape must not depend on which others are in the chunk:
        seed by name (``seed_of(session.seed, "encode", name)``)."""

    @abstractmethod
    def decode(self, weights: Tensor, frames: int, resolution: int, level: float) -> tuple[Mesh, ...]:
        """The weights [p] of one shape -> one mesh per frame, at the iso-level ``level`` in logits (0 is probability 1/2).

        A mesh may be empty (no faces); that is counted, never replaced.
        """

    def decode_frame(self, weights: Tensor, frames: int, frame: int, resolution: int, level: float) -> Mesh:
        """The mesh of one frame of ``decode``; for encoders that need not make the others."""
        return self.decode(weights, frames, resolution, level)[frame]

    def logits(self, weights: Tensor, points: Tensor, frames: int) -> Tensor:
        """The fields [b, p] at points [q, 3] of the box, [b, q]: positive inside, differentiable, on the weights' device.

        Of a sequence, point i is taken in frame i modulo ``frames``. HdbenchError for an encoder whose fields have no such form.
        """
        raise HdbenchError(f"The fields of the encoder '{self.name}' cannot be evaluated at points. Set training.surface=0.")

    def accept(self, quality: Mapping[str, Tensor]) -> Tensor:
        """Which fields are good enough to train on, [n] bool. All, unless the encoder has a gate."""
        return torch.ones(len(next(iter(quality.values()))), dtype=torch.bool)


class WeightDenoiser(Component):
    """(noised weights, step) -> the network's prediction."""

    @property
    def ready(self) -> bool:
        """Whether its settings name a network that is trained: ``train`` then loads it, and ``weights`` may have no rows."""
        return False

    @abstractmethod
    def network(self, layout: WeightLayout) -> nn.Module:
        """An untrained module with ``forward(noised [b, p] float32, step [b] int64) -> [b, p]``; its state_dict is stored.
        Its initial parameters must be a function of torch's global seed alone (the flow seeds it). It is first built on the
        device ``meta``, to find settings that do not fit before the fields are fitted."""

    @abstractmethod
    def train(self, network: nn.Module, weights: Tensor, schedule: Schedule, session: Session) -> dict[str, Tensor]:
        """Train in place on ``weights`` [n, p] (already in the diffused space); returns curves such as ``loss`` [k]."""


Denoise = Callable[[Tensor, int], Tensor]  # (noised [b, p], step) -> clean [b, p]


class Sampler(Component):
    """Noise -> weights; knows nothing of weights or networks."""

    @abstractmethod
    def sample(self, denoise: Denoise, schedule: Schedule, start: Tensor, noise: Callable[[int], Tensor]) -> Tensor:
        """Take ``start`` [b, p] ~ N(0, 1) down the schedule. ``noise(k)`` gives the k-th draw of fresh noise [b, p], from a
        generator per sample, so that a sample does not depend on its batch."""


# ------------------------------------------------------------------------------------------------------------ baseline


@dataclass(frozen=True, slots=True, eq=False)
class TrainingSet:
    """What a baseline trains on: names, clouds [n, t, q, 3] float32 on the outer surface, and the shapes on request."""

    names: tuple[str, ...]
    clouds: Tensor
    shape: Callable[[str], Shape]


class Baseline(Component):
    """One object that fits and samples, by whatever means.

    ``presets``: {``tiny``, ``small``, ``paper``: the settings in which it departs from ``Config()``}; empty when there is
    but one.
    """

    produces: ClassVar[Literal["meshes", "clouds"]] = "clouds"
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    def provenance(self) -> str:
        """How its row is obtained, in sentences under the table: native or external, at which commit, trained on what, with
        which schedule and sampler. It is asked before anything is computed."""
        return ""

    def fingerprint(self) -> str:
        """What its row depends on besides the configuration, as the hash of a checkpoint that it reads; in a stage's hash."""
        return ""

    def row(self) -> str:
        """The title of its row, which tells a faster sampler from the authors' (``DPC (DDIM-20)``)."""
        return str(getattr(self, "title", self.name))

    def fitted_with(self) -> Any:
        """The configuration as far as ``fit`` depends on it, so that another sampler trains nothing anew: by default all."""
        return self.config

    @abstractmethod
    def fit(self, training: TrainingSet, session: Session) -> dict[str, Tensor]:
        """Train; returns its state as a flat dict of tensors, which the store keeps."""

    @abstractmethod
    def sample(self, state: Mapping[str, Tensor], count: int, session: Session) -> list[tuple[Mesh, ...]] | Tensor:
        """``count`` samples: one tuple of T meshes each, or clouds [count, t, q, 3]. Sample j is seeded by
        ``seed_of(session.seed, "sample", j)``."""


# ------------------------------------------------------------------------------------------------------------ features


class FeatureExtractor(Component):
    """Cloud -> a vector of features, in which sets of shapes are compared (Fréchet and kernel distances, precision, recall)."""

    normalisation: ClassVar[str] = "unit_sphere"  # the name in hdbench.points that its clouds are brought to

    @abstractmethod
    def fingerprint(self) -> str:
        """What the features depend on besides the configuration: the hash of the weights. Features of different
        fingerprints are never compared. HdbenchError, with the next step, when the weights are not there."""

    @abstractmethod
    def extract(self, clouds: NDArray[np.float32], session: Session) -> NDArray[np.float64]:
        """Clouds [n, q, 3], finite and normalised -> features [n, d]. The features of a cloud depend neither on the order of
        its points nor on what else is in the batch."""


# -------------------------------------------------------------------------------------------------------------- metric


Index = NDArray[np.int64]
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Distances ``between`` [g, r], ``within_generated`` [g, g] and ``within_reference`` [r, r]; infinite for empty samples."""

    between: Values
    within_generated: Values
    within_reference: Values

    def select(self, generated: Index, reference: Index) -> Pairs:
        """The same distances on a part of both sets."""
        g, r = generated, reference
        return Pairs(self.between[np.ix_(g, r)], self.within_generated[np.ix_(g, g)], self.within_reference[np.ix_(r, r)])


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """A vector per shape: ``generated`` [g, d] and ``reference`` [r, d]; rows of empty samples are nan."""

    generated: Values
    reference: Values

    def select(self, generated: Index, reference: Index) -> Features:
        """The same features on a part of both sets."""
        return Features(self.generated[generated], self.reference[reference])


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """The k nearest training shapes of every shape, nearest first, and how far training shapes are from each other.

    ``generated`` [g, k], ``reference`` [r, k]: distances; ``generated_index``, ``reference_index``: which training shape;
    ``training`` [m]: from each training shape to the nearest other one. Empty samples are infinitely far.
    """

    generated: Values
    generated_index: Index
    reference: Values
    reference_index: Index
    training: Values

    def select(self, generated: Index, reference: Index) -> Neighbours:
        """The same neighbours for a part of both sets; the training set stays whole."""
        g, r = generated, reference
        return Neighbours(self.generated[g], self.generated_index[g], self.reference[r], self.reference_index[r], self.training)


@dataclass(frozen=True, slots=True, eq=False)
class Figures:
    """Named figures of every shape, such as ``watertight`` or ``speed``: {name: [g]} and {name: [r]}; nan where unknown."""

    generated: Mapping[str, Values]
    reference: Mapping[str, Values]

    def select(self, generated: Index, reference: Index) -> Figures:
        """The same figures of a part of both sets."""
        chosen = ({k: v[i] for k, v in part.items()} for part, i in ((self.generated, generated), (self.reference, reference)))
        return Figures(*chosen)


Part = Pairs | Features | Neighbours | Figures


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Generated against reference shapes, as the metrics see them.

    ``generated`` [g, t, q, 3] and ``reference`` [r, t, q, 3] are normalised clouds. The distances are squared Chamfer,
    averaged over frames: ``between`` [g, r], ``within_generated`` [g, g], ``within_reference`` [r, r], float64. Rows of
    samples that came out empty are infinite (also to each other), and so is their cloud (nan). ``parts`` hold what else
    the metrics said that they read (``Metric.reads``).
    """

    generated: NDArray[np.float32]
    reference: NDArray[np.float32]
    between: Values
    within_generated: Values
    within_reference: Values
    ties: Literal["fair", "first"] = "fair"
    parts: Mapping[str, Part] = field(default_factory=dict)

    def select(self, generated: Index, reference: Index) -> Comparison:
        """The same comparison on a part of both sets."""
        g, r = generated, reference
        return Comparison(
            self.generated[g], self.reference[r], self.between[np.ix_(g, r)],
            self.within_generated[np.ix_(g, g)], self.within_reference[np.ix_(r, r)], self.ties,
            {name: part.select(g, r) for name, part in self.parts.items()},
        )  # fmt: skip

    def empty(self) -> NDArray[np.bool_]:
        """Which generated samples have no surface, [g]."""
        return np.asarray(~np.isfinite(self.generated).all((1, 2, 3)))


@dataclass(frozen=True, slots=True, eq=False)
class Vector:
    """A case whose answer is known exactly: ``expected`` {column: value} of a metric on ``comparison``, and why it is known."""

    title: str
    comparison: Comparison
    expected: Mapping[str, float]


class Metric(Component):
    """One number (or a few) that says how alike two sets of shapes are, and how to read it."""

    direction: ClassVar[Literal["lower", "higher", "target"]]
    target: ClassVar[float | None] = None  # the ideal, when direction is "target"
    range: ClassVar[tuple[float, float]]
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {}  # of further columns, where it is another
    unit: ClassVar[str]  # such as "x100" or "%"
    definition: ClassVar[str]  # one sentence
    cost: ClassVar[str] = "free once the distances are known"
    sees: ClassVar[str] = "far"
    """What it must tell from good samples: shapes ``far`` from all real ones, ``copies`` of training shapes, ``broken`` meshes,
    or sequences that stand ``still`` (``hdbench.testing.sets`` has such sets; the contract holds the metric to it)."""
    chamfer: ClassVar[Literal["all", "nearest", "none"]] = "all"
    """What it reads of Chamfer distances. Where no metric reads ``all`` and no interval is asked for, those that are no one's
    nearest may be infinite."""
    resampled: ClassVar[bool] = True  # whether subsamples of the sets say how much it varies; FD-infinity extrapolates by itself
    reads: tuple[str, ...] = ()
    """The parts of a Comparison that it needs besides Chamfer distances: ``emd`` (Pairs; ``hdbench.scoring.evidence`` names its
    variants), ``features/NAME`` (Features of that extractor), ``train`` (Neighbours among the training clouds), ``cells``
    (Figures: the part of shape space, the nearest training shape in it), ``weights``
    (Neighbours in weight space), ``meshes`` and ``motion`` (Figures). What cannot be had is reported, and the metric left out."""

    @abstractmethod
    def measure(self, comparison: Comparison) -> dict[str, float]:
        """Values by column; the first is the one that tables print. In the metric's unit."""

    @classmethod
    def vectors(cls) -> Sequence[Vector]:
        """Cases with known answers, which ``hdbench metrics --selftest`` and the contract run."""
        return ()


# -------------------------------------------------------------------------------------------------------------- logger


@dataclass(frozen=True, slots=True, eq=False)
class Logged:
    """A finished run as a logger gets it: its ``name``, the ``folder``, the ``command`` and flat ``settings`` that made it,
    ``values`` {row: {column: number}}, ``curves`` {row: {curve: values in the order of the training}}, and ``pictures``."""

    name: str
    folder: Path
    command: str
    settings: Mapping[str, Any]
    values: Mapping[str, Mapping[str, float]]
    curves: Mapping[str, Mapping[str, Values]]
    pictures: Sequence[Path]


class Logger(Component):
    """Puts runs where people keep their logs ('hdbench log'). It reads the run folder and never writes into it."""

    @abstractmethod
    def log(self, run: Logged, out: Path) -> str:
        """Write the run below the folder ``out`` (or send it where the logger's service is) and say where, in one line."""


INTERFACES: dict[str, type[Component]] = {
    "encoder": FieldEncoder,
    "denoiser": WeightDenoiser,
    "sampler": Sampler,
    "baseline": Baseline,
    "features": FeatureExtractor,
    "metric": Metric,
    "shapes": ShapeSource,
    "logger": Logger,
}

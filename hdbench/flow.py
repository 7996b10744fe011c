"""The run, top to bottom: shapes -> weights -> denoiser -> new weights -> meshes -> clouds -> scores -> rows.

Each line of ``recipe_clouds`` is a stage of the paper's figure 2; ``run`` puts methods side by side on the same shapes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from math import ceil
from pathlib import Path
from typing import Any, TypeVar

from hdbench.engine import Engine, infos
from hdbench.errors import HdbenchError
from hdbench.plan import Plan
from hdbench.preflight import preflight
from hdbench.recipes import Recipe
from hdbench.scoring.evidence import extractors_of
from hdbench.seeds import numpy_generator, seed_of
from hdbench.shapes import Split, split_by_fraction
from hdbench.stages.diffuse import TILE
from hdbench.stages.measure import SetRows
from hdbench.store import Rows, load_info
from hdbench.strips import Strip, strips_of
from hdbench.workers import Workers

REFERENCE_ROWS = {  # stage -> title
    "noise": "training fields + noise",
    "gaussian": "weight-space Gaussian",
    "interpolate": "interpolation of two",
}
CHUNK = 16  # shapes per part: small enough to lose little to a kill, large enough to batch

J = TypeVar("J")
R = TypeVar("R")

STAGES = "hdbench.stages"
_NOT_FITTED = "The denoiser was given, so no field was fitted; '--reference-rows' fits them."


@dataclass(frozen=True, slots=True)
class Data:
    """The shapes of a run: their split, where their clouds are, and what was left out; ``spare``: whether each has that many
    points again, as surfaces always do."""

    split: Split
    frames: int
    clouds: dict[str, tuple[Path, int]]  # name -> (file, row)
    left_out: list[dict[str, str]]
    notes: list[str]
    spare: bool = True

    def select(self, names: tuple[str, ...]) -> Rows:
        """The clouds of these shapes."""
        return Rows.of([self.clouds[name] for name in names])


@dataclass(slots=True)
class Outcome:
    """One row in the making: its samples by draw, the files of its meshes, of the fields that it learned from and of the trained
    denoiser, strips that show how it works, and its scores or why there are none; ``measured`` is where the scores are, and
    beside them the shapes nearest to each sample."""

    title: str
    method: str
    origin: str
    draws: list[SetRows] = field(default_factory=list)
    meshes: list[Path] = field(default_factory=list)
    fields: list[Path] = field(default_factory=list)
    requested: int = 0
    note: str = ""
    trained: Path | None = None
    strips: list[Strip] = field(default_factory=list)
    score: dict[str, Any] | None = None
    measured: Path | None = None
    failure: str | None = None

    @property
    def empties(self) -> int:
        """Samples without a surface."""
        return sum(load_info(path)["empty"] for path in self.meshes)


@dataclass(frozen=True, slots=True)
class Result:
    """All rows of a run and the data they were made on."""

    data: Data
    outcomes: list[Outcome]


def run(plan: Plan, engine: Engine, reference_rows: bool) -> Result:
    """Every method of the plan on the same shapes, scored against the same test shapes under one protocol."""
    data = survey(plan, engine)
    preflight(plan, engine, data)
    jobs: list[Callable[[], list[Outcome]]] = [lambda: controls(plan, engine, data, reference_rows)]
    jobs += [lambda m=method: method_rows(plan, engine, data, m, reference_rows) for method in plan.titles]  # type: ignore[misc]
    against = references(plan, data)
    shared = shared_distances(plan, engine, against)

    def scored(job: Callable[[], list[Outcome]]) -> list[Outcome]:
        return [with_strips(plan, engine, data, score(engine, outcome, against, shared)) for outcome in job()]

    return Result(data, [outcome for outcomes in side_by_side(jobs, scored, engine.workers) for outcome in outcomes])


def side_by_side(jobs: Sequence[J], act: Callable[[J], R], workers: Workers) -> list[R]:
    """``act`` on every job: they wait for each other only where they share workers; when one is stopped, all are."""
    with ThreadPoolExecutor(len(jobs)) as pool:
        futures = [pool.submit(act, job) for job in jobs]
        try:
            return [future.result() for future in futures]
        except BaseException:
            workers.stop()
            raise


def survey(plan: Plan, engine: Engine) -> Data:
    """Look at all shapes, leave out what cannot be used, and split the rest."""
    source = plan.source.build()
    names = source.names()
    stage = engine.stage(
        "shapes: look at them", f"{STAGES}.survey:survey", [{"names": chunk} for chunk in _chunks(names)],
        source=plan.source, points=plan.protocol.points, seed=plan.data.seed,
    )  # fmt: skip
    parts = infos(stage)
    rows = {s["name"]: (path, i) for path, info in zip(stage.parts(), parts) for i, s in enumerate(info["shapes"])}
    shapes = [s for info in parts for s in info["shapes"]]
    left_out = [item for info in parts for item in info["left_out"]]
    if left_out and plan.data.strict:
        raise HdbenchError(
            f"{len(left_out)} of {len(names)} shapes cannot be used (--strict). The first: {left_out[0]['reason']}"
        )
    frames = {s["frames"] for s in shapes}
    if len(frames) > 1:
        raise HdbenchError(f"The shapes have different numbers of frames: {sorted(frames)}. All must have the same.")
    split = _split(plan, tuple(rows), source.split(), left_out)
    spare = all(s.get("stock", 2 * plan.protocol.points) >= 2 * plan.protocol.points for s in shapes)
    return Data(split, frames.pop(), rows, left_out, _notes(shapes), spare)


def _split(plan: Plan, usable: tuple[str, ...], prescribed: Split | None, left_out: list[dict[str, str]]) -> Split:
    if not usable:
        raise HdbenchError(f"None of the {len(left_out)} shapes can be used. The first: {left_out[0]['reason']}")
    if prescribed:
        known = set(usable)
        parts = [tuple(name for name in part if name in known) for part in (prescribed.train, prescribed.val, prescribed.test)]
        if min(len(parts[0]), len(parts[2])) < 1:
            raise HdbenchError("The data set's split lists leave no usable train or no usable test shape.")
        return Split(*parts)
    if plan.data.order == "hash":
        usable = tuple(sorted(usable, key=lambda name: seed_of(plan.data.seed, "order", name)))
    return split_by_fraction(usable, plan.data.train, plan.data.val)


def _notes(shapes: list[dict[str, Any]]) -> list[str]:
    """What was mended or is odd, duplicates among the shapes first."""
    by_digest: dict[str, list[str]] = defaultdict(list)
    for shape in shapes:
        by_digest[shape["digest"]].append(shape["name"])
    twins = [f"the same geometry under several names: {', '.join(names)}" for names in by_digest.values() if len(names) > 1]
    return twins + [f"{shape['name']}: {note}" for shape in shapes for note in shape["notes"]]


def method_rows(plan: Plan, engine: Engine, data: Data, method: str, reference_rows: bool) -> list[Outcome]:
    """The row of a method, and of its reference rows when they are asked for. A method that fails becomes a row that says why."""
    outcome = Outcome(plan.titles[method], method, "ours", requested=_requested(plan, data) * plan.run.draws)
    try:
        if not isinstance(plan.settings[method], Recipe):
            return [baseline_clouds(plan, engine, data, outcome)]
        why = why_fields(plan, method, reference_rows)
        fields = encode(plan, engine, data, method) if why else []
        if plan.parts(method)["denoiser"].build().ready:
            outcome.note = f"The denoiser was given; fields were fitted because {why}." if why else _NOT_FITTED
        rows = reference_outcomes(plan, engine, data, method, fields) if reference_rows else []
        return [replace(row, fields=fields) for row in (recipe_clouds(plan, engine, data, outcome, fields), *rows)]
    except HdbenchError as error:
        outcome.failure = str(error)
        return [outcome]


def why_fields(plan: Plan, method: str, reference_rows: bool) -> str:
    """What needs the fields of the training shapes, as the end of a sentence; nothing when a denoiser is given and all else does
    without them."""
    if not plan.parts(method)["denoiser"].build().ready:
        return "the denoiser is trained on them"
    if plan.settings[method].space != "raw":
        return f"the space '{plan.settings[method].space}' is measured on them"
    if reference_rows:
        return "the reference rows are made of them"
    readers = [ref.name for ref in plan.chosen_metrics if "weights" in ref.build().reads]
    return f"the metric '{readers[0]}' compares with them" if readers else ""


def encode(plan: Plan, engine: Engine, data: Data, method: str) -> list[Path]:
    """Fit one field per training shape; returns the files of their weights."""
    title, encoder = plan.titles[method], plan.parts(method)["encoder"]
    chunks = [{"names": chunk} for chunk in _chunks(data.split.train, encoder.build().chunk(engine.device))]
    queries = engine.stage(f"{title}: query points", f"{STAGES}.encode:query", chunks, source=plan.source,
                           spec=encoder.build().queries()).parts()  # fmt: skip
    shared = engine.one(f"{title}: shared start", f"{STAGES}.encode:start", encoder=encoder, queries=queries)
    calls = [{"queries": path} for path in queries]
    return engine.stage(f"{title}: fit the fields", f"{STAGES}.encode:encode", calls, encoder=encoder, shared=shared).parts()


def recipe_clouds(plan: Plan, engine: Engine, data: Data, outcome: Outcome, fields: list[Path]) -> Outcome:
    """Train the denoiser on the fields, sample new weights, decode them: the paper's method."""
    title, recipe, parts = outcome.title, plan.settings[outcome.method], plan.parts(outcome.method)
    trained = engine.one(f"{title}: train", f"{STAGES}.diffuse:train", encoder=parts["encoder"], denoiser=parts["denoiser"],
                         schedule=recipe.schedule, space=recipe.space, fields=fields, frames=data.frames)  # fmt: skip
    tiles = [{"tile": tile} for tile in range(ceil(outcome.requested / TILE))]
    sampled = engine.stage(f"{title}: sample", f"{STAGES}.diffuse:sample", tiles, denoiser=parts["denoiser"],
                           sampler=parts["sampler"], schedule=recipe.schedule, trained=trained)  # fmt: skip
    rows = [(sampled.part(j // TILE), j % TILE) for j in range(outcome.requested)]
    outcome.trained = trained
    outcome.note = " ".join(filter(None, (outcome.note, _refusals(engine.info(trained)))))
    return decode(plan, engine, data, outcome, rows)


def _refusals(facts: dict[str, Any] | None) -> str:
    """How many fields were not good enough to train on, if any."""
    if not facts or not facts["refused"]:
        return ""
    return f"{facts['refused']} of {facts['refused'] + facts['fields']} fields missed the quality gate and were not trained on."


def decode(plan: Plan, engine: Engine, data: Data, outcome: Outcome, rows: list[tuple[Path, int]]) -> Outcome:
    """Weights (file, row) to meshes and clouds, CHUNK at a time; the samples keep both."""
    recipe, encoder = plan.settings[outcome.method], plan.parts(outcome.method)["encoder"]
    resolution = plan.protocol.resolution or recipe.meshing.resolution
    level = recipe.meshing.level if plan.protocol.level is None else plan.protocol.level
    chunks = _chunks(tuple(rows))
    calls = [{"weights": Rows.of(chunk), "first": k * CHUNK} for k, chunk in enumerate(chunks)]
    stage = engine.stage(f"{outcome.title}: meshes", f"{STAGES}.decode:decode", calls, encoder=encoder,
                         frames=data.frames, resolution=resolution, level=level, points=plan.protocol.points)  # fmt: skip
    return _with_clouds(plan, outcome, stage.parts(), [len(chunk) for chunk in chunks], rows)


def baseline_clouds(plan: Plan, engine: Engine, data: Data, outcome: Outcome) -> Outcome:
    """Fit a baseline on the training shapes and sample it."""
    baseline = plan.ref("baseline", outcome.method, plan.settings[outcome.method])
    clouds = engine.one(f"{outcome.title}: clouds", f"{STAGES}.measure:gather", clouds=data.select(data.split.train))
    fitted = replace(baseline, config=baseline.build().fitted_with())
    state = engine.one(f"{outcome.title}: fit", f"{STAGES}.baseline:fit", baseline=fitted, source=plan.source,
                       names=data.split.train, clouds=clouds)  # fmt: skip
    samples = engine.one(f"{outcome.title}: sample", f"{STAGES}.baseline:sample", baseline=baseline, state=state,
                         count=outcome.requested, points=plan.protocol.points)  # fmt: skip
    notes = [note for part in (state, samples) for note in (engine.info(part) or {})["notes"]]
    notes += [f"Here it took {engine.took(state)} to fit and {engine.took(samples)} to sample."]
    outcome.note = " ".join(dict.fromkeys(notes))
    return _with_clouds(plan, outcome, [samples], [outcome.requested])


def _with_clouds(
    plan: Plan, outcome: Outcome, paths: list[Path], counts: list[int], weights: list[tuple[Path, int]] | None = None
) -> Outcome:
    """Cut the samples into draws of as many as the protocol asks for."""
    rows = [(path, i) for path, count in zip(paths, counts) for i in range(count)]
    size = len(rows) // plan.run.draws
    cuts = [slice(k * size, (k + 1) * size) for k in range(plan.run.draws)]
    outcome.draws = [SetRows(Rows.of(rows[cut]), None if weights is None else Rows.of(weights[cut])) for cut in cuts]
    outcome.meshes = paths
    return outcome


def references(plan: Plan, data: Data) -> dict[str, Any]:
    """What every row is held against, with what: the arguments that the two stages of scoring share."""
    return {
        "reference": SetRows(data.select(data.split.test)),
        "training": SetRows(data.select(data.split.train)),
        "metrics": plan.metrics,
        "extractors": extractors_of([ref.build() for ref in plan.metrics]),
        "protocol": plan.protocol,
    }


def shared_distances(plan: Plan, engine: Engine, against: dict[str, Any]) -> Path:
    """What all rows owe to the test and training shapes alone; all seeds share it."""
    return engine.one("shapes: distances and features", f"{STAGES}.measure:known", seed=plan.data.seed, **against)


def controls(plan: Plan, engine: Engine, data: Data, reference_rows: bool) -> list[Outcome]:
    """Rows that say what numbers mean. As many training shapes as generated ones: what a perfect generator would score, and a
    generator that copies its training set, which novelty alone tells apart. The test shapes, sampled again: the floor."""
    draws = [SetRows(data.select(names)) for names in training_draws(plan, data)]
    oracle = Outcome("training shapes (oracle)", "oracle", "reference", draws, requested=sum(len(d.clouds) for d in draws))
    if not reference_rows or not data.spare or plan.protocol.over_generation > 1:  # there are no more of them
        return [oracle]
    again = engine.one("shapes: other points", f"{STAGES}.survey:resample", source=plan.source, names=data.split.test,
                       points=plan.protocol.points, seed=plan.data.seed)  # fmt: skip
    count = len(data.split.test)
    rows = SetRows(Rows.of([(again, k) for k in range(count)]))
    return [oracle, Outcome("test shapes, other points", "resampled", "reference", [rows], requested=count)]


def training_draws(plan: Plan, data: Data) -> list[tuple[str, ...]]:
    """Names of training shapes for each draw, as many as are generated, without repetition within a draw."""
    count = min(_requested(plan, data), len(data.split.train))
    order = [numpy_generator(plan.run.seed, "oracle", k).permutation(len(data.split.train)) for k in range(plan.run.draws)]
    return [tuple(data.split.train[i] for i in permutation[:count]) for permutation in order]


def reference_outcomes(plan: Plan, engine: Engine, data: Data, method: str, fields: list[Path]) -> list[Outcome]:
    """Rows that keep us honest: training shapes through their own fields, noise on them, a Gaussian and interpolation."""
    title, encoder = plan.titles[method], plan.parts(method)["encoder"]
    place = {name: (path, row) for path in fields for row, name in enumerate(_names(path))}
    again = [place[name] for names in training_draws(plan, data) for name in names]
    outcomes = [decode(plan, engine, data, Outcome(f"{title}: reconstruction", method, "reference", requested=len(again)), again)]
    count = _requested(plan, data) * plan.run.draws
    for name, words in REFERENCE_ROWS.items():
        weights = engine.one(f"{title}: {name}", f"{STAGES}.diffuse:{name}", encoder=encoder, fields=fields, count=count)
        row = Outcome(f"{title}: {words}", method, "reference", requested=count)
        outcomes.append(decode(plan, engine, data, row, [(weights, j) for j in range(count)]))
    return outcomes


def score(engine: Engine, outcome: Outcome, against: dict[str, Any], shared: Path) -> Outcome:
    """The metrics of a row, every draw against the test shapes; a row that cannot be scored says why."""
    if outcome.failure is None:
        training = replace(against["training"], weights=_all_weights(outcome.fields) if outcome.fields else None)
        try:
            path = engine.one(f"{outcome.title}: score", f"{STAGES}.measure:measure", draws=outcome.draws, shared=shared,
                              **{**against, "training": training})  # fmt: skip
            outcome.score, outcome.measured = engine.info(path), path
        except HdbenchError as error:
            outcome.failure = str(error)
    return outcome


def with_strips(plan: Plan, engine: Engine, data: Data, outcome: Outcome) -> Outcome:
    """Pictures in the making; a row keeps its numbers where they fail, and says so."""
    try:
        outcome.strips = strips_of(plan, engine, data.frames, outcome)
    except HdbenchError as error:
        outcome.note = f"{outcome.note} There are no pictures of its denoising: {error}".strip()
    return outcome


def _all_weights(fields: list[Path]) -> Rows:
    """The weights of every fitted training shape."""
    return Rows.of([(path, row) for path in fields for row in range(len(_names(path)))])


def _requested(plan: Plan, data: Data) -> int:
    """Samples per draw."""
    return plan.protocol.generated_count(len(data.split.test))


def _names(path: Path) -> list[str]:
    return load_info(path)["names"]


def _chunks(items: tuple, size: int = CHUNK) -> list[tuple]:
    return [items[i : i + size] for i in range(0, len(items), size)]

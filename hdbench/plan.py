"""What a run will do: every setting of every part, resolved before the first expensive second."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from hdbench.config import as_dict, check, digest, from_dict, leaves, override, resolve_key
from hdbench.data.taxonomy import category_of
from hdbench.errors import HdbenchError, unknown
from hdbench.kit.known import hint
from hdbench.protocol import PRESETS as PROTOCOLS
from hdbench.protocol import Protocol
from hdbench.recipes import PRESETS, Recipe
from hdbench.refs import Ref
from hdbench.registry import Registry

SHAPE_COUNTS = {"tiny": 400, "small": 1000, "paper": 4045}  # of a procedural category, by preset
SEQUENCE_COUNTS = {"tiny": 480, "small": 600, "paper": 1772}  # of sequences; DeformingThings4D has 1772
PARTS = ("encoder", "denoiser", "sampler")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """``seed`` of everything; ``draws`` sets of samples are generated and scored; ``threads`` per training or sampling task
    (a part of the identity of a result, because the order of a sum depends on it; the number of processes is not);
    ``metrics`` to compute and print; when empty, all that are installed but those that must be asked for, and the table prints
    those that are meant for every table (``hdbench metrics`` says which)."""

    seed: int = 0
    draws: int = 3
    threads: int = 1
    metrics: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check(self.seed >= 0, "run.seed", "0 or more", self.seed)
        check(1 <= self.draws <= 100, "run.draws", "in 1..100", self.draws)
        check(1 <= self.threads <= 256, "run.threads", "in 1..256", self.threads)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSettings:
    """Where shapes come from and how they are split: fractions of the usable shapes, in the order of a hash of their names
    and ``seed`` (``order = "name"``: the order of the source), so that another ``run.seed`` keeps the test shapes.

    A split that the data set prescribes goes before both. A shape that cannot be used is left out and counted; with
    ``strict`` it ends the run.
    """

    source: str = "airplane"
    train: float = 0.80
    val: float = 0.05
    order: Literal["hash", "name"] = "hash"
    seed: int = 0
    strict: bool = False

    def __post_init__(self) -> None:
        check(0 < self.train < 1, "data.train", "between 0 and 1", self.train)
        check(0 <= self.val < 1 - self.train, "data.val", "in [0, 1 - data.train)", self.val)


@dataclass(frozen=True, slots=True)
class Plan:
    """The configuration of a run, part by part: ``run``, ``data``, ``shapes``, ``protocol`` and one part per method."""

    settings: Mapping[str, Any]
    titles: Mapping[str, str]  # of the methods, in the order of their rows
    notes: Mapping[str, str]  # under the table: where a method's preset departs from the paper, and what was changed
    preset: str
    registry: Registry

    @property
    def run(self) -> RunSettings:
        return self.settings["run"]

    @property
    def data(self) -> DataSettings:
        return self.settings["data"]

    @property
    def protocol(self) -> Protocol:
        return self.settings["protocol"]

    @property
    def source(self) -> Ref:
        return self.ref("shapes", self.data.source, self.settings["shapes"])

    @property
    def category(self) -> str:
        """What the shapes are, as the paper calls it: ``airplane`` of ``shapenet:DIR/02691156``; else the name of the source."""
        return category_of(getattr(self.settings["shapes"], "path", ""), self.data.source)

    @property
    def metrics(self) -> list[Ref]:
        return [self.ref("metric", name, _default(self.registry, "metric", name)) for name in self.run.metrics]

    @property
    def printed(self) -> tuple[str, ...]:
        """The metrics that the table prints: those for every table, or all when others were chosen by name."""
        return self.run.metrics if self.chosen_metrics else tuple(self.registry.metrics("table"))

    @property
    def chosen_metrics(self) -> list[Ref]:
        """The metrics, if they were chosen by name; none if they are those that nobody has to ask for."""
        return self.metrics if self.run.metrics != _default_metrics(self.registry) else []

    @property
    def digest(self) -> str:
        """The identity of the run: its whole configuration."""
        return digest(dict(self.settings))

    @property
    def name(self) -> str:
        """A folder name for people: data, preset, identity."""
        return f"{self.data.source}-{self.preset}-{self.digest[:8]}"

    def ref(self, kind: str, name: str, config: Any) -> Ref:
        return Ref(kind, name, self.registry.find(kind, name).offer.target, config)

    def parts(self, method: str) -> dict[str, Ref]:
        """{kind: reference} of a recipe's encoder, denoiser and sampler."""
        recipe: Recipe = self.settings[method]
        return {kind: self.ref(kind, recipe.components[kind], getattr(recipe, kind)) for kind in PARTS}

    def as_dict(self) -> dict[str, Any]:
        """The full configuration as plain values."""
        return {name: as_dict(part) for name, part in self.settings.items()}


def make_plan(
    registry: Registry,
    methods: tuple[str, ...],
    *,
    preset: str,
    data: str,
    protocol: str = "strict",
    tables: tuple[Mapping[str, Any], ...] = (),
    overrides: tuple[str, ...] = (),
) -> Plan:
    """Presets first, then TOML tables, then ``KEY=VALUE``. HdbenchError for anything that does not exist or does not fit."""
    if preset not in PRESETS:
        raise unknown("preset", preset, PRESETS)
    if protocol not in PROTOCOLS:
        raise unknown("protocol", protocol, PROTOCOLS)
    source, shapes = _source(registry, data, preset)
    settings: dict[str, Any] = {"run": RunSettings(), "data": DataSettings(source=source), "shapes": shapes,
                                "protocol": PROTOCOLS[protocol]}  # fmt: skip
    titles, notes = {}, {}
    for method in methods:
        titles[method], settings[method], notes[method] = _method(registry, method, preset, _are_sequences(shapes))
    presets = dict(settings)
    for table in tables:
        settings = from_dict(settings, table)
    settings = override(_swap_components(registry, settings, overrides), overrides)
    if not settings["run"].metrics:
        settings["run"] = replace(settings["run"], metrics=_default_metrics(registry))
    notes = {m: " ".join(filter(None, (notes[m], _provenance(registry, m, settings[m]), _changes(presets[m], settings[m]))))
             for m in methods}  # fmt: skip
    titles |= {m: registry.resolve("baseline", m)(settings[m]).row() for m in methods if ("baseline", m) in registry.components}
    plan = Plan(settings, titles, notes, preset, registry)
    parts = [ref for m in titles if isinstance(settings[m], Recipe) for ref in plan.parts(m).values()]
    for ref in (plan.source, *plan.metrics, *parts):
        _refuse_settings_of_another(registry, ref)
    _refuse_fields_of_clouds(plan)
    return plan


def _default_metrics(registry: Registry) -> tuple[str, ...]:
    """All that need not be asked for, those for every table first."""
    return tuple(registry.metrics("table") + registry.metrics("score"))


def _refuse_settings_of_another(registry: Registry, ref: Ref) -> None:
    """A file may name another component and keep the settings of the one before."""
    if not isinstance(ref.config, registry.resolve(ref.kind, ref.name).Config):
        option = f"--data {ref.name}" if ref.kind == "shapes" else f"-o {ref.kind}={ref.name}"
        raise HdbenchError(
            f"The settings given for the {ref.kind} '{ref.name}' are those of another one. Choose it with '{option}'."
        )


def _refuse_fields_of_clouds(plan: Plan) -> None:
    """A field needs to know what is inside: HdbenchError for a recipe on shapes that are clouds."""
    recipes = [plan.titles[method] for method in plan.titles if isinstance(plan.settings[method], Recipe)]
    if recipes and plan.registry.resolve("shapes", plan.data.source).holds == "clouds":
        raise HdbenchError(
            f"{recipes[0]} fits a field to each shape, and the shapes '{plan.data.source}' are clouds of points: nothing says "
            "what is inside. Give the meshes, as '--data shapenet:DIR/02691156', or run baselines alone, which learn from clouds."
        )


def _source(registry: Registry, data: str, preset: str) -> tuple[str, Any]:
    """``NAME`` or ``NAME:PATH`` -> the source's name and its configuration."""
    name, _, path = data.partition(":")
    config = _default(registry, "shapes", name)
    if path:
        if not hasattr(config, "path"):
            raise HdbenchError(f"The shapes '{name}' take no path, but '{data}' gives one. Write --data {name}.")
        config = replace(config, path=path)
    elif hasattr(config, "path") and not config.path:
        raise HdbenchError(f"The shapes '{name}' need a folder. Write --data {name}:DIR.")
    counts = SEQUENCE_COUNTS if _are_sequences(config) else SHAPE_COUNTS
    return name, replace(config, count=counts[preset]) if hasattr(config, "count") else config


def _are_sequences(shapes: Any) -> bool:
    """Whether these are the settings of a source of sequences: they say how many frames."""
    return getattr(shapes, "frames", 1) > 1


def _default(registry: Registry, kind: str, name: str) -> Any:
    return registry.resolve(kind, name).Config()


def _changes(before: Any, after: Any) -> str:
    """The settings that are not the preset's, as a sentence."""
    known = dict(leaves(before))
    changed = [f"{key}={value}" for key, value in leaves(after) if key not in known or known[key] != value]
    return f"Changed: {', '.join(changed)}." if changed else ""


def _method(registry: Registry, name: str, preset: str, sequences: bool) -> tuple[str, Any, str]:
    """(title, configuration, note) of a recipe or a baseline, for shapes or for ``sequences`` of them."""
    if ("baseline", name) in registry.components:
        cls = registry.resolve("baseline", name)
        _require_preset(name, preset, cls.presets)
        return getattr(cls, "title", name), from_dict(cls.Config(), cls.presets.get(preset, {}), f"{name}."), ""
    if ("recipe", name) not in registry.components:
        step = hint(registry, name) or "'hdbench plugins' lists what is installed."
        raise unknown("method", name, registry.names("recipe") + registry.names("baseline"), step)
    book = registry.resolve("recipe", name)
    _require_preset(name, preset, book.presets)
    recipe, note = _with_components(registry, book.presets[preset]), book.notes.get(preset, "")
    if not sequences:
        return book.title, recipe, note
    return book.title, from_dict(recipe, book.sequences.get(preset, {}), f"{name}."), book.sequence_notes.get(preset, note)


def _require_preset(method: str, preset: str, presets: Mapping[str, Any]) -> None:
    if presets and preset not in presets:
        raise HdbenchError(f"The method '{method}' has no preset '{preset}'. It has: {', '.join(presets)}.")


def _provenance(registry: Registry, method: str, config: Any) -> str:
    return registry.resolve("baseline", method)(config).provenance() if ("baseline", method) in registry.components else ""


def _with_components(registry: Registry, recipe: Recipe) -> Recipe:
    """The recipe with settings that were given by name (a plugin does not import another one's) turned into configurations."""
    for kind in PARTS:
        given = getattr(recipe, kind)
        if isinstance(given, Mapping):
            default = _default(registry, kind, recipe.components[kind])
            recipe = replace(recipe, **{kind: from_dict(default, given, f"{kind}.")})
    return recipe


def _swap_components(registry: Registry, settings: dict[str, Any], overrides: tuple[str, ...]) -> dict[str, Any]:
    """Where an override names another component (``sampler=ddpm``), its default configuration takes the place of the old one."""
    for assignment in overrides:
        key, _, name = assignment.partition("=")
        kind = key.rpartition(".")[2]
        if kind not in PARTS:
            continue
        method = resolve_key(settings, key).partition(".")[0]
        if settings[method].components[kind] != name:
            settings = {**settings, method: replace(settings[method], **{kind: _default(registry, kind, name)})}
    return settings

"""Every component of this repository's plugins has a contract test, and the contracts refuse components that are broken."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from hdbench_hyperdiffusion.transformer import TransformerConfig, WeightTransformer
from hdbench_samplers.ddim import DDIM, DDIMConfig
from hdbench_set_metrics.chamfer import Coverage, MinimumMatchingDistance, NearestNeighbourAccuracy
from hdbench_shapes.category import Category
from hdbench_shapes.chair import Chairs
from hdbench_sphere.baseline import Resample
from hdbench_sphere.denoiser import GaussianConfig, GaussianDenoiser
from hdbench_sphere.field import RadiusEncoder
from hdbench_sphere.recipe import BOOK
from hdbench_sphere.shapes import Spheres, SpheresConfig
from torch import nn

from hdbench.hookspecs import Offer
from hdbench.interfaces import Encoded
from hdbench.recipes import RecipeBook
from hdbench.shapes import Mesh, Shape, Split
from hdbench.testing import (
    BaselineContract,
    Contract,
    DenoiserContract,
    EncoderContract,
    MetricContract,
    RecipeContract,
    SamplerContract,
    ShapesContract,
)
from hdbench.testing.contract import installed
from hdbench.training import Training

ROOT = Path(__file__).parents[1]
PLUGINS = sorted(path.parent for path in (ROOT / "plugins").glob("*/pyproject.toml"))

# ------------------------------------------------------------------------------------------- every component has a contract


def module_at(file: Path) -> ModuleType:
    """The module of a file, under a name of its own."""
    spec = importlib.util.spec_from_file_location(f"contracts_of_{file.parents[1].name.replace('-', '_')}", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def under_contract(files: Iterable[Path]) -> set[tuple[str, str]]:
    """(kind, name) of every component that a test class in these files holds to its contract."""
    classes = [value for file in files for value in vars(module_at(file)).values() if isinstance(value, type)]
    return {(c.kind, c().offer().name) for c in classes if issubclass(c, Contract) and c.__name__.startswith("Test")}


def contract_files() -> list[Path]:
    return [file for plugin in PLUGINS if (file := plugin / "tests" / "test_contract.py").exists()]


def offered() -> set[tuple[str, str]]:
    ours = {plugin.name for plugin in PLUGINS}
    return {key for key, component in installed().components.items() if component.distribution in ours}


def test_every_plugin_of_the_repository_is_installed_and_offers_something():
    assert installed().quarantine == []
    assert {component.distribution for component in installed().components.values()} >= {plugin.name for plugin in PLUGINS}


def test_every_component_has_a_contract_test():
    assert offered() - under_contract(contract_files()) == set()


def test_the_check_for_missing_contracts_can_fail():
    without = [file for file in contract_files() if file.parents[1].name != "hdbench-set-metrics"]
    of_that_plugin = {key for key, found in installed().components.items() if found.distribution == "hdbench-set-metrics"}
    assert offered() - under_contract(without) == of_that_plugin
    assert ("metric", "mmd-cd") in of_that_plugin


def test_contracts_need_no_pytest():
    code = "import sys, hdbench.testing; sys.exit('pytest' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --------------------------------------------------------------------------------------------- contracts refuse what is broken


def complaint(contract: type[Contract], sound: object, broken: object, check: str, **attributes: object) -> str:
    """What the check says of the broken component; it must have nothing to say of the sound one."""
    cases = [type("Case", (contract,), {"component": component, **attributes})() for component in (sound, broken)]
    getattr(cases[0], check)()
    with pytest.raises(AssertionError) as error:
        getattr(cases[1], check)()
    return str(error.value)


def broken(parent: type, **methods: object) -> type:
    """The sound component with something replaced."""
    return type(f"Broken{parent.__name__}", (parent,), methods)


def frames(change):
    """``shape`` of spheres whose meshes are changed."""
    return lambda self, name: Shape(name, tuple(map(change, Spheres.shape(self, name).frames)), solid=True)


def bent(mesh: Mesh) -> Mesh:
    return Mesh(mesh.vertices + np.random.default_rng().normal(size=3), mesh.faces)  # another place at every call


SHAPES = [
    ({"names": lambda self: ("a", "b", "a")}, "names_are_unique_and_stay", "uniquely, but these come twice: ['a']"),
    ({"names": lambda self: ()}, "names_are_unique_and_stay", "at least one, but names() gives ()"),
    ({"names": lambda self: (str(torch.rand(())),)}, "names_are_unique_and_stay", "the same order every time"),
    ({"shape": frames(bent)}, "a_shape_is_the_same_every_time", "the same surface whenever"),
    ({"shape": frames(lambda m: Mesh(m.vertices, m.faces + 1))}, "a_shape_is_well_formed", "existing vertices"),
    ({"shape": frames(lambda m: Mesh(m.vertices * np.nan, m.faces))}, "a_shape_is_well_formed", "finite vertices"),
    ({"shape": frames(lambda m: Mesh(m.vertices, m.faces[:, ::-1]))}, "a_shape_is_well_formed", "wind solid shapes outwards"),
    ({"shape": lambda self, name: Shape("other", Spheres.shape(self, name).frames)}, "a_shape_is_well_formed", "called 'other'"),
    ({"place": lambda self, s: Shape(s.name, tuple(Mesh(3 * m.vertices, m.faces) for m in s.frames))},
     "a_placed_shape_lies_in_the_box", "in [-0.5, 0.5]^3, but 'sphere-0000' reaches"),
    ({"split": lambda self: Split(("sphere-0000",), (), ("sphere-0000",))}, "a_split_names_shapes_that_exist_once", "one part"),
    ({"split": lambda self: Split(("x",), (), ())}, "a_split_names_shapes_that_exist_once", "but the split names ['x']"),
    ({"shape_with_notes": lambda self, name: (self.shape(name), [3])}, "notes_come_with_the_same_shape", "a list of str"),
]  # fmt: skip


@pytest.mark.parametrize(("methods", "check", "message"), SHAPES)
def test_broken_shapes_are_refused(methods, check, message):
    said = complaint(ShapesContract, Spheres, broken(Spheres, **methods), f"test_{check}", small=SpheresConfig(count=3))
    assert said.startswith("The shapes 'spheres' must ")
    assert message in said


def test_shapes_that_know_every_name_are_refused():
    anything = broken(Chairs, shape=lambda self, name: Chairs.shape(self, "chair-0000"))
    said = complaint(ShapesContract, Chairs, anything, "test_an_unknown_name_is_refused", small=Category.Config(count=2))
    assert said == (
        "The shapes 'chair' must raise HdbenchError for an unknown name, but it gave Shape for 'no shape has this name'."
    )


def encoded(change):
    """``encode`` of radii whose weights [n, t] are changed."""

    def encode(self, samples, start, session):
        sound = RadiusEncoder.encode(self, samples, start, session)
        return Encoded(change(sound.weights), sound.quality)

    return encode


def decoded(change):
    """``decode`` of radii whose meshes are changed."""
    return lambda self, *arguments: tuple(map(change, RadiusEncoder.decode(self, *arguments)))


ENCODERS = [
    ({"encode": encoded(lambda w: w[:, :0])}, "weights_have_the_size_of_the_layout", "[3, 1] in float32 on the CPU, but"),
    ({"encode": encoded(lambda w: w.double())}, "weights_have_the_size_of_the_layout", "they are torch.float64 [3, 1]"),
    ({"encode": encoded(lambda w: w / 0)}, "weights_have_the_size_of_the_layout", "finite weights"),
    ({"accept": lambda self, quality: torch.ones(3)}, "weights_have_the_size_of_the_layout", "accept() gives torch.float32"),
    ({"encode": encoded(lambda w: w + 1e-6 * w.mean())}, "a_shape_does_not_depend_on_its_company", "weights of 'ball-0' differ"),
    ({"encode": encoded(lambda w: w + 1e-6 * torch.rand(()))}, "the_seed_decides_every_bit", "a second time differs"),
    ({"decode": lambda self, *a: RadiusEncoder.decode(self, *a)[1:]}, "decoded_spheres_are_meshes_that_look_outwards",
     "decode to 1 meshes, one per frame, but 'ball-0' became 0"),
    ({"decode": decoded(lambda m: Mesh(m.vertices, m.faces[:, ::-1]))}, "decoded_spheres_are_meshes_that_look_outwards",
     "outwards, but its signed volume is -"),
    ({"decode": decoded(lambda m: Mesh(m.vertices, m.faces[:0]))}, "decoded_spheres_are_meshes_that_look_outwards", "is empty"),
    ({"decode": decoded(lambda m: Mesh(m.vertices * 2, m.faces))}, "decoded_spheres_are_meshes_that_look_outwards", "reach 0.8"),
]  # fmt: skip


@pytest.mark.parametrize(("methods", "check", "message"), ENCODERS)
def test_broken_encoders_are_refused(methods, check, message):
    said = complaint(EncoderContract, RadiusEncoder, broken(RadiusEncoder, **methods), f"test_{check}")
    assert said.startswith("The encoder 'radius' must ")
    assert message in said


class Mixing(nn.Module):
    """Predicts a row from all rows."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, noised, step):
        return self.inner(noised, step) + 0.01 * noised.mean(0)


def network(change):
    """``network`` of the transformer, wrapped or changed."""
    return lambda self, layout: change(WeightTransformer.network(self, layout))


def unseeded(module: nn.Module) -> nn.Module:
    generator = torch.Generator()
    generator.seed()
    for parameter in module.parameters():
        nn.init.normal_(parameter, generator=generator)
    return module


def on_the_cpu(module: nn.Module) -> nn.Module:
    module.register_buffer("scale", torch.ones(1, device="cpu"))
    return module


def trained(before=lambda n, w, s: None, after=lambda n, w: None):
    """``train`` of the transformer with something done before or after it."""

    def train(self, network, weights, schedule, session):
        session = before(network, weights, session) or session
        curves = WeightTransformer.train(self, network, weights, schedule, session)
        after(network, weights)
        return curves

    return train


def without_moments(_network, _weights, session):
    """A session whose checkpoints have forgotten what the optimiser knew."""
    load = session.load
    forget = lambda saved: saved and {k: v * 0 if "exp_avg" in k else v for k, v in saved.items()}  # noqa: E731
    return replace(session, load=lambda: forget(load()))


@torch.no_grad()
def nudged(network: nn.Module, _weights) -> None:
    next(network.parameters()).add_(1e-6 * torch.rand(()))


def narrowed(network: nn.Module, _weights) -> None:
    network.register_forward_hook(lambda module, inputs, output: output + 1)  # not in the state_dict


DENOISERS = [
    ({"network": network(on_the_cpu)}, "the_network_is_built_on_the_meta_device_and_on_the_cpu", "not on 'meta': ['scale']"),
    ({"network": network(Mixing)}, "a_row_does_not_depend_on_the_others", "predict a row by that row alone"),
    ({"network": network(unseeded)}, "the_global_seed_decides_the_first_parameters", "for the same torch seed"),
    ({"train": trained(after=lambda n, w: w.mul_(2))}, "training_gives_curves_and_leaves_its_weights_alone", "are changed"),
    ({"train": lambda self, *a: {}}, "training_gives_curves_and_leaves_its_weights_alone", "curves of its training"),
    ({"train": trained(after=nudged)}, "training_is_decided_by_the_seed_of_the_session", "these differ: "),
    ({"train": trained(after=narrowed)}, "a_trained_network_is_wholly_in_its_state", "from its stored state_dict"),
    ({"train": trained(before=without_moments)}, "a_killed_training_ends_in_the_same_bits", "from a checkpoint to the same bits"),
]
QUICK = TransformerConfig(width=8, layers=1, heads=2, training=Training(steps=4, batch=4, checkpoint_seconds=0.0))


@pytest.mark.parametrize(("methods", "check", "message"), DENOISERS)
def test_broken_denoisers_are_refused(methods, check, message):
    said = complaint(DenoiserContract, WeightTransformer, broken(WeightTransformer, **methods), f"test_{check}", small=QUICK)
    assert said.startswith("The denoiser 'transformer' must ")
    assert message in said


def test_a_denoiser_that_never_saves_must_say_so():
    check = "test_a_killed_training_ends_in_the_same_bits"
    silent = type("Case", (DenoiserContract,), {"component": GaussianDenoiser, "small": GaussianConfig(steps=20)})
    with pytest.raises(AssertionError, match="'gaussian' must save a checkpoint before the end"):
        getattr(silent(), check)()


def sampled(change):
    """``sample`` of DDIM whose arguments (denoise, schedule, start, noise) are changed."""
    return lambda self, *arguments: DDIM.sample(self, *change(*arguments))


def off(by):
    """``sample`` of DDIM whose result is off by something."""
    return lambda self, *arguments: (drawn := DDIM.sample(self, *arguments)) + by(drawn)


def in_place(self, denoise, schedule, start, noise):
    drawn = DDIM.sample(self, denoise, schedule, start, noise)
    start.zero_()
    return drawn


SAMPLERS = [
    ({"sample": off(lambda x: 0.01)}, "a_constant_denoiser_gives_that_constant", "but it ends 0.01 from it"),
    ({"sample": off(lambda x: x.mean(0))}, "a_sample_does_not_depend_on_its_batch", "sample 0 alone is"),
    ({"sample": off(lambda x: 1e-9 + torch.rand(()))}, "all_randomness_comes_from_noise", "a second time differs"),
    ({"sample": off(lambda x: torch.nan)}, "samples_have_the_shape_of_the_start_and_are_finite", "give finite samples"),
    ({"sample": lambda self, *a: DDIM.sample(self, *a)[:1]}, "samples_have_the_shape_of_the_start_and_are_finite", "[1, 6]"),
    ({"sample": sampled(lambda d, s, x, n: (lambda v, step: d(v, step + 1), s, x, n))}, "it_evaluates_inside_the_schedule",
     "evaluate at steps (int) in 0..39, but it asked for 40"),
    ({"sample": sampled(lambda d, s, x, n: (d, s, x, lambda k: n(99 - k)))}, "draws_of_noise_are_counted_from_zero",
     "in order, but it asked for [99, 98"),
    ({"sample": in_place}, "it_evaluates_inside_the_schedule", "leave the start alone"),
]  # fmt: skip


@pytest.mark.parametrize(("methods", "check", "message"), SAMPLERS)
def test_broken_samplers_are_refused(methods, check, message):
    small = DDIMConfig(steps=6, eta=0.5)
    said = complaint(SamplerContract, DDIM, broken(DDIM, **methods), f"test_{check}", small=small)
    assert said.startswith("The sampler 'ddim' must ")
    assert message in said


def drawn(change):
    """``sample`` of the baseline whose clouds are changed."""
    return lambda self, state, count, session: change(Resample.sample(self, state, count, session))


BASELINES = [
    ({"produces": "pictures"}, "it_says_what_it_produces", "but it says 'pictures'"),
    ({"sample": drawn(lambda c: torch.cat([c, c]))}, "it_gives_as_many_samples_as_were_asked_for", "but it gives 2"),
    ({"sample": drawn(lambda c: c[:, 0])}, "it_gives_as_many_samples_as_were_asked_for", "but they are [1, 64, 3]"),
    ({"sample": drawn(lambda c: c / 0)}, "it_gives_as_many_samples_as_were_asked_for", "finite, or nan altogether"),
    ({"sample": drawn(lambda c: c + torch.rand(()))}, "sampling_is_decided_by_the_seed", "a second time is"),
    ({"sample": drawn(lambda c: c + len(c))}, "a_sample_does_not_depend_on_how_many_there_are", "2 of 2 and 2 of 5 are 3 apart"),
    ({"fit": lambda self, t, s: {"clouds": t.clouds + torch.rand(())}}, "fitting_is_decided_by_the_seed", "differ: clouds"),
    ({"fit": lambda self, t, s: {"names": t.names}}, "fitting_is_decided_by_the_seed", "but it holds {'names': 'tuple'}"),
]


@pytest.mark.parametrize(("methods", "check", "message"), BASELINES)
def test_broken_baselines_are_refused(methods, check, message):
    said = complaint(BaselineContract, Resample, broken(Resample, **methods), f"test_{check}")
    assert said.startswith("The baseline 'resample' must ")
    assert message in said


def measured(value):
    """``measure`` of MMD with another value, from (comparison, the sound value)."""
    return lambda self, c: {"MMD": value(c, MinimumMatchingDistance.measure(self, c)["MMD"])}


def greedy(self, comparison):
    np.fill_diagonal(comparison.within_reference, np.inf)
    return MinimumMatchingDistance.measure(self, comparison)


METRICS = [
    ({"unit": ""}, "it_says_how_to_read_it", "declare its unit"),
    ({"target": 50.0}, "it_says_how_to_read_it", "only if, its direction is 'target'"),
    ({"measure": measured(lambda c, v: v - 100)}, "values_lie_in_the_range", "[0.0, inf], but on 'resampled' sets MMD is -"),
    ({"measure": measured(lambda c, v: float("nan"))}, "values_lie_in_the_range", "MMD is nan"),
    ({"measure": lambda self, c: {f"MMD{len(c.generated)}": 0.0}}, "values_lie_in_the_range", "on 'of another size' it gives"),
    ({"measure": measured(lambda c, v: c.between[0].mean())}, "the_order_of_shapes_does_not_count", "blind to the order"),
    ({"direction": "higher"}, "the_bad_set_that_it_sees_is_worse", "be worse (better is 'higher') for the set 'far'"),
    ({"measure": measured(lambda c, v: 1.0)}, "the_bad_set_that_it_sees_is_worse", "they give 1.0 and 1.0"),
    ({"measure": measured(lambda c, v: min(v, 1e9) * (1 + np.isfinite(c.between).sum()))}, "empty_samples_never_improve_it",
     "be no better when samples come out empty, but 8 of 16 empty turn 'far' sets from"),
    ({"measure": greedy}, "it_leaves_the_comparison_alone_and_says_the_same_twice", "but it changed ['within_reference']"),
    ({"measure": measured(lambda c, v: np.random.default_rng().random())},
     "it_leaves_the_comparison_alone_and_says_the_same_twice", "give the same values twice"),
]  # fmt: skip


@pytest.mark.parametrize(("methods", "check", "message"), METRICS)
def test_broken_metrics_are_refused(methods, check, message):
    parent = MinimumMatchingDistance
    said = complaint(MetricContract, parent, broken(parent, **methods), f"test_{check}")
    assert said.startswith("The metric 'mmd-cd' must ")
    assert message in said


def kept(comparison):
    """The comparison without its empty samples."""
    full = np.flatnonzero(np.isfinite(comparison.between).any(1))
    return comparison.select(full, np.arange(comparison.between.shape[1]))


@pytest.mark.parametrize("parent", [NearestNeighbourAccuracy, MinimumMatchingDistance, Coverage])
def test_a_metric_that_drops_empty_samples_is_refused_where_that_flatters(parent):
    def measure(self, comparison):
        remaining = kept(comparison)
        return parent.measure(self, remaining) if len(remaining.generated) else {"best": 0.0 if parent is not Coverage else 100.0}

    said = complaint(MetricContract, parent, broken(parent, measure=measure), "test_empty_samples_never_improve_it")
    assert "be no better when samples come out empty" in said


TINY = BOOK.presets["tiny"]
RECIPES = [
    (RecipeBook(" ", BOOK.presets), "it_has_a_title_and_presets_of_known_names", "have a title"),
    (RecipeBook("A", {"tiny": TINY, "huge": TINY}), "it_has_a_title_and_presets_of_known_names", "but it has ['huge']"),
    (RecipeBook("A", {"small": TINY}), "it_has_a_title_and_presets_of_known_names", "have a preset 'tiny'"),
    (replace(TINY, components={**TINY.components, "sampler": "dpm"}), "components_exist_and_settings_fit", "is called 'dpm'"),
    (replace(TINY, components={"encoder": "radius"}), "components_exist_and_settings_fit", "but it names ['encoder']"),
    (replace(TINY, sampler={"stepz": 3}), "components_exist_and_settings_fit", "Did you mean 'sampler.steps'?"),
    (replace(TINY, encoder=GaussianConfig()), "components_exist_and_settings_fit", "but it gives a GaussianConfig"),
    (replace(TINY, components={**TINY.components, "denoiser": "unet3d"}, denoiser={}), "networks_of_all_presets_fit_their_fields",
     "needs weights that form one grid"),
    (replace(TINY, sampler={"steps": 2000}), "samplers_of_all_presets_fit_their_schedules", "asks for 2000 steps"),
]  # fmt: skip


@pytest.mark.parametrize(("book", "check", "message"), RECIPES)
def test_broken_recipes_are_refused(book, check, message):
    book = book if isinstance(book, RecipeBook) else RecipeBook("Sphere", {"tiny": book})
    check = f"test_{check}"
    sound = type("Case", (RecipeContract,), {"component": "sphere"})
    getattr(sound(), check)()
    case = type("Case", (RecipeContract,), {"component": "sphere", "subject": lambda self: book})()
    with pytest.raises(AssertionError) as error:
        getattr(case, check)()
    assert str(error.value).startswith("The recipe 'sphere' must ")
    assert message in str(error.value)


@dataclass
class Loose:
    steps: int = 1


@dataclass(frozen=True)
class Demanding:
    steps: int


@dataclass(frozen=True)
class Odd:
    steps: frozenset = frozenset({1, 2})


CONFIGS = [
    (Loose, "is_a_frozen_dataclass_that_needs_no_arguments", "have a frozen dataclass as its Config"),
    (Demanding, "is_a_frozen_dataclass_that_needs_no_arguments", "a Config that builds without arguments"),
    (Odd, "survives_files_and_processes", "plain values or tuples of them, but 'steps' is frozenset"),
]


@pytest.mark.parametrize(("config", "check", "message"), CONFIGS)
def test_broken_configurations_are_refused(config, check, message):
    said = complaint(SamplerContract, DDIM, broken(DDIM, Config=config), f"test_its_config_{check}")
    assert said.startswith("The sampler 'ddim' must ")
    assert message in said


def test_a_component_under_another_name_is_refused():
    offer = Offer("sampler", "ddim", "toys:DDIM", "a toy", "")
    case = type("Case", (SamplerContract,), {"component": broken(DDIM, name="ddmi"), "offer": lambda self: offer})()
    with pytest.raises(AssertionError, match="must have the name 'ddim' that it is offered by, but its class says 'ddmi'"):
        case.test_its_name_is_the_one_it_is_offered_by()
    with pytest.raises(AssertionError, match="be offered with a source"):
        case.test_its_offer_says_what_it_is_and_where_it_comes_from()


def test_a_class_that_nobody_offers_is_refused_and_an_offered_class_is_found():
    check = "test_its_name_is_the_one_it_is_offered_by"
    assert "no installed plugin has an offer with target" in complaint(SamplerContract, DDIM, broken(DDIM), check)

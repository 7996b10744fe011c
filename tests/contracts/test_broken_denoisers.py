"""The contract of denoisers refuses those that are broken, and says why."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from broken_components import broken, complaint
from hdbench_hyperdiffusion.transformer import TransformerConfig, WeightTransformer
from hdbench_sphere.denoiser import GaussianConfig, GaussianDenoiser
from torch import nn

from hdbench.testing import DenoiserContract
from hdbench.training import Training


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

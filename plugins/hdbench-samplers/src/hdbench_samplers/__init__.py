"""Samplers of diffusion models; they know nothing of weights or networks."""

from __future__ import annotations

from collections.abc import Iterable

from hdbench.hookspecs import Offer, hookimpl


@hookimpl
def hdbench_components() -> Iterable[Offer]:
    """The samplers of this plugin."""
    return (
        Offer(
            "sampler", "ddim", "hdbench_samplers.ddim:DDIM", "few deterministic steps (eta 0)", "Song et al. 2021, equation 12"
        ),
        Offer("sampler", "ddpm", "hdbench_samplers.ddpm:DDPM", "ancestral, every step", "Ho et al. 2020, algorithm 2"),
    )

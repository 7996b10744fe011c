"""Samplers of diffusion models; they know nothing of weights or networks."""

from __future__ import annotations

from collections.abc import Iterable

from hdbench.hookspecs import Offer, hookimpl


@hookimpl
def hdbench_components() -> Iterable[Offer]:
    """The samplers of this plugin."""
    here = "hdbench_samplers"
    return (
        Offer("sampler", "ddim", f"{here}.ddim:DDIM", "few deterministic steps (eta 0)", "Song et al. 2021, equation 12"),
        Offer("sampler", "ddpm", f"{here}.ddpm:DDPM", "ancestral, every step", "Ho et al. 2020, algorithm 2"),
        Offer("sampler", "dpm-solver++", f"{here}.dpm:DPMSolver", "fewest steps, second order", "Lu et al. 2022, algorithm 2"),
        Offer("sampler", "heun", f"{here}.heun:Heun", "second order, two evaluations a step", "Karras et al. 2022, algorithm 1"),
    )

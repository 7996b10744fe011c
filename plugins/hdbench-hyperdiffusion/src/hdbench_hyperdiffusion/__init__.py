"""What this plugin offers: HyperDiffusion's field encoder, its weight-space transformer and the recipe that joins them.

Source: Erkoc et al., HyperDiffusion, ICCV 2023; Rgtemze/HyperDiffusion at fd2c581.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hdbench.hookspecs import Offer, hookimpl

if TYPE_CHECKING:
    import click

PAPER = "Erkoc et al., ICCV 2023"


@hookimpl
def hdbench_components() -> tuple[Offer, ...]:
    """One encoder, one denoiser and one recipe."""
    here = "hdbench_hyperdiffusion"
    return (
        Offer("encoder", "mlp", f"{here}.mlp:MLPEncoder", "one small occupancy MLP per shape", f"{PAPER}, section 3.1"),
        Offer(
            "denoiser",
            "transformer",
            f"{here}.transformer:WeightTransformer",
            "a transformer over layers",
            f"{PAPER}, section 3.2",
        ),
        Offer("recipe", "hyperdiffusion", f"{here}.recipe:BOOK", "diffusion over the weights of MLPs", PAPER),
    )


@hookimpl
def hdbench_commands() -> tuple[click.Command, ...]:
    """``hdbench weights import``, ``export``, ``decode`` and ``sample``."""
    from hdbench_hyperdiffusion.command import weights

    return (weights,)

"""ShapeGAN: a generator of signed distance fields, trained against a discriminator of voxels or of points.

Source: Kleineberg, Fey, Weichert 2020, "Adversarial Generation of Continuous Implicit Shape Representations";
marian42/shapegan at 090a6a8 and its branch point_sdf at c57a460.
"""

from __future__ import annotations

from hdbench.hookspecs import Offer, hookimpl

PAPER = "Kleineberg et al. 2020 (arXiv 2002.00349); marian42/shapegan@090a6a8"


@hookimpl
def hdbench_components() -> tuple[Offer, ...]:
    """One baseline, with both discriminators."""
    return (Offer("baseline", "shapegan", "hdbench_shapegan.baseline:ShapeGAN", "a GAN of signed distance fields", PAPER),)

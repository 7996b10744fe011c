"""The contracts of ShapeGAN, with both discriminators, on networks that are trained for a moment."""

from __future__ import annotations

from hdbench_shapegan.settings import Adversarial, ShapeGANConfig, Stages, Start

from hdbench.testing import BaselineContract

MOMENT = Adversarial(every=2, optimiser="adam", features=(8, 4), ema=0.9)


def small(variant: str, size: int) -> ShapeGANConfig:
    stages = Stages(sizes=(size,), batches=(2,), epochs=(0,), steps=(4,))
    return ShapeGANConfig(
        variant=variant, latent=4, hidden=16, initial="spread", truncation=0.4,
        voxel=Stages(sizes=(8,), batches=(2,), epochs=(0,), steps=(4,)),
        point=stages, adversarial=MOMENT, start=Start(steps=60, batch=3, pool=512, points=128), resolution=16,
    )  # fmt: skip


class TestVoxel(BaselineContract):
    component = "shapegan"
    small = small("voxel", 8)


class TestPoint(BaselineContract):
    component = "shapegan"
    small = small("point", 32)

"""The presets of HyperDiffusion: ``paper`` has the released hyper-parameters, the others are sized for a CPU.

The smaller presets differ from the paper where its choices need hundreds of GPU hours to pay off: diffusion happens in
the principal axes of the training weights (raw ones collapse in a short training), the time reaches every token, and
the network that samples is the running average of the one that is trained.
Sources: Rgtemze/HyperDiffusion at fd2c581, configs for airplanes and chairs; Erkoc et al., ICCV 2023, section 4.
"""

from __future__ import annotations

from hdbench.recipes import Meshing, Recipe, RecipeBook
from hdbench.schedule import Schedule
from hdbench.training import Training
from hdbench_hyperdiffusion.fitting import Fit
from hdbench_hyperdiffusion.mlp import MLPConfig
from hdbench_hyperdiffusion.transformer import TransformerConfig

_COMPONENTS = {"encoder": "mlp", "denoiser": "transformer", "sampler": "ddim"}

_TINY = Recipe(
    components=_COMPONENTS,
    encoder=MLPConfig(
        hidden=32, scale=2.0, init="mean", fit=Fit(steps=1200, batch=512, rate=4e-3), min_iou_near=0.3, min_iou_uniform=0.5
    ),
    denoiser=TransformerConfig(width=192, layers=4, heads=4, training=Training(steps=1200, batch=64, lr=1e-3)),
    sampler={"steps": 50},
    space="pca",
    meshing=Meshing(resolution=64),
)

_SMALL = Recipe(
    components=_COMPONENTS,
    encoder=MLPConfig(
        hidden=64,
        scale=2.0,
        init="mean",
        fit=Fit(steps=3000, batch=512, rate=4e-3),
        near=32_768,
        uniform=32_768,
        min_iou_near=0.3,
        min_iou_uniform=0.5,
    ),
    denoiser=TransformerConfig(
        width=384, layers=6, heads=6, training=Training(steps=4000, batch=64, lr=5e-4, warmup=100, ema=0.999)
    ),
    sampler={"steps": 50},
    space="pca",
    meshing=Meshing(resolution=96),
)

_EPOCH = 200_000 // 2048  # steps that an epoch of fitting takes, 97
_PAPER_FIT = Fit(
    steps=5000 * _EPOCH, batch=2048, rate=1e-2, beta2=0.999, decay="plateau", floor=1e-3, patience=50
)  # floor: 1e-5 / 1e-2

_PAPER = Recipe(
    components=_COMPONENTS,
    encoder=MLPConfig(
        hidden=128, octaves=4, scale=1.0, time="index", init="first", fit=_PAPER_FIT, first=_PAPER_FIT,
        near=100_000, uniform=100_000, sigmas=(0.01,),
    ),
    denoiser=TransformerConfig(
        width=2880, layers=12, heads=16, time="token", input_norm=True, projection_bias=False,
        training=Training(
            steps=0, epochs=6000, batch=32, lr=2e-4, warmup=0, decay="staircase", decay_epochs=200, decay_factor=0.9,
            weight_decay=0.01, betas=(0.9, 0.999), clip=0.0, ema=0.0, checkpoint_seconds=600.0,
        ),
    ),
    sampler={"steps": 500, "eta": 0.0},
    schedule=Schedule(steps=500, kind="linear", beta_start=1e-4, beta_end=2e-2, prediction="x0"),
    space="raw",
    meshing=Meshing(resolution=356, level=1.386),
)  # fmt: skip

_TINY_SEQUENCES = {
    "encoder": {"hidden": 64, "near": 4096, "uniform": 4096, "held_out": 512, "fit": {"steps": 2400}},
    "denoiser": {"training": {"steps": 2000}},
}
_SMALL_SEQUENCES = {
    "encoder": {"hidden": 128, "near": 16_384, "uniform": 16_384, "held_out": 1024, "fit": {"steps": 6000}},
}
# 4D: the frame's index is the fourth coordinate, an epoch is as long as in 3D, and the learning rate stays as it is.
_PAPER_SEQUENCES = {
    "encoder": {"fit": {"epoch": _EPOCH}, "first": {"epoch": _EPOCH}},
    "denoiser": {"width": 1440, "training": {"lr": 5e-5, "decay": "none"}},
}

_OURS = (
    "Not the paper's settings: {}; fits start from the mean field (init=mean, ours; the paper's is init=first), weights are "
    "diffused in their principal axes, and the running average of the denoiser samples. '--preset paper' has the released ones."
)

BOOK = RecipeBook(
    "HyperDiffusion",
    {"tiny": _TINY, "small": _SMALL, "paper": _PAPER},
    {
        "tiny": _OURS.format("3 x 32 MLPs, a transformer of 192 x 4"),
        "small": _OURS.format("3 x 64 MLPs, a transformer of 384 x 6"),
    },
    {"tiny": _TINY_SEQUENCES, "small": _SMALL_SEQUENCES, "paper": _PAPER_SEQUENCES},
    {
        "tiny": _OURS.format("3 x 64 MLPs for 16 frames each, a transformer of 192 x 4"),
        "small": _OURS.format("3 x 128 MLPs fitted in 6000 steps, a transformer of 384 x 6"),
    },
)

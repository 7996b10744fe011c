"""What a new distribution needs to know of each kind of component."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """``interface`` and ``contract`` are classes of hdbench; ``ending`` of the author's class name; ``trial`` is a first command
    to try it with; ``contract_lines`` go into the contract test."""

    article: str
    ending: str
    interface: str
    contract: str
    summary: str
    trial: str
    contract_lines: str = ""


KINDS: dict[str, Kind] = {
    "baseline": Kind(
        article="a baseline",
        ending="Baseline",
        interface="Baseline",
        contract="BaselineContract",
        summary="training clouds drawn again, with noise",
        trial="hdbench run --method {component} --data spheres",
    ),
    "encoder": Kind(
        article="a field encoder",
        ending="Encoder",
        interface="FieldEncoder",
        contract="EncoderContract",
        summary="the box around a shape",
        trial="hdbench run --method hyperdiffusion -o encoder={component} -o denoiser.training.steps=100",
        contract_lines="    frames = (1, 2)  # of the sequences that it can encode",
    ),
    "denoiser": Kind(
        article="a weight denoiser",
        ending="Denoiser",
        interface="WeightDenoiser",
        contract="DenoiserContract",
        summary="a perceptron over all weights at once",
        trial="hdbench run --method hyperdiffusion -o denoiser={component}",
    ),
    "sampler": Kind(
        article="a sampler",
        ending="Sampler",
        interface="Sampler",
        contract="SamplerContract",
        summary="straight down the schedule without fresh noise",
        trial="hdbench run --method hyperdiffusion -o sampler={component}",
    ),
    "metric": Kind(
        article="a metric",
        ending="Metric",
        interface="Metric",
        contract="MetricContract",
        summary="median distance of reference shapes to the nearest generated one",
        trial="hdbench run --method sphere --data spheres",
    ),
    "shapes": Kind(
        article="a source of shapes",
        ending="Shapes",
        interface="ShapeSource",
        contract="ShapesContract",
        summary="boxes of random sides",
        trial="hdbench run --method hyperdiffusion --data {component} -o denoiser.training.steps=100",
    ),
}

"""Loggers: where people keep what they have run."""

from hdbench.hookspecs import Offer, hookimpl


@hookimpl
def hdbench_components() -> list[Offer]:
    return [
        Offer(
            "logger", "tensorboard", "hdbench_loggers.tensorboard:TensorBoard", "event files for TensorBoard", "tensorboard.dev"
        ),
        Offer(
            "logger", "wandb", "hdbench_loggers.wandb:WeightsAndBiases", "a run of Weights & Biases, offline first", "wandb.ai"
        ),
        Offer(
            "logger", "hub", "hdbench_loggers.hub:Hub", "safetensors, JSON and a model card, as hubs have it", "hf.co/docs/hub"
        ),
    ]

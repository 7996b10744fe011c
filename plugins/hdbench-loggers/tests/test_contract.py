"""The contract of a logger, for each of them."""

from __future__ import annotations

from hdbench.testing import LoggerContract


class TestHub(LoggerContract):
    component = "hub"


class TestTensorBoard(LoggerContract):
    component = "tensorboard"


class TestWeightsAndBiases(LoggerContract):
    component = "wandb"

"""Contract tests for plugin authors: what every component of a kind must do, inherited by the plugin's own pytest.

    from hdbench.testing import MetricContract

    class TestMinimumMatchingDistance(MetricContract):
        component = "mmd-cd"

``component`` is the name under which the plugin offers it (or the class); ``small`` is a configuration that makes the
checks fast. Nothing here imports pytest, and nothing of hdbench imports this package.
"""

from __future__ import annotations

from hdbench.testing.baseline import BaselineContract
from hdbench.testing.contract import ComponentContract, Contract
from hdbench.testing.denoiser import DenoiserContract
from hdbench.testing.encoder import EncoderContract
from hdbench.testing.features import FeaturesContract
from hdbench.testing.logger import LoggerContract
from hdbench.testing.metric import MetricContract
from hdbench.testing.recipe import RecipeContract
from hdbench.testing.sampler import SamplerContract
from hdbench.testing.shapes import ShapesContract

__all__ = [
    "BaselineContract",
    "ComponentContract",
    "Contract",
    "DenoiserContract",
    "EncoderContract",
    "FeaturesContract",
    "LoggerContract",
    "MetricContract",
    "RecipeContract",
    "SamplerContract",
    "ShapesContract",
]

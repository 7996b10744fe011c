"""The contract of the external baseline, on the toy repository of the example."""

from __future__ import annotations

from pathlib import Path

from hdbench_external.baseline import ExternalConfig

from hdbench.testing import BaselineContract

EXAMPLE = Path(__file__).parents[1] / "example"


class TestExternal(BaselineContract):
    component = "external"
    frames = (1, 2)
    small = ExternalConfig(spec=str(EXAMPLE / "toy.toml"), repo=str(EXAMPLE / "repository"))

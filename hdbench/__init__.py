"""hdbench: the benchmark toolkit for generating 3D and 4D shapes as neural fields."""

__version__ = "0.1.0"

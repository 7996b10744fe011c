"""The gate: whether a run is worse than a reference by more than the noise of both, for CI. Nothing is imported here."""

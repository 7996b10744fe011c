"""Any repository as a baseline: ``hdbench run --baseline external -o external.spec=my.toml -o external.repo=DIR``."""

from __future__ import annotations

from hdbench.hookspecs import Offer, hookimpl

SOURCE = "hdbench.external; the specification names the repository"


@hookimpl
def hdbench_components() -> list[Offer]:
    return [
        Offer(
            "baseline",
            "external",
            "hdbench_external.baseline:External",
            "a foreign repository, driven by a TOML of yours",
            SOURCE,
        )
    ]

"""A bundle as model hubs keep it: a card with metadata, safetensors and JSON. Writing one needs no network and no account.

Layout: ``README.md`` with a YAML header whose ``model-index`` holds the numbers (Hugging Face, 'Model Cards'), ``config.toml``,
``run.json``, the pictures, and ``samples/*.safetensors``, the clouds that were scored.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hdbench.errors import HdbenchError
from hdbench.interfaces import Logged, Logger


@dataclass(frozen=True, slots=True, kw_only=True)
class HubConfig:
    """``license`` of what is in the bundle, as hubs name it; ``clouds``: whether the scored samples go in."""

    license: str = "other"
    clouds: bool = True


class Hub(Logger):
    """One folder per run, ready for 'huggingface-cli upload'."""

    name = "hub"
    source = "huggingface.co/docs/hub/model-cards"
    Config = HubConfig

    def log(self, run: Logged, out: Path) -> str:
        place = out / run.name
        place.mkdir(parents=True, exist_ok=True)
        for source, target in self._files(run):
            (place / target).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, place / target)
        (place / "README.md").write_text("\n".join([*_header(run, self.config.license), *_card(run)]))
        return f"Written to {place}. Send it with: huggingface-cli upload YOU/{run.name} {place}"

    def _files(self, run: Logged) -> Iterator[tuple[Path, str]]:
        """What is copied, and where it goes."""
        for name in ("config.toml", "run.json"):
            if not (run.folder / name).is_file():
                raise HdbenchError(f"The run folder '{run.folder}' has no {name}. Run its command again: {run.command}")
            yield run.folder / name, name
        for picture in run.pictures:
            yield picture, picture.name
        for clouds in sorted((run.folder / "clouds").glob("*.safetensors")) if self.config.clouds else ():
            yield clouds, f"samples/{clouds.name}"


def _header(run: Logged, license_name: str) -> Iterator[str]:
    """YAML, with every text quoted as JSON, which YAML reads."""
    yield "---"
    yield f"license: {license_name}"
    yield "library_name: hdbench"
    yield "tags: [3d, shape-generation, neural-fields, hdbench]"
    yield "model-index:"
    for row, numbers in run.values.items():
        yield f"- name: {json.dumps(row)}"
        yield "  results:"
        yield "  - task: {type: unconditional-shape-generation}"
        yield f"    dataset: {{name: {json.dumps(str(run.settings.get('data.source', 'unknown')))}, type: shapes}}"
        yield "    metrics:"
        yield from (f"    - {{type: {json.dumps(column)}, value: {value:.6g}}}" for column, value in numbers.items())
    yield "---"


def _card(run: Logged) -> Iterator[str]:
    """What a person reads."""
    yield f"\n# {run.name}\n"
    yield "Made and scored by hdbench:\n"
    yield f"    {run.command}\n"
    yield from (f"![{picture.stem}]({picture.name})\n" for picture in run.pictures)
    yield "`run.json` holds every setting, seed and version; `samples/` the clouds that were scored.\n"

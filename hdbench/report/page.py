"""The nouns of the page, and the page from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files

from hdbench import __version__
from hdbench.report.geometry import Packed
from hdbench.report.three import script


@dataclass(frozen=True, slots=True)
class Shape:
    """A packed shape under the key by which views name it; ``up`` is its upward axis, ``tone`` the number of its colour."""

    key: str
    packed: Packed
    up: str
    tone: int


@dataclass(frozen=True, slots=True)
class View:
    """One canvas of a gallery."""

    key: str
    label: str
    caption: str
    frames: int


@dataclass(frozen=True, slots=True)
class Gallery:
    """A row of shapes of one set."""

    title: str
    views: Sequence[View]


@dataclass(frozen=True, slots=True)
class Picture:
    """An image of the run folder; ``data`` is a data URI."""

    title: str
    caption: str
    data: str


@dataclass(frozen=True, slots=True)
class Cost:
    """A stage: CPU seconds, its share of the longest, and its peak of memory (0 if unknown)."""

    label: str
    seconds: float
    share: float
    gib: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSection:
    """What the page says of one run folder. ``table`` and ``curves`` are markup, everything else is text."""

    anchor: str
    title: str
    about: str
    command: str
    table: str = ""
    galleries: Sequence[Gallery] = ()
    pictures: Sequence[Picture] = ()
    curves: str = ""
    costs: Sequence[Cost] = ()
    cost_note: str = ""
    failures: Sequence[str] = ()
    circumstances: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The whole report. ``tables`` are markup; with ``turnable`` False no shape can be turned, and no script is written."""

    title: str
    subtitle: str
    tables: Sequence[str]
    runs: Sequence[RunSection]
    shapes: Sequence[Shape]
    turnable: bool = True
    version: str = field(default=__version__)


def render(page: Page) -> str:
    """The HTML file. Whatever is text is escaped; a Content-Security-Policy forbids every request."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    templates = files("hdbench.report") / "templates"
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string((templates / "report.html.j2").read_text())
    return template.render(
        page=page,
        style=Markup((templates / "style.css").read_text()),  # noqa: S704 (our own files)
        viewer=Markup((templates / "viewer.js").read_text()),  # noqa: S704
        three=Markup(script() if page.turnable and page.shapes else ""),  # noqa: S704 (of the installed trimesh)
    )

"""The report: one file that asks nothing of the network, shows what the run folder holds, and escapes what it is told."""

from __future__ import annotations

import base64
import gzip
import io
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import trimesh
from click.testing import CliRunner
from PIL import Image

from hdbench import glb
from hdbench.__main__ import cli
from hdbench.report import three
from hdbench.report.curves import draw_curves, smoothed
from hdbench.report.geometry import MOST_FACES, Packed, coarse, pack_clouds, pack_meshes, read_glb
from hdbench.report.sections import WEBP_SIDE, data_uri
from hdbench.shapes import Mesh

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
RUN = ("--method", "sphere", "--baseline", "resample", "--data", "spheres", "-o", "protocol.normalisation=none",
       "-o", "shapes.count=24", "-o", "run.draws=1", "-o", "protocol.points=128", "--workers", "1")  # fmt: skip


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory) -> Path:
    """The folder of a small run."""
    out = tmp_path_factory.mktemp("reported")
    told = CliRunner().invoke(cli, ["run", *RUN, "--out", str(out)])
    assert told.exit_code == 0, told.output
    [found] = out.glob("*/run.json")
    return found.parent


def report(folder: Path, file: Path, *options: str) -> str:
    told = CliRunner().invoke(cli, ["report", str(folder), "--html", str(file), *options])
    assert told.exit_code == 0, told.output
    return file.read_text()


# -------------------------------------------------------------------------------------------------------------- geometry


def unpacked(packed: Packed) -> tuple[dict, bytes]:
    """Header and numbers, as the comment on the format says."""
    raw = gzip.decompress(base64.b64decode(packed.data))
    length = int.from_bytes(raw[:4], "little")
    return json.loads(raw[4 : 4 + length]), raw[4 + length :]


def points_of(header: dict, numbers: bytes) -> np.ndarray:
    count = header["counts"][0][0]
    return np.array(header["low"]) + np.frombuffer(numbers, "<u2", 3 * count).reshape(-1, 3) * (header["side"] / 65535)


def test_a_fine_mesh_is_made_coarse_enough_and_stays_where_it_is():
    fine = trimesh.creation.icosphere(subdivisions=6)
    before = Mesh(np.asarray(fine.vertices), np.asarray(fine.faces))
    after = coarse(before, MOST_FACES)
    assert MOST_FACES / 4 < len(after.faces) <= MOST_FACES < len(before.faces)
    np.testing.assert_allclose(np.linalg.norm(after.vertices, axis=1), 1, atol=2e-3)  # the sagitta of a cell of 2 / 40
    assert trimesh.Trimesh(after.vertices, after.faces).volume == pytest.approx(4 / 3 * np.pi, rel=0.01)
    assert coarse(after, MOST_FACES) is after
    assert json.loads(json.dumps(unpacked(pack_meshes([before]))[0]["counts"])) == [[len(after.vertices), len(after.faces)]]


def test_a_packed_mesh_is_the_mesh_within_half_a_step():
    ball = trimesh.creation.icosphere(subdivisions=3, radius=0.4)
    mesh = Mesh(np.asarray(ball.vertices), np.asarray(ball.faces, np.int64))
    header, numbers = unpacked(pack_meshes([mesh]))
    assert header["counts"] == [[642, 1280]]
    assert np.abs(points_of(header, numbers) - mesh.vertices).max() <= 0.8 / 65535 / 2 * 1.001
    at = 642 * 6 + (-642 * 6) % 4
    assert np.array_equal(np.frombuffer(numbers, "<u4", 3840, at).reshape(-1, 3), mesh.faces)


def test_a_packed_cloud_keeps_its_points():
    cloud = np.random.default_rng(0).normal(size=(2, 50, 3)).astype(np.float32)
    packed = pack_clouds(cloud)
    header, numbers = unpacked(packed)
    assert (packed.kind, packed.frames) == ("cloud", 2)
    assert np.allclose(points_of(header, numbers), cloud[0], atol=header["side"] / 65535)


def test_the_frames_of_a_glb_come_in_order(tmp_path):
    boxes = [trimesh.creation.box((0.1 * k, 0.2, 0.3)) for k in range(1, 13)]
    frames = [Mesh(np.asarray(box.vertices, np.float64), np.asarray(box.faces, np.int64)) for box in boxes]
    (tmp_path / "moving.glb").write_bytes(glb.encode_glb(frames))
    widths = [np.ptp(mesh.vertices, axis=0)[0] for mesh in read_glb(tmp_path / "moving.glb")]
    assert np.allclose(widths, [0.1 * k for k in range(1, 13)], atol=1e-6)


# ------------------------------------------------------------------------------------------------------------------ page


class Page(HTMLParser):
    """Which elements a page has, and what its attributes would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def read(text: str) -> Page:
    page = Page()
    page.feed(text)
    return page


def test_the_report_holds_tables_shapes_pictures_costs_and_the_command(run_folder, tmp_path):
    text = report(run_folder, tmp_path / "report.html")
    page = read(text)
    assert len(page.all("canvas")) == 3 * 3  # three test shapes, three samples of two methods
    keys = {source["id"] for source in page.all("script") if source.get("type") == "text/plain"}
    assert {canvas["data-shape"] for canvas in page.all("canvas")} <= keys
    for said in ("Table 1", "hdbench run", "Samples", "CPU seconds", "What failed", "protocol", "1-NNA"):
        assert said in text, said


def test_nothing_in_the_file_points_outside_it(run_folder, tmp_path):
    page = read(report(run_folder, tmp_path / "report.html"))
    for tag, attributes in page.found:
        for name in ("src", "href", "srcset", "poster", "action"):
            value = attributes.get(name) or ""
            assert value.startswith(("data:", "#")) or not value, f"<{tag} {name}={value[:60]}>"
    [policy] = [meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert policy.startswith("default-src 'none'")


def test_pictures_are_carried_as_webp_and_look_the_same(run_folder, tmp_path):
    page = read(report(run_folder, tmp_path / "report.html"))
    pictures = [image["src"] or "" for image in page.all("img")]
    assert pictures
    assert all(source.startswith(("data:image/webp;base64,", "data:image/svg+xml;base64,")) for source in pictures)
    png = run_folder / "gallery.png"
    webp = base64.b64decode(data_uri(png).split(",")[1])
    before, after = Image.open(png).convert("RGB"), Image.open(io.BytesIO(webp)).convert("RGB")
    assert after.size == before.size
    assert np.abs(np.asarray(after, float) - np.asarray(before, float)).mean() < 2  # of 255
    assert len(webp) < png.stat().st_size / 3


def test_a_picture_longer_than_webp_allows_is_shrunk_not_lost(tmp_path):
    Image.new("RGB", (40, WEBP_SIDE + 400), "teal").save(tmp_path / "long.png")
    shown = Image.open(io.BytesIO(base64.b64decode(data_uri(tmp_path / "long.png").split(",")[1])))
    assert shown.height == WEBP_SIDE


def test_what_a_run_is_called_is_text_not_markup(run_folder, tmp_path):
    folder = tmp_path / "hostile"
    shutil.copytree(run_folder, folder)
    record = json.loads((folder / "run.json").read_text())
    record["command"] = "hdbench run <script>alert(1)</script>"
    record["rows"][0]["title"] = "<img src=x onerror=alert(1)>"
    (folder / "run.json").write_text(json.dumps(record))
    text = report(folder, tmp_path / "report.html", "--title", "<b>bold</b>")
    assert "<script>alert(1)" not in text
    assert "<img src=x" not in text
    assert "<b>bold" not in text


def test_a_flat_report_has_no_script(run_folder, tmp_path):
    page = read(report(run_folder, tmp_path / "report.html", "--flat"))
    assert page.all("script") == []
    assert page.all("canvas") == []
    assert page.all("img")


def test_failures_are_said(run_folder, tmp_path):
    folder = tmp_path / "failed"
    shutil.copytree(run_folder, folder)
    record = json.loads((folder / "run.json").read_text())
    record["rows"][-1] |= {"failure": "the disk was full", "score": None}
    (folder / "run.json").write_text(json.dumps(record))
    assert "the disk was full" in report(folder, tmp_path / "report.html")


def test_a_folder_that_is_no_run_is_refused_without_a_traceback(tmp_path, hdbench):
    done = hdbench("report", str(tmp_path))
    assert done.returncode == 2
    assert "is no run folder" in done.stderr
    assert "Traceback" not in done.stderr


def test_three_js_comes_from_trimesh_or_its_absence_is_said(monkeypatch):
    assert "THREE" in three.script()
    assert "</script" not in three.script()
    three.script.cache_clear()
    monkeypatch.setattr(three, "END", "no such words")
    with pytest.raises(three.HdbenchError, match="--flat"):
        three.script()
    three.script.cache_clear()


def test_curves_are_drawn_in_the_colours_of_the_page():
    svg = draw_curves({"A": {"loss": np.geomspace(1, 0.01, 500)}, "B": {"loss": np.ones(3)}})
    assert svg.startswith("<svg")
    assert "currentColor" in svg
    assert "#000000" not in svg
    assert not re.search(r'(href|src)="https?:', svg)
    assert draw_curves({}) == ""
    assert smoothed(np.arange(1000.0)).tolist() == [4.5 + 10 * k for k in range(100)]


# --------------------------------------------------------------------------------------------------------------- browser


def browse(file: Path, folder: Path, *options: str) -> str:
    """The page as headless Chromium has it after a while, with every host name unreachable."""
    assert CHROMIUM is not None
    command = [
        CHROMIUM, "--headless=new", "--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
        "--host-resolver-rules=MAP * ~NOTFOUND", f"--log-net-log={folder / 'net.json'}", f"--user-data-dir={folder / 'profile'}",
        "--disable-background-networking", "--disable-component-update", "--no-first-run", "--window-size=1200,4000",
        "--virtual-time-budget=20000", *options, "--dump-dom", file.as_uri(),
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=180, check=True).stdout


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_a_browser_without_network_draws_every_shape_and_asks_for_nothing(run_folder, tmp_path):
    file = tmp_path / "report.html"
    report(run_folder, file)
    canvases = read(browse(file, tmp_path)).all("canvas")
    assert len(canvases) == 9
    assert all(canvas.get("data-drawn") == "yes" for canvas in canvases)
    assert asked_of_the_network(tmp_path / "net.json") == []


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_the_browser_test_would_see_a_request(tmp_path):
    file = tmp_path / "asking.html"
    file.write_text('<img src="https://example.org/a.png">')
    browse(file, tmp_path)
    assert asked_of_the_network(tmp_path / "net.json") == ["https://example.org/a.png"]


def asked_of_the_network(log: Path) -> list[str]:
    """The addresses that pages asked for (the browser's own errands have no origin)."""
    text = log.read_text()
    events = json.loads(text if text.rstrip().endswith("}") else text.rstrip().rstrip(",") + "]}")["events"]
    started = [event["params"] for event in events if "initiator" in event.get("params", {})]
    return sorted({p["url"] for p in started if p["url"].startswith("http") and p["initiator"] != "not an origin"})

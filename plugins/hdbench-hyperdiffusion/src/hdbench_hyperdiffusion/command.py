"""``hdbench weights``: the authors' files in and out, and what one does with them: sample, and make meshes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hdbench.errors import HdbenchError

if TYPE_CHECKING:
    from hdbench.registry import Registry

HEADS, FRAMES = 16, 16

PATH = click.argument("path", type=click.Path(path_type=Path))
FORCE = click.option("--force", is_flag=True, help="Write over what is there.")


def out(required: bool, words: str, default: str = "") -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The option ``--out``."""
    said = f"{words}  [default: {default}]" if default else words
    return click.option("--out", type=click.Path(path_type=Path), required=required, help=said)


@click.group()
def weights() -> None:
    """Fitted fields, trained denoisers and feature networks: import, export, sample, decode."""


@weights.command(
    "import",
    short_help="Import HyperDiffusion's fitted MLPs and checkpoints.",
    epilog="Nothing is unpickled. 'hdbench weights decode' makes meshes of fields, 'sample' draws new ones.",
)
@PATH
@out(False, "Where to write it.", "the name of PATH, ending in .safetensors, here")
@click.option("--heads", type=click.IntRange(1), default=HEADS, show_default=True, help="Of a denoiser: its file does not say.")
@click.option("--frames", type=click.IntRange(2), default=FRAMES, show_default=True, help="Of 4D fields: their files do not say.")
@FORCE
def import_(path: Path, out: Path | None, heads: int, frames: int, force: bool) -> None:
    """Import HyperDiffusion's files: a folder of fitted MLPs (occ_*_model_final.pth), one of them, or a Lightning checkpoint.

    What PATH is, is told by its content; 3D and 4D, the size of the MLPs and their positional encoding by the tensors' shapes.
    Folders encode-... and train-... of a run's store are taken as well.
    """
    from hdbench_hyperdiffusion.importing import imported

    target = out or Path(f"{path.name.removesuffix(path.suffix) if path.is_file() else path.name}.safetensors")
    refuse_existing(target, force)
    click.echo("\n".join(imported(path, target, heads, frames)))


@weights.command("export", short_help="Write ours as HyperDiffusion's files.")
@PATH
@out(True, "The folder for fitted MLPs, the file for a denoiser.")
@FORCE
def export(path: Path, out: Path, force: bool) -> None:
    """Write fields or a denoiser of hdbench's in the layout of HyperDiffusion's released code."""
    from hdbench_hyperdiffusion.importing import exported

    refuse_existing(out, force)
    click.echo(exported(path, out))


@weights.command("decode", short_help="Make meshes of fields.")
@PATH
@out(True, "The folder for meshes: NAME.glb, or NAME/frame_000.glb for sequences.")
@click.option("--resolution", type=click.IntRange(4, 1024), default=256, show_default=True, help="Grid points per axis.")
@click.option("--level", type=float, default=0.0, show_default=True, help="Iso-level in logits; the paper's test has 1.386.")
@click.option("--count", type=click.IntRange(1), help="Only the first so many.  [default: all]")
@click.option("--frames", type=click.IntRange(2), default=FRAMES, show_default=True, help="Of 4D fields in the authors' files.")
@click.option("--workers", type=click.IntRange(1, 512), help="Worker processes.  [default: one per core]")
@FORCE
def decode(
    path: Path, out: Path, resolution: int, level: float, count: int | None, frames: int, workers: int | None, force: bool
) -> None:
    """Make meshes of fields: of an imported file, of samples, or of the authors' files. 'hdbench score' reads the folder."""
    from hdbench_hyperdiffusion.using import decode_to

    refuse_existing(out, force)
    click.echo(decode_to(path, out, resolution, level, count, frames, workers))


@weights.command("sample", short_help="Draw fields from a denoiser.")
@PATH
@click.option("--count", type=click.IntRange(1), required=True, help="How many fields.")
@out(True, "The file for the fields.")
@click.option("--sampler", default="ddim", show_default=True, metavar="NAME", help="ddim (all steps), dpm-solver++, ...")
@click.option("-o", "overrides", multiple=True, metavar="KEY=VALUE", help="Change a setting of the sampler, such as -o steps=50.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Sample j depends on the seed and on j alone.")
@click.option("--device", metavar="NAME", help="cpu or cuda.  [default: cuda if there is one]")
@FORCE
@click.pass_obj
def sample(
    registry: Registry, path: Path, count: int, out: Path, sampler: str, overrides: tuple[str, ...], seed: int,
    device: str | None, force: bool,
) -> None:  # fmt: skip
    """Draw fields from a denoiser: an imported one, or the folder train-... of a run's store."""
    from hdbench_hyperdiffusion.using import sample_to

    refuse_existing(out, force)
    click.echo(sample_to(registry, path, out, count, sampler, overrides, seed, device))


def refuse_existing(path: Path, force: bool) -> None:
    """HdbenchError when something is there already: a file, or a folder that is not empty."""
    there = path.is_file() or (path.is_dir() and any(path.iterdir()))
    if there and not force:
        raise HdbenchError(f"'{path}' exists already. Choose another place with --out, or add --force.")

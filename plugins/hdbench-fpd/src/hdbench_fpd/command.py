"""``hdbench weights``: which weights the feature metrics use, and how a ModelNet40 checkpoint is added."""

from __future__ import annotations

from pathlib import Path

import click


@click.group()
def weights() -> None:
    """Feature networks, and (with hdbench-hyperdiffusion) fitted fields and trained denoisers."""


@weights.command("add")
@click.argument("name", type=click.Choice(["modelnet40"]))
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--accept-unknown", is_flag=True, help="Take a checkpoint in the layout that is not the file the paper used.")
def add(name: str, path: Path, accept_unknown: bool) -> None:
    """Add a PointNet++ checkpoint for the features NAME.

    PATH is yanx27's best_model.pth. It is compared with the layout, identified by its hashes, and kept without pickle."""
    from hdbench.errors import HdbenchError
    from hdbench_fpd.checkpoints import PAPER_BLOB, read_checkpoint
    from hdbench_fpd.weights import SHORT, added, write

    found = read_checkpoint(path)
    click.echo(f"sha256 {found.sha256}\ngit blob {found.blob}")
    if not found.is_the_papers and not accept_unknown:
        raise HdbenchError(
            f"The layout fits, but it is not the file that HyperDiffusion used (git blob {PAPER_BLOB}). To use it all the same, "
            "add --accept-unknown: its features then have a fingerprint of their own, and its numbers are not the paper's FPD."
        )
    fingerprint = f"blob {found.blob[:SHORT]}" if found.is_the_papers else f"unknown {found.sha256[:SHORT]}"
    target = added(name)
    write(found.state, target, {"fingerprint": fingerprint, "sha256": found.sha256, "git blob": found.blob})
    known = "the file that the paper used" if found.is_the_papers else "not the file that the paper used"
    click.echo(f"Added as '{name}', {known}: {target}")
    click.echo(f"Its metrics are asked for by name, such as 'fpd[{name}]'; under a table its fingerprint is '{fingerprint}'.")


@weights.command("list", short_help="List the feature networks.")
def show() -> None:
    """List the feature networks that are installed, with their fingerprints."""
    from hdbench_fpd.weights import ADD, EMBEDDED, SHORT, added, header, sha256

    said = header(EMBEDDED)
    click.echo(
        f"procedural  {sha256(EMBEDDED)[:SHORT]}  embedded; {100 * float(said['held-out accuracy']):.1f} % of held-out shapes "
        "among 49 kinds"
    )
    path = added("modelnet40")
    click.echo(f"modelnet40  {header(path)['fingerprint']}  {path}" if path.exists() else f"modelnet40  not installed: '{ADD}'")

"""The files of HyperDiffusion's authors: fitted MLPs and Lightning checkpoints, in and out, without running their code.

from hdbench_hyperdiffusion.official import load_denoiser, load_fields
"""

from __future__ import annotations

from hdbench_hyperdiffusion.official.denoiser import load_denoiser
from hdbench_hyperdiffusion.official.fields import load_fields

__all__ = ["load_denoiser", "load_fields"]

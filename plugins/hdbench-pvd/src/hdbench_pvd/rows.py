"""Rows that are gathered, added up and normalised, with gradients: the loops between the network's products of matrices.

PyTorch adds rows up one element at a time on a CPU, and differentiates a normalisation that is written out in a dozen passes.
Here float32 rows on a CPU go through compiled loops, and the rest (CUDA, float64) through PyTorch's own operations; the sums are
the same up to their order.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from hdbench_pvd import kernels


def _compiled(rows: Tensor) -> bool:
    return rows.device.type == "cpu" and rows.dtype == torch.float32


class _Add(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, index: Tensor, size: int) -> Tensor:
        ctx.save_for_backward(index)
        out = rows.new_zeros(size, rows.shape[1])
        if not _compiled(rows):
            return out.index_add_(0, index, rows)
        kernels.add_rows(rows.contiguous().numpy(), index.numpy(), out.numpy())
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        return grads[0].index_select(0, ctx.saved_tensors[0]), None, None


def add(rows: Tensor, index: Tensor, size: int) -> Tensor:
    """Sums [size, c] of the rows [k, c] that go to each index [k]."""
    return _Add.apply(rows, index, size)  # type: ignore[no-any-return]


class _Take(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, index: Tensor) -> Tensor:
        ctx.save_for_backward(index)
        ctx.size = len(rows)
        return rows.index_select(0, index)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        return add(grads[0], ctx.saved_tensors[0], ctx.size), None


def take(rows: Tensor, index: Tensor) -> Tensor:
    """The rows [m, c] at ``index`` [...], as [..., c]."""
    taken: Tensor = _Take.apply(rows, index.flatten())
    return taken.view(*index.shape, rows.shape[1])


class _Read(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, index: Tensor, weights: Tensor) -> Tensor:
        ctx.save_for_backward(index, weights)
        ctx.size = len(rows)
        return functional.embedding_bag(index, rows, mode="sum", per_sample_weights=weights)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        index, weights = ctx.saved_tensors
        (grad,) = grads
        if not _compiled(grad):
            return add((grad[:, None] * weights[..., None]).flatten(0, 1), index.flatten(), ctx.size), None, None
        out = grad.new_zeros(ctx.size, grad.shape[1])
        kernels.spread_rows(grad.contiguous().numpy(), index.numpy(), weights.numpy(), out.numpy())
        return out, None, None


def read(rows: Tensor, index: Tensor, weights: Tensor) -> Tensor:
    """Weighted sums [k, c] of the rows [m, c] at ``index`` [k, j]; the weights [k, j] get no gradient."""
    return _Read.apply(rows, index, weights)  # type: ignore[no-any-return]


class _Normalise(torch.autograd.Function):
    """y = scale (x - mean) + bias with scale = weight / deviation, and its gradient in four passes over the rows."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, weight: Tensor, bias: Tensor, groups: int, eps: float) -> Tensor:
        mean = rows.mean(1, keepdim=True)
        centred = rows - mean
        means, variances = (_grouped(part, groups) for part in (mean, centred.square().mean(1, keepdim=True)))
        offset = means - means.mean(3, keepdim=True)  # of a channel from its group
        inverse = ((variances + offset.square()).mean(3, keepdim=True) + eps).rsqrt()
        scale = inverse * weight.view(groups, -1)
        ctx.save_for_backward(centred, offset, inverse, weight)
        return torch.addcmul((offset * scale + bias.view(groups, -1)).view_as(mean), centred, scale.view_as(mean))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        centred, offset, inverse, weight = ctx.saved_tensors
        (grad,) = grads
        groups, per_group = offset.shape[2], centred.shape[1] * offset.shape[3]
        total = _grouped(grad.sum(1, keepdim=True), groups)
        along = _grouped((grad * centred).sum(1, keepdim=True), groups) + total * offset
        wide = weight.view(groups, -1)
        mean = (total * wide).sum(3, keepdim=True) / per_group
        slope = (along * wide).sum(3, keepdim=True) * inverse**3 / per_group
        flat = (len(centred), 1, -1)
        # dx = inverse (w dy - mean(w dy)) - (x - group's mean) slope
        shift = -(inverse * mean + offset * slope)
        out = torch.addcmul(shift.view(flat), grad, (inverse * wide).view(flat))
        out = out.addcmul_(centred, -slope.expand_as(offset).reshape(flat))
        return out, (along * inverse).sum(0).flatten(), total.sum(0).flatten(), None, None


def _grouped(channels: Tensor, groups: int) -> Tensor:
    """[b, 1, c] as [b, 1, groups, c / groups]."""
    return channels.view(len(channels), 1, groups, -1)


def normalise(rows: Tensor, weight: Tensor, bias: Tensor, groups: int, eps: float) -> Tensor:
    """GroupNorm of rows [b, n, c] over the rows of each b, from the moments of its channels.

    PyTorch's own kernel for channels-last tensors adds tens of thousands of squares one by one, and is 1e-4 off.
    """
    return _Normalise.apply(rows, weight, bias, groups, eps)  # type: ignore[no-any-return]

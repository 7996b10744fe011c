"""How many shapes are compared: nearest-neighbour metrics mean something for sets of equal size alone.

With twice as many samples as references COV rises from 58 % to 78 % and MMD falls by a sixth, for the same generator. So the
protocol ``subsample`` compares as many shapes as the smallest of all sets has, a seeded choice, and says so; the others
refuse unequal sets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hdbench.errors import HdbenchError
from hdbench.protocol import Protocol
from hdbench.seeds import numpy_generator
from hdbench.shape_set import ShapeSet

Draws = Mapping[str, Sequence[ShapeSet]]


def equalise(methods: Draws, reference: ShapeSet, protocol: Protocol, seed: int = 0) -> tuple[Draws, ShapeSet, tuple[str, ...]]:
    """All draws of all methods and the reference, brought to the sizes that the protocol compares, and sentences that say so.

    One reference serves all methods, so the smallest set decides. Raises HdbenchError where the protocol refuses to choose.
    """
    sizes = {title: [len(draw) for draw in draws] for title, draws in methods.items()}
    wanted = protocol.generated_count(len(reference))
    if all(size == wanted for counts in sizes.values() for size in counts):
        return methods, reference, ()
    if protocol.sizes == "equal":
        raise HdbenchError(_refusal(sizes, len(reference), wanted, protocol))
    count = min(len(reference), *(size for counts in sizes.values() for size in counts))
    chosen = {
        title: [_some(draw, count, seed, title, k) for k, draw in enumerate(draws)] for title, draws in methods.items()
    }  # fmt: skip
    notes = [f"{title}: {count} of {max(counts)} samples" for title, counts in sizes.items() if max(counts) > count]
    if len(reference) > count:
        notes.append(f"reference: {count} of {len(reference)} shapes")
    said = f"Sets of unequal size do not compare, so each was sub-sampled to {count} shapes (seed {seed}): {'; '.join(notes)}."
    return chosen, _some(reference, count, seed, "reference", 0), (said,)


def _some(shapes: ShapeSet, count: int, seed: int, title: str, draw: int) -> ShapeSet:
    """A random choice of ``count`` shapes, in their order."""
    if len(shapes) == count:
        return shapes
    order = numpy_generator(seed, "subsample", title, draw, len(shapes)).permutation(len(shapes))
    return shapes.select(sorted(order[:count]))


def _refusal(sizes: Mapping[str, list[int]], reference: int, wanted: int, protocol: Protocol) -> str:
    title, counts = next((t, c) for t, c in sizes.items() if any(size != wanted for size in c))
    return (
        f"'{title}' has {'/'.join(map(str, counts))} samples; the protocol '{protocol.name}' compares {wanted} of them with "
        f"{reference} reference shapes. Generate {wanted}, or use '--protocol strict', which sub-samples the larger set."
    )

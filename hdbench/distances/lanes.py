"""Sixteen float32 numbers at a time: a vector type for numba, so that a kernel reads as arithmetic and compiles to vector code.

The code is generic LLVM: one AVX-512 register, two of AVX2, four of SSE or NEON. There are no fast-math flags, so every
operation rounds once and in the order written, infinities are allowed, and two kernels that write the same arithmetic get the
same bits. (``least`` and ``most`` are one instruction each: a comparison and a selection, which is what hardware minima are.)

numba's cache looks only at the file of a kernel: after a change here, touch the files that use it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

WIDTH = 16

_FLOAT, _INT, _LONG = ir.FloatType(), ir.IntType(32), ir.IntType(64)
_FLOATS, _INTS = ir.VectorType(_FLOAT, WIDTH), ir.VectorType(_INT, WIDTH)
_TAG = 0xFFFF


class Lanes(types.Type):
    """The numba type of 16 float32 numbers; it lives in registers and never leaves a kernel."""

    def __init__(self) -> None:
        super().__init__(name="Lanes")


lanes = Lanes()


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _FLOATS)


def _vector(signature: Any, make: Callable[..., Any]) -> Any:
    """The code generator of an operation on registers: ``make(builder, *arguments)``."""
    return signature, lambda context, builder, signature, arguments: make(builder, *arguments)


def _place(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    """The address of ``array.flat[index]`` of a contiguous array."""
    return builder.gep(context.make_array(kind)(context, builder, array).data, [index])


def _everywhere(builder: Any, value: Any, kind: Any) -> Any:
    first = builder.insert_element(ir.Constant(kind, ir.Undefined), value, ir.Constant(_INT, 0))
    return builder.shuffle_vector(first, ir.Constant(kind, ir.Undefined), ir.Constant(_INTS, [0] * WIDTH))


def _half(builder: Any, vector: Any, start: int, count: int) -> Any:
    places = ir.Constant(ir.VectorType(_INT, count), list(range(start, start + count)))
    return builder.shuffle_vector(vector, ir.Constant(vector.type, ir.Undefined), places)


def _fold(builder: Any, vector: Any, join: Callable[..., Any]) -> Any:
    """All lanes into one, halving: the order is the same on every machine."""
    count = WIDTH
    while count > 1:
        count //= 2
        vector = join(builder, _half(builder, vector, 0, count), _half(builder, vector, count, count))
    return builder.extract_element(vector, ir.Constant(_INT, 0))


def _smaller(builder: Any, x: Any, y: Any) -> Any:
    return builder.select(builder.fcmp_ordered("<", x, y), x, y)


def _larger(builder: Any, x: Any, y: Any) -> Any:
    return builder.select(builder.fcmp_ordered(">", x, y), x, y)


# ------------------------------------------------------------------------------------------------------- memory


def _emit_load(context, array, index):
    """``array.flat[index : index + 16]`` of a contiguous float32 array."""

    def generate(context, builder, signature, arguments):
        start = _place(context, builder, signature.args[0], *arguments)
        return builder.load(builder.bitcast(start, _FLOATS.as_pointer()), align=4, typ=_FLOATS)

    return lanes(array, types.intp), generate


def _emit_store(context, array, index, value):
    """Write the lanes to ``array.flat[index : index + 16]``."""

    def generate(context, builder, signature, arguments):
        start = _place(context, builder, signature.args[0], *arguments[:2])
        builder.store(arguments[2], builder.bitcast(start, _FLOATS.as_pointer()), align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, lanes), generate


def _emit_element(context, array, index):
    """``array.flat[index]`` in all lanes."""

    def generate(context, builder, signature, arguments):
        value = builder.load(_place(context, builder, signature.args[0], *arguments), typ=_FLOAT)
        return _everywhere(builder, value, _FLOATS)

    return lanes(array, types.intp), generate


def _emit_splat(context, value):
    """A float32 in all lanes."""
    return _vector(lanes(types.float32), lambda builder, x: _everywhere(builder, x, _FLOATS))


# --------------------------------------------------------------------------------------------------- arithmetic


def _emit_sub(context, a, b):
    """a - b."""
    return _vector(lanes(lanes, lanes), lambda builder, x, y: builder.fsub(x, y))


def _emit_mul(context, a, b):
    """a * b."""
    return _vector(lanes(lanes, lanes), lambda builder, x, y: builder.fmul(x, y))


def _emit_muladd(context, a, b, c):
    """a * b + c, rounded once where the machine has such an instruction."""

    def make(builder, x, y, z):
        kind = ir.FunctionType(_FLOATS, [_FLOATS] * 3)
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, f"llvm.fmuladd.v{WIDTH}f32"), [x, y, z])

    return _vector(lanes(lanes, lanes, lanes), make)


def _emit_least(context, a, b):
    """The smaller of a and b, lane by lane."""
    return _vector(lanes(lanes, lanes), _smaller)


def _emit_most(context, a, b):
    """The larger of a and b, lane by lane."""
    return _vector(lanes(lanes, lanes), _larger)


def _emit_first(context, a, count):
    """The first ``count`` lanes of a; zero in the others."""

    def make(builder, x, count):
        places = ir.Constant(_INTS, list(range(WIDTH)))
        inside = builder.icmp_signed("<", places, _everywhere(builder, builder.trunc(count, _INT), _INTS))
        return builder.select(inside, x, ir.Constant(_FLOATS, [0.0] * WIDTH))

    return _vector(lanes(lanes, types.intp), make)


def _emit_instead(context, a, b, c):
    """c where a equals b, a elsewhere."""
    return _vector(lanes(lanes, lanes, lanes), lambda builder, x, y, z: builder.select(builder.fcmp_ordered("==", x, y), z, x))


# ---------------------------------------------------------------------------------------------- lanes to numbers


def _emit_smallest(context, a):
    """The smallest lane."""
    return _vector(types.float32(lanes), lambda builder, x: _fold(builder, x, _smaller))


def _emit_largest(context, a):
    """The largest lane."""
    return _vector(types.float32(lanes), lambda builder, x: _fold(builder, x, _larger))


def _emit_total(context, a):
    """The sum of the lanes in float64, always in the same order."""

    def make(builder, x):
        wide = builder.fpext(x, ir.VectorType(ir.DoubleType(), WIDTH))
        return _fold(builder, wide, lambda builder, x, y: builder.fadd(x, y))

    return _vector(types.float64(lanes), make)


def _emit_less(context, a, b):
    """Bit k is set where a < b in lane k, uint64."""

    def make(builder, x, y):
        return builder.zext(builder.bitcast(builder.fcmp_ordered("<", x, y), ir.IntType(WIDTH)), _LONG)

    return _vector(types.uint64(lanes, lanes), make)


def _emit_lowest_bit(context, mask):
    """The place of the lowest bit that is set in a uint64."""
    return _vector(types.int64(types.uint64), lambda builder, x: builder.cttz(x, ir.Constant(ir.IntType(1), 1)))


def _emit_tag(context, values, index):
    """Numbers >= 0 whose lowest 16 bits are replaced by ``index`` + lane: a minimum then tells where it was found."""

    def make(builder, x, index):
        bits = builder.and_(builder.bitcast(x, _INTS), ir.Constant(_INTS, [~_TAG] * WIDTH))
        places = builder.add(
            _everywhere(builder, builder.trunc(index, _INT), _INTS), ir.Constant(_INTS, list(range(WIDTH)))
        )  # fmt: skip
        places = builder.and_(places, ir.Constant(_INTS, [_TAG] * WIDTH))
        return builder.bitcast(builder.or_(bits, places), _FLOATS)

    return _vector(lanes(lanes, types.intp), make)


def _emit_tagged(context, value):
    """The index that ``tag`` put into a number."""

    def make(builder, x):
        return builder.zext(builder.and_(builder.bitcast(x, _INT), ir.Constant(_INT, _TAG)), _LONG)

    return _vector(types.int64(types.float32), make)


load: Any = intrinsic(_emit_load)
store: Any = intrinsic(_emit_store)
element: Any = intrinsic(_emit_element)
splat: Any = intrinsic(_emit_splat)
sub: Any = intrinsic(_emit_sub)
mul: Any = intrinsic(_emit_mul)
muladd: Any = intrinsic(_emit_muladd)
least: Any = intrinsic(_emit_least)
most: Any = intrinsic(_emit_most)
first: Any = intrinsic(_emit_first)
instead: Any = intrinsic(_emit_instead)
smallest: Any = intrinsic(_emit_smallest)
largest: Any = intrinsic(_emit_largest)
total: Any = intrinsic(_emit_total)
less: Any = intrinsic(_emit_less)
lowest_bit: Any = intrinsic(_emit_lowest_bit)
tag: Any = intrinsic(_emit_tag)
tagged: Any = intrinsic(_emit_tagged)

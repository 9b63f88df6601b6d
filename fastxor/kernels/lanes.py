"""``Lanes``: several numbers in one SIMD value, as a type that Numba understands.

Only the loops outside the layers are written with it; what is done with layers is traced, and
has a ``Value`` in its place. Plain jitted loops over arrays this small vectorise badly: LLVM
unrolls a loop over four samples before it can vectorise it, and Numba's arrays may alias. Here
the kernel says itself what goes into one vector: `load(memory, index, 8)` is a ``Lanes`` of
eight numbers, ``+ - * /`` work lane by lane and mix with scalars, and LLVM splits or widens it
to the registers of the machine (one of AVX-512, two of AVX2, four of SSE2 or NEON for eight
float64) without any change to a bit.

* A literal never chooses the type: every scalar is converted to the type of the lanes.
* Arithmetic is strict IEEE-754. No instruction carries a fast-math flag.
* Operators are typed and lowered directly; through ``@overload`` kernels compile four
  times slower.
"""

import operator
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.errors import RequireLiteralValue
from numba.extending import intrinsic, lower_builtin, models, register_model, type_callable

I32 = ir.IntType(32)


class Lanes(types.Type):
    """``n`` numbers of one float ``dtype`` in one value."""

    def __init__(self, dtype: types.Float, n: int) -> None:
        self.dtype, self.n = dtype, n
        super().__init__(name=f"Lanes({dtype}, {n})")


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: Lanes) -> None:
        element = dmm.lookup(fe_type.dtype).get_value_type()
        super().__init__(dmm, fe_type, ir.VectorType(element, fe_type.n))


def literal(value: Any, name: str) -> int:
    """The number behind an argument that must be a compile-time constant."""
    if not isinstance(value, types.IntegerLiteral):
        raise RequireLiteralValue(name)
    return int(value.literal_value)


def pick(builder: Any, vector: Any, indices: list[int], other: Any = None) -> Any:
    """The lanes of ``vector``, and after them those of ``other``, at ``indices``."""
    mask = ir.Constant(ir.VectorType(I32, len(indices)), indices)
    if other is None:
        other = ir.Constant(vector.type, ir.Undefined)
    return builder.shuffle_vector(vector, other, mask)


def everywhere(builder: Any, scalar: Any, n: int) -> Any:
    """A vector of ``n`` lanes that all hold ``scalar``."""
    empty = ir.Constant(ir.VectorType(scalar.type, n), ir.Undefined)
    return pick(builder, builder.insert_element(empty, scalar, I32(0)), [0] * n)


def as_lanes(context: Any, builder: Any, value: Any, kind: Any, lanes: Lanes) -> Any:
    """``value`` of Numba type ``kind``, a scalar or already Lanes, as ``lanes``."""
    if isinstance(kind, Lanes):
        return value
    return everywhere(builder, context.cast(builder, value, kind, lanes.dtype), lanes.n)


def _arithmetic(op: Any, instruction: str) -> None:
    @type_callable(op)
    def type_op(context: Any) -> Any:
        def typer(left: Any, right: Any) -> Any:
            lanes = next((kind for kind in (left, right) if isinstance(kind, Lanes)), None)
            scalar = (types.Float, types.Integer)
            if lanes and all(k == lanes or isinstance(k, scalar) for k in (left, right)):
                return lanes
            return None

        return typer

    def lower_op(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        left, right = (
            as_lanes(context, builder, value, kind, sig.return_type)
            for value, kind in zip(args, sig.args, strict=True)
        )
        return getattr(builder, instruction)(left, right)

    lower_builtin(op, Lanes, Lanes)(lower_op)
    for scalar in (types.Float, types.Integer):
        lower_builtin(op, Lanes, scalar)(lower_op)
        lower_builtin(op, scalar, Lanes)(lower_op)


_arithmetic(operator.add, "fadd")
_arithmetic(operator.sub, "fsub")
_arithmetic(operator.mul, "fmul")
_arithmetic(operator.truediv, "fdiv")


# --- lanes in and out ----------------------------------------------------------
@intrinsic
def spread(tyctx, value, n):
    """A scalar in ``n`` lanes (a constant)."""
    lanes = Lanes(value, literal(n, "n"))

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return everywhere(builder, args[0], lanes.n)

    return lanes(value, n), codegen

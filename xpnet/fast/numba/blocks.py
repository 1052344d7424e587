"""The instructions of products of matrices: a block of sums in registers, and a tile that is transposed there."""

# ruff: noqa: ARG001 (the compiler reads the names of arguments, and gives their values to generate)

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core.imputils import impl_ret_untracked
from numba.extending import intrinsic

from xpnet.fast.numba.tiles import MANY, WIDE, Code

ROWS = 24 if MANY else 12
"""Rows of a block of one vector: a register for each, and some for what is multiplied."""
SIDE = WIDE // 4
"""Rows of a block that is a square of float32."""


def sums(rows: int, added: bool = False) -> Any:
    """Return the function that writes a block, or adds it, ``y[r, t] = Σₖ A[k, r] B[k, t]``, t over a vector's lanes.

    Arrays are flat and come with the index where a block begins; rows of y are ``dy`` apart.
    """

    def computed(typing: Any, y: Any, y0: Any, dy: Any, A: Any, a0: Any, B: Any, b0: Any, K: Any) -> Any:
        n = types.intp
        signature = types.void(y, n, n, A, n, B, n, n)

        def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
            code = Code(context, builder, y.dtype)
            _, y0, dy, _, a0, _, b0, K = given
            out, left, right = code.start(y, given[0], y0), code.start(A, given[3], a0), code.start(B, given[5], b0)
            places = [builder.mul(dy, code.number(r)) for r in range(rows)]

            def step(k: Any, totals: list[Any]) -> list[Any]:
                row = builder.mul(k, code.number(rows))
                seen = code.vector_at(right, builder.mul(k, code.number(code.lanes)))
                numbers = [builder.load(builder.gep(left, [builder.add(row, code.number(r))])) for r in range(rows)]
                return [code.multiplied(code.everywhere(a), seen, t) for a, t in zip(numbers, totals, strict=True)]

            zero = ir.Constant(code.vector, [0.0] * code.lanes)
            for place, total in zip(places, code.looped(K, [zero] * rows, step), strict=True):
                code.put(builder.fadd(total, code.vector_at(out, place)) if added else total, out, place)
            return impl_ret_untracked(context, builder, signature.return_type, context.get_dummy_value())

        return signature, generate

    return intrinsic(computed)


write_block, write_square, add_square = sums(ROWS), sums(SIDE), sums(SIDE, added=True)


def turned(typing: Any, y: Any, y0: Any, dy: Any, x: Any, x0: Any, dx: Any) -> Any:
    """Write ``y[j, i] = x[i, j]`` for as many rows and columns as a vector has lanes; rows are dy and dx apart."""
    n = types.intp
    signature = types.void(y, n, n, x, n, n)

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        code = Code(context, builder, y.dtype)
        _, y0, dy, _, x0, dx = given
        out, images = code.start(y, given[0], y0), code.start(x, given[3], x0)
        lanes = code.lanes
        rows = [code.vector_at(images, builder.mul(dx, code.number(i))) for i in range(lanes)]
        step = 1
        while step < lanes:  # exchange the blocks beside the diagonal, of one element, then of two by two, and so on
            upper = code.chosen([l if not l & step else lanes + l - step for l in range(lanes)])  # noqa: E741
            lower = code.chosen([l + step if not l & step else lanes + l for l in range(lanes)])  # noqa: E741
            for i in range(lanes):
                if not i & step:
                    one, other = rows[i], rows[i + step]
                    rows[i] = builder.shuffle_vector(one, other, upper)
                    rows[i + step] = builder.shuffle_vector(one, other, lower)
            step *= 2
        for j, row in enumerate(rows):
            code.put(row, out, builder.mul(dy, code.number(j)))
        return impl_ret_untracked(context, builder, signature.return_type, context.get_dummy_value())

    return signature, generate


def copied(typing: Any, y: Any, y0: Any, x: Any, x0: Any) -> Any:
    """Write ``y[t] = x[t]``, t over a vector's lanes."""
    n = types.intp
    signature = types.void(y, n, x, n)

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        code = Code(context, builder, y.dtype)
        value = code.vector_at(code.start(x, given[2], given[3]), code.number(0))
        code.put(value, code.start(y, given[0], given[1]), code.number(0))
        return impl_ret_untracked(context, builder, signature.return_type, context.get_dummy_value())

    return signature, generate


tile_turned, copy_vector = intrinsic(turned), intrinsic(copied)


def of_bits(typing: Any, n: Any) -> Any:
    """Return the float32 whose bits are those of an int32."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.bitcast(given[0], context.get_value_type(types.float32))

    return types.float32(types.int32), generate


float_of_bits = intrinsic(of_bits)

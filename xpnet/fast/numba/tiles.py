"""Sums of products for tiles of an output that stay in a processor's registers, as BLAS computes them.

A tile is some filters by some vectors of places that lie one after another. Numba compiles loops over single numbers,
and its compiler would keep the sums of a tile in memory: so the loops of a tile are written in its instructions, with a
vector of the processor's width for each sum. What a tile sees of the images it reads where they lie.
"""

# ruff: noqa: ARG001 (the compiler reads the names of arguments, and gives their values to generate)

from __future__ import annotations

from typing import Any

from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.core.imputils import impl_ret_untracked
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

WIDE = 64 if binding.get_host_cpu_features().get("avx512f") else 32  # bytes of a vector
MANY = WIDE == 64  # as many registers as a tile of 24 sums needs

SHAPES = ((8, 3), (4, 6), (2, 8), (1, 8)) if MANY else ((4, 2), (2, 4), (1, 6), (1, 6))
"""Filters by vectors of a tile, from the largest on."""

ROWS, CELLS = (4, 6) if MANY else (2, 4)
"""Rows by cells of a tile of dot products."""


class Code:
    """The instructions of one tile, over arrays of a floating dtype."""

    def __init__(self, context: Any, builder: Any, dtype: Any) -> None:
        self.context, self.builder = context, builder
        self.real = context.get_value_type(dtype)
        self.size = dtype.bitwidth // 8
        self.lanes = WIDE // self.size
        self.vector = ir.VectorType(self.real, self.lanes)
        self.index = context.get_value_type(types.intp)

    def number(self, value: int) -> Any:
        return ir.Constant(self.index, value)

    def start(self, array_type: Any, array: Any, first: Any) -> Any:
        """Return a pointer to an element of a contiguous array."""
        data = make_array(array_type)(self.context, self.builder, array).data
        return self.builder.gep(data, [first])

    def vector_at(self, pointer: Any, first: Any) -> Any:
        place = self.builder.bitcast(self.builder.gep(pointer, [first]), self.vector.as_pointer())
        return self.builder.load(place, align=self.size)

    def put(self, value: Any, pointer: Any, first: Any) -> None:
        place = self.builder.bitcast(self.builder.gep(pointer, [first]), self.vector.as_pointer())
        self.builder.store(value, place, align=self.size)

    def everywhere(self, number: Any) -> Any:
        """Return a vector of one number."""
        undefined = ir.Constant(self.vector, ir.Undefined)
        one = self.builder.insert_element(undefined, number, ir.Constant(ir.IntType(32), 0))
        return self.builder.shuffle_vector(one, undefined, self.chosen([0] * self.lanes))

    def chosen(self, lanes: list[int]) -> Any:
        """Return the mask of a shuffle that takes these elements of its two vectors."""
        return ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), lanes)

    def multiplied(self, one: Any, other: Any, total: Any) -> Any:
        """Return ``one * other + total``, in one instruction where there is one."""
        kind = ir.FunctionType(self.vector, [self.vector] * 3)
        name = f"llvm.fmuladd.v{self.lanes}f{8 * self.size}"
        declared = cgutils.get_or_insert_function(self.builder.module, kind, name)
        return self.builder.call(declared, [one, other, total])

    def summed(self, vector: Any) -> Any:
        """Return the sum of a vector's elements, half by half."""
        width = self.lanes
        while width > 1:
            width //= 2
            turned = [(i + width) % self.lanes for i in range(self.lanes)]
            other = self.builder.shuffle_vector(vector, vector, self.chosen(turned))
            vector = self.builder.fadd(vector, other)
        return self.builder.extract_element(vector, ir.Constant(ir.IntType(32), 0))

    def looped(self, count: Any, totals: list[Any], body: Any) -> list[Any]:
        """Return what ``body(k, totals)`` makes of the totals, for k from 0 to before a count."""
        builder = self.builder
        before, loop, after = builder.block, builder.append_basic_block("loop"), builder.append_basic_block("after")
        builder.cbranch(builder.icmp_signed(">", count, self.number(0)), loop, after)
        builder.position_at_end(loop)
        k = builder.phi(self.index)
        k.add_incoming(self.number(0), before)
        running = [builder.phi(self.vector) for _ in totals]
        made = body(k, running)
        following = builder.add(k, self.number(1))
        k.add_incoming(following, builder.block)
        for phi, total, own in zip(running, totals, made, strict=True):
            phi.add_incoming(total, before)
            phi.add_incoming(own, builder.block)
        end = builder.block
        builder.cbranch(builder.icmp_signed("<", following, count), loop, after)
        builder.position_at_end(after)
        found = [builder.phi(self.vector) for _ in totals]
        for phi, total, own in zip(found, totals, made, strict=True):
            phi.add_incoming(total, before)
            phi.add_incoming(own, end)
        return found


def tile(filters: int, vectors: int) -> Any:
    """Return the function that writes one tile, ``y[r, t] = b[r] + Σₖ W[k, r] x[offsets[k] + t]``.

    It takes each array with the index where it begins, the number of k, and the distances between the rows of W and y.
    """

    def computed(
        typing: Any, y: Any, y0: Any, dy: Any, W: Any, w0: Any, dw: Any, x: Any, x0: Any, at: Any, K: Any, b: Any,
        b0: Any,
    ) -> Any:  # fmt: skip
        n = types.intp
        signature = types.void(y, n, n, W, n, n, x, n, at, n, b, n)

        def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
            code = Code(context, builder, y.dtype)
            _, y0, dy, _, w0, dw, _, x0, _, K, _, b0 = given
            weights, images = code.start(W, given[3], w0), code.start(x, given[6], x0)
            offsets, bias = code.start(at, given[8], code.number(0)), code.start(b, given[10], b0)
            first = []
            for r in range(filters):
                value = code.everywhere(builder.load(builder.gep(bias, [code.number(r)])))
                first += [value] * vectors

            def step(k: Any, totals: list[Any]) -> list[Any]:
                place = builder.load(builder.gep(offsets, [k]))
                row = builder.mul(k, dw)
                seen = [code.vector_at(images, builder.add(place, code.number(v * code.lanes))) for v in range(vectors)]
                made = []
                for r in range(filters):
                    w = code.everywhere(builder.load(builder.gep(weights, [builder.add(row, code.number(r))])))
                    made += [code.multiplied(w, seen[v], totals[r * vectors + v]) for v in range(vectors)]
                return made

            totals = code.looped(K, first, step)
            out = code.start(y, given[0], y0)
            for r in range(filters):
                line = builder.mul(dy, code.number(r))
                for v in range(vectors):
                    code.put(totals[r * vectors + v], out, builder.add(line, code.number(v * code.lanes)))
            return impl_ret_untracked(context, builder, signature.return_type, context.get_dummy_value())

        return signature, generate

    return intrinsic(computed)


def dots(rows: int, cells: int) -> Any:
    """Return the function that adds a tile of dot products, ``out[r, q] += Σₜ d[r, t] x[offsets[q] + t]``.

    t runs over a number of vectors. It takes each array with the index where it begins, and the distances between the
    rows of d and of out.
    """

    def computed(
        typing: Any, out: Any, o0: Any, do: Any, d: Any, d0: Any, dd: Any, x: Any, x0: Any, at: Any, q0: Any,
        count: Any,
    ) -> Any:  # fmt: skip
        n = types.intp
        signature = types.void(out, n, n, d, n, n, x, n, at, n, n)

        def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
            code = Code(context, builder, out.dtype)
            _, o0, do, _, d0, dd, _, x0, _, q0, count = given
            lines, images = code.start(d, given[3], d0), code.start(x, given[6], x0)
            offsets = code.start(at, given[8], q0)
            places = [builder.load(builder.gep(offsets, [code.number(q)])) for q in range(cells)]
            starts = [builder.mul(dd, code.number(r)) for r in range(rows)]
            zero = ir.Constant(code.vector, [0.0] * code.lanes)

            def step(t: Any, totals: list[Any]) -> list[Any]:
                own = builder.mul(t, code.number(code.lanes))
                left = [code.vector_at(lines, builder.add(start, own)) for start in starts]
                made = list(totals)
                for q, place in enumerate(places):
                    right = code.vector_at(images, builder.add(place, own))
                    for r in range(rows):
                        made[r * cells + q] = code.multiplied(left[r], right, totals[r * cells + q])
                return made

            totals = code.looped(count, [zero] * (rows * cells), step)
            sums = code.start(out, given[0], o0)
            for r in range(rows):
                for q in range(cells):
                    place = builder.gep(sums, [builder.add(builder.mul(do, code.number(r)), code.number(q))])
                    builder.store(builder.fadd(builder.load(place), code.summed(totals[r * cells + q])), place)
            return impl_ret_untracked(context, builder, signature.return_type, context.get_dummy_value())

        return signature, generate

    return intrinsic(computed)

"""CUDA bodies of the recurrent layers: a product and one launch for each step forward, and so backward.

Dropout between steps adds a launch to each.
"""

from __future__ import annotations

from typing import Any

import cupy

from xpnet import kernels
from xpnet.fast.cupy.affine import sum_rows
from xpnet.fast.cupy.launch import WIDE, CudaBody, launch_each, of_one, ordered
from xpnet.layers.bodies import body
from xpnet.layers.lstm_variants import PeepholeLSTM
from xpnet.layers.recurrent import GRU, LSTM, RNN

FILE = "recurrent"


class StepInOneLaunch(CudaBody):
    """A recurrent layer in all its options; for float16 in float32, as by its equations."""

    name = ""
    kept = 0
    biases: tuple[str, ...] = ("b",)
    taken_back: tuple[str, ...] = ()
    """The arrays of the backward of a step besides the product, in the order of its kernel."""

    def forward(self, x: Any, mask: Any = None, *states: Any) -> Any:
        layer = self.layer
        given = [state for state in states if state is not None]
        if x.ndim != 3 or not x.size or not of_one(x, *layer.parameter_arrays().values(), *given):
            return NotImplemented
        (N, L, D), H, narrow = x.shape, len(layer.Wh), x.dtype
        before = self.first_states((N, H), WIDE[narrow.name], states)
        if before is None or not fits(mask, (N, L)):
            return NotImplemented
        real = None if mask is None else self.in_order(real_steps(mask, L).T)
        xs = self.in_order(self.widened(x).transpose(1, 0, 2))
        if real is not None:
            xs = cupy.where(real[..., None], xs, xs.dtype.type(0))
        xs, real = ordered(xs, 0 if real is None else real)
        wide = {name: ordered(self.widened(W))[0] for name, W in layer.parameter_arrays().items()}
        Wx, Wh = wide["Wx"], wide["Wh"]
        biases = [wide[b] if b in wide else cupy.zeros(Wx.shape[1], Wx.dtype) for b in self.biases]
        p = self.peepholes(wide)
        a = (xs.reshape(L * N, D) @ Wx).reshape(L, N, -1)
        u = cupy.empty(a.shape[1:], xs.dtype)
        runs = [cupy.empty((L + 1, N, H), xs.dtype) for _ in before]
        for run, state in zip(runs, before, strict=True):
            run[0] = state
        drops = layer.recurrent_dropout and layer.training and self.training
        drop = self.drawn_mask(runs[0][0]) if drops else None
        seen = runs[0][:L] if drop is None else cupy.empty((L, N, H), xs.dtype)
        kept = cupy.empty((L if self.training else 1, N, self.kept * H), xs.dtype)
        y: Any = cupy.empty((N, L, H), xs.dtype) if layer.return_sequences else 0
        for t in range(L):
            if drop is not None:
                cupy.multiply(runs[0][t], drop, out=seen[t])
            cupy.matmul(seen[t], Wh, out=u)
            now, after, own = [run[t] for run in runs], [run[t + 1] for run in runs], kept[t if self.training else 0]
            here = real if type(real) is int else real[t]
            arrays = (a[t], u, *biases, *p, *now, here, *([own] if self.kept else []), *after, y)
            launch_each(FILE, f"{self.name}_step", xs.dtype, N * H, *arrays, N * H, H, L, self.place(t, L))
        if layer.stateful and layer.training and self.training:
            for name, run in zip(type(layer).state, runs, strict=True):
                setattr(layer, name, run[L].copy())
        self.cache = narrow, xs, real, Wx, Wh, runs, kept, seen, drop, p
        last = [run[L].astype(narrow) for run in runs] if layer.return_state else []
        y = y.astype(narrow, copy=False) if layer.return_sequences else runs[0][L].astype(narrow)
        return (y, *last) if layer.return_state else y

    def widened(self, array: Any) -> Any:
        """Return an array in the dtype of the computation."""
        return array.astype(WIDE[array.dtype.name], copy=False)

    def first_states(self, shape: tuple[int, ...], dtype: Any, given: tuple[Any, ...]) -> list[Any] | None:
        """Return the states before the first step, or None if one does not fit."""
        found = []
        for name, state in zip(type(self.layer).state, (*given, None, None), strict=False):
            if state is None and self.layer.stateful:
                state = getattr(self.layer, name)
            state = cupy.zeros(shape, dtype) if state is None else state
            if state.shape != shape:
                return None
            found.append(state)
        return found

    def drawn_mask(self, h: Any) -> Any:
        """Return what the states of all steps are multiplied by, and count the draw."""
        layer = self.layer
        step = layer.step_of(h)
        layer.step += 1
        return kernels.dropout_mask(h, layer.rng, layer.stream, step, 1.0 - layer.recurrent_dropout)

    def peepholes(self, wide: dict[str, Any]) -> tuple[Any, ...]:  # noqa: ARG002
        """Return what the kernel takes behind the biases: of an LSTM, the weights of its peepholes."""
        return ()

    def of_peepholes(self, da: Any, runs: list[Any]) -> dict[str, Any]:  # noqa: ARG002
        """Return what sums up to the gradients of the peepholes."""
        return {}

    def in_order(self, steps: Any) -> Any:
        """Return a view of steps, which come first, in the order of reading, or back."""
        return steps[::-1] if self.layer.reverse else steps

    def place(self, t: int, L: int) -> int:
        """Return the place in x of the step that is read at time t."""
        return L - 1 - t if self.layer.reverse else t

    def backward(self, dout: Any, *dstates: Any) -> Any:
        layer, (narrow, xs, real, Wx, Wh, runs, kept, seen, drop, p) = self.layer, self.cache
        (L, N, D), H, dtype = xs.shape, len(Wh), xs.dtype
        dh, beside, dc = (cupy.zeros((N, H), dtype) for _ in range(3))
        for own, given in zip((dh, dc), dstates, strict=False):
            own += given
        if layer.return_sequences:
            dout = cupy.full((N, L, H), dout, dtype) if type(dout) is float else ordered(dout.astype(dtype))[0]
        else:
            dh += dout
            dout = 0
        das = [cupy.empty((L, N, W.shape[1]), dtype) for W in ((Wx, Wh) if self.name == "gru" else (Wx,))]
        for t in reversed(range(L)):
            here = real if type(real) is int else real[t]
            at_step = {"beside": beside, "dout": dout, "dc": dc, "kept": kept[t], "real": here, "p": p[0] if p else 0}
            at_step |= {"before": runs[0][t], "h": runs[0][t + 1], "cell": runs[-1][t], "c": runs[-1][t + 1]}
            arrays = [at_step[name] for name in self.taken_back]
            sizes = (N * H, H, L, self.place(t, L))
            launch_each(FILE, f"{self.name}_step_backward", dtype, N * H, dh, *arrays, *[da[t] for da in das], *sizes)
            cupy.matmul(das[-1][t], Wh.T, out=dh)
            if drop is not None:
                dh *= drop
        if layer.return_state:
            dh += beside
        rows = [da.reshape(L * N, -1) for da in das]
        if self.trains:
            layer.dWx = (xs.reshape(L * N, D).T @ rows[0]).astype(narrow, copy=False)
            layer.dWh = (seen.reshape(L * N, H).T @ rows[-1]).astype(narrow, copy=False)
            gradients = dict(zip(self.biases, rows, strict=True)) | self.of_peepholes(rows[0], runs)
            for name, of in gradients.items():
                setattr(layer, f"d{name}", sum_rows(of).astype(narrow, copy=False))
        dx = None
        if self.needs_dx:
            dx = cupy.empty((N, L, D), narrow)
            self.in_order(dx.transpose(1, 0, 2))[...] = (rows[0] @ Wx.T).reshape(L, N, D)
        first = [own.astype(narrow, copy=False) for own in (dh, dc)][: len(type(layer).state)]
        return (dx, *first) if layer.return_state else dx


@body("cupy", RNN)
class RNNStepInOneLaunch(StepInOneLaunch):
    """A plain recurrence with a product and one launch for each step."""

    name = "rnn"
    taken_back = ("beside", "dout", "h", "real")


@body("cupy", LSTM)
class LSTMStepInOneLaunch(StepInOneLaunch):
    """An LSTM with a product and one launch for each step, which keeps its gates."""

    name = "lstm"
    kept = 4
    taken_back = ("beside", "dout", "dc", "kept", "cell", "c", "real", "p")

    def peepholes(self, wide: dict[str, Any]) -> tuple[Any, ...]:  # noqa: ARG002
        return (0,)


@body("cupy", PeepholeLSTM)
class PeepholeLSTMStepInOneLaunch(LSTMStepInOneLaunch):
    """An LSTM with peepholes, by the kernels of the LSTM."""

    def peepholes(self, wide: dict[str, Any]) -> tuple[Any, ...]:
        return (cupy.concatenate([wide["p_i"], wide["p_f"], wide["p_o"]]),)

    def of_peepholes(self, da: Any, runs: list[Any]) -> dict[str, Any]:
        cells, H = runs[1], runs[1].shape[2]
        before, after = cells[:-1].reshape(-1, H), cells[1:].reshape(-1, H)
        return {"p_i": da[:, :H] * before, "p_f": da[:, H : 2 * H] * before, "p_o": da[:, 3 * H :] * after}


@body("cupy", GRU)
class GRUStepInOneLaunch(StepInOneLaunch):
    """A GRU with a product and one launch for each step, which keeps r, z, n and the n block of ``h Wh + bh``."""

    name = "gru"
    biases = ("bx", "bh")
    kept = 4
    taken_back = ("beside", "dout", "kept", "before", "real")

    @classmethod
    def made_for(cls, *layers: Any) -> bool:
        return bool(layers[0].reset_after)


def fits(mask: Any, shape: tuple[int, int]) -> bool:
    """Return whether there is no mask, or one of bool or of lengths for rows and steps."""
    return mask is None or (
        mask.shape == shape if mask.dtype == bool else mask.dtype.kind in "iu" and mask.shape == shape[:1]
    )


def real_steps(mask: Any, L: int) -> Any:
    """Return True where rows have steps, ``(N, L)``."""
    return mask if mask.dtype == bool else mask[:, None] > cupy.arange(L)

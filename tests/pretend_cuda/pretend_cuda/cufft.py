"""cuFFT's plans by numpy.fft, in place of CuPy's module of the same name: transforms are not normalized."""

from __future__ import annotations

import threading
from typing import Any

import cupy
import numpy as np
from cupy_backends.cuda.api import runtime

from pretend_cuda.views import view

CUFFT_C2C, CUFFT_R2C, CUFFT_C2R, CUFFT_Z2Z, CUFFT_D2Z, CUFFT_Z2D = 0x29, 0x2A, 0x2C, 0x69, 0x6A, 0x6C
CUFFT_FORWARD, CUFFT_INVERSE = -1, 1
DTYPES = {CUFFT_C2C: "FF", CUFFT_R2C: "fF", CUFFT_C2R: "Ff", CUFFT_Z2Z: "DD", CUFFT_D2Z: "dD", CUFFT_Z2D: "Dd"}
_current = threading.local()


class CuFFTError(RuntimeError):
    pass


def getVersion() -> int:
    return 12000


def get_current_plan() -> Any:
    return getattr(_current, "plan", None)


class _Plan:
    gpus = None

    def __init__(self) -> None:
        self.work_area = cupy.cuda.alloc(1)

    def __enter__(self) -> Any:
        _current.plan = self
        return self

    def __exit__(self, *error: object) -> None:
        _current.plan = None

    def _transformed(self, given: np.ndarray, axes: tuple[int, ...], sizes: tuple[int, ...], direction: int) -> Any:
        """Over the axes; the last one has half of the frequencies where one side is real."""
        runtime.pretend_finish(cupy.cuda.get_current_stream().ptr)
        source, target = DTYPES[self.fft_type]
        if source in "fd":
            return np.fft.rfftn(given, axes=axes).astype(target)
        if target in "fd":
            return np.fft.irfftn(given, sizes, axes=axes, norm="forward").astype(target)
        if direction == CUFFT_FORWARD:
            return np.fft.fftn(given, axes=axes).astype(target)
        return np.fft.ifftn(given, axes=axes, norm="forward").astype(target)

    def check_output_array(self, a: Any, out: Any) -> None:
        shape, dtype = self._output_shape(a), np.dtype(DTYPES[self.fft_type][1])
        if out.shape != shape or out.dtype != dtype:
            raise ValueError(f"out must have shape {shape} and dtype {dtype}, got {out.shape} and {out.dtype}")


class Plan1d(_Plan):
    def __init__(self, nx: int, fft_type: int, batch: int, *, devices: Any = None, out: Any = None) -> None:
        if devices:
            raise NotImplementedError("pretend_cuda: a transform on several devices is not emulated")
        super().__init__()
        self.nx, self.fft_type, self.batch = nx, fft_type, batch

    def _output_shape(self, a: Any) -> tuple[int, ...]:
        length = {CUFFT_R2C: self.nx // 2 + 1, CUFFT_D2Z: self.nx // 2 + 1}.get(self.fft_type, self.nx)
        return (*a.shape[:-1], length)

    def get_output_array(self, a: Any) -> Any:
        return cupy.empty(self._output_shape(a), DTYPES[self.fft_type][1])

    def fft(self, a: Any, out: Any, direction: int) -> None:
        given = view(a.data.ptr, a.dtype, a.shape)
        view(out.data.ptr, out.dtype, out.shape)[...] = self._transformed(given, (-1,), (self.nx,), direction)


class PlanNd(_Plan):
    def __init__(
        self,
        shape: Any,
        inembed: Any,
        istride: int,
        idist: int,
        onembed: Any,
        ostride: int,
        odist: int,
        fft_type: int,
        batch: int,
        order: str,
        last_axis: int,
        last_size: Any,
    ) -> None:
        super().__init__()
        self.shape, self.fft_type, self.order = tuple(shape), fft_type, order
        self.last_axis, self.last_size, self.batch = last_axis, last_size, batch
        self.layouts = (inembed, istride, idist), (onembed, ostride, odist)

    def _output_shape(self, a: Any) -> tuple[int, ...]:
        shape = list(a.shape)
        if self.last_size is not None:
            shape[self.last_axis] = self.last_size
        return tuple(shape)

    def get_output_array(self, a: Any, order: str = "C") -> Any:
        return cupy.empty(self._output_shape(a), DTYPES[self.fft_type][1], order=order)

    def fft(self, a: Any, out: Any, direction: int) -> None:
        views = []
        for array, (embed, stride, dist) in zip((a, out), self.layouts, strict=True):
            steps, step = [], stride
            for n in reversed(embed):
                steps.insert(0, step)
                step *= n
            views.append(view(array.data.ptr, array.dtype, (self.batch, *embed), (dist, *steps)))
        axes = tuple(range(1, len(self.shape) + 1))
        views[1][...] = self._transformed(views[0], axes, self.shape, direction)

"""cuFFT's plans by numpy.fft, in place of CuPy's module of the same name: transforms are not normalized."""

from __future__ import annotations

import math
import threading
from typing import Any

import cupy
import numpy as np
from cupy_backends.cuda.api import runtime

from pretend_cuda.views import view

CUFFT_C2C, CUFFT_R2C, CUFFT_C2R, CUFFT_Z2Z, CUFFT_D2Z, CUFFT_Z2D = 0x29, 0x2A, 0x2C, 0x69, 0x6A, 0x6C
CUFFT_FORWARD, CUFFT_INVERSE = -1, 1
DTYPES = {
    CUFFT_C2C: ("F", "F"),
    CUFFT_R2C: ("f", "F"),
    CUFFT_C2R: ("F", "f"),
    CUFFT_Z2Z: ("D", "D"),
    CUFFT_D2Z: ("d", "D"),
    CUFFT_Z2D: ("D", "d"),
}
"""The type of a transform -> the dtypes of what it reads and writes."""
_current = threading.local()


class CuFFTError(RuntimeError):
    """An error of cuFFT."""


def getVersion() -> int:
    return 12000


def get_current_plan() -> Any:
    return getattr(_current, "plan", None)


class _Plan:
    """What plans share: the sizes that are transformed, and the type of the transform."""

    gpus = None

    def __init__(self, sizes: tuple[int, ...], fft_type: int, batch: int) -> None:
        self.work_area = cupy.cuda.alloc(1)
        self.shape, self.fft_type, self.batch = sizes, fft_type, batch
        self.source, self.target = DTYPES[fft_type]

    def __enter__(self) -> Any:
        _current.plan = self
        return self

    def __exit__(self, *error: object) -> None:
        _current.plan = None

    def output_shape(self, a: Any) -> tuple[int, ...]:
        """The shape of what becomes of an array."""
        raise NotImplementedError

    def check_output_array(self, a: Any, out: Any) -> None:
        shape, dtype = self.output_shape(a), np.dtype(self.target)
        if out.shape != shape or out.dtype != dtype:
            raise ValueError(f"out must have shape {shape} and dtype {dtype}, got {out.shape} and {out.dtype}")

    def transform(self, given: np.ndarray, result: np.ndarray, axes: tuple[int, ...], direction: int) -> None:
        """Submit the transform; the last axis has half of the frequencies where one side is real."""

        def work() -> None:
            if self.source in "fd":
                result[...] = np.fft.rfftn(given, axes=axes)
            elif self.target in "fd":
                result[...] = np.fft.irfftn(given, self.shape, axes=axes, norm="forward")
            elif direction == CUFFT_FORWARD:
                result[...] = np.fft.fftn(given, axes=axes)
            else:
                result[...] = np.fft.ifftn(given, axes=axes, norm="forward")

        runtime.pretend_submit(cupy.cuda.get_current_stream().ptr, work)


class Plan1d(_Plan):
    def __init__(self, nx: int, fft_type: int, batch: int, *, devices: Any = None, out: Any = None) -> None:
        if devices:
            raise NotImplementedError("pretend_cuda: a transform on several devices is not emulated")
        super().__init__((nx,), fft_type, batch)
        self.nx = nx

    def output_shape(self, a: Any) -> tuple[int, ...]:
        half = self.fft_type in (CUFFT_R2C, CUFFT_D2Z)
        return (*a.shape[:-1], self.nx // 2 + 1 if half else self.nx)

    def get_output_array(self, a: Any) -> Any:
        return cupy.empty(self.output_shape(a), self.target)

    def fft(self, a: Any, out: Any, direction: int) -> None:
        given, result = (view(array.data.ptr, array.dtype, array.shape) for array in (a, out))
        self.transform(given, result, (-1,), direction)


class PlanNd(_Plan):
    """A plan for several axes, made from the arguments of cufftMakePlanMany and what CuPy adds to them."""

    def __init__(self, shape: Any, inembed: Any, istride: int, idist: int, *others: Any) -> None:
        onembed, ostride, odist, fft_type, batch, self.order, self.last_axis, self.last_size = others
        super().__init__(tuple(shape), fft_type, batch)
        self.layouts = (inembed, istride, idist), (onembed, ostride, odist)

    def output_shape(self, a: Any) -> tuple[int, ...]:
        shape = list(a.shape)
        if self.last_size is not None:
            shape[self.last_axis] = self.last_size
        return tuple(shape)

    def get_output_array(self, a: Any, order: str = "C") -> Any:
        return cupy.empty(self.output_shape(a), self.target, order=order)

    def fft(self, a: Any, out: Any, direction: int) -> None:
        views = []
        for array, (embed, stride, distance) in zip((a, out), self.layouts, strict=True):
            steps = [stride * math.prod(embed[i + 1 :]) for i in range(len(embed))]
            views.append(view(array.data.ptr, array.dtype, (self.batch, *embed), (distance, *steps)))
        self.transform(views[0], views[1], tuple(range(1, len(self.shape) + 1)), direction)

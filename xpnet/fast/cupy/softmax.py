"""CUDA bodies of softmax and its logarithm: one launch each way, with a block for each row."""

from __future__ import annotations

from typing import Any

import cupy

from xpnet.fast.cupy.launch import CudaBody, launch_rows, of_one, ordered, upstream
from xpnet.layers.bodies import body
from xpnet.layers.softmax import LogSoftmax, Softmax, check_classes


@body("cupy", Softmax)
class SoftmaxOfRows(CudaBody):
    """Softmax with a block for each row, which finds its maximum and sum and writes its shares."""

    kernel = "softmax"

    def forward(self, x: Any) -> Any:
        if not of_one(x) or not x.ndim:
            return NotImplemented
        check_classes(self.layer, x)
        self.cache = y = launch(self.kernel, *ordered(x))
        return y

    def backward(self, dout: Any) -> Any:
        return launch(f"{self.kernel}_backward", upstream(dout, self.cache), self.cache)


@body("cupy", LogSoftmax)
class LogSoftmaxOfRows(SoftmaxOfRows):
    """Log-softmax with a block for each row, which finds its maximum and sum and writes its logarithms."""

    kernel = "log_softmax"


def launch(name: str, *arrays: Any) -> Any:
    """Return the result of a kernel that runs over the rows of arrays of one shape."""
    y = cupy.empty_like(arrays[0])
    classes = y.shape[-1]
    launch_rows("loss", name, y.dtype, y.size // classes, classes, *arrays, y, y.size // classes, classes)
    return y

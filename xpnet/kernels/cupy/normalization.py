"""CUDA bodies of layer normalization: one launch forward, two backward."""

from __future__ import annotations

from typing import Any

import cupy

from xpnet import kernels
from xpnet.kernels.cupy.launch import body, launch_rows


@body(kernels.layer_norm)
def layer_norm(x: Any, gamma: Any, beta: Any, eps: float) -> Any:
    width = x.shape[-1]
    rows = x.size // width
    y, xhat, rstd = cupy.empty_like(x), cupy.empty_like(x), cupy.empty((*x.shape[:-1], 1), x.dtype)
    arrays = (x, gamma, beta, y, xhat, rstd)
    launch_rows("normalization", "layer_norm", x.dtype, rows, width, *arrays, rows, width, eps)
    return y, xhat, rstd


@body(kernels.layer_norm_backward)
def layer_norm_backward(dout: Any, xhat: Any, rstd: Any, gamma: Any) -> Any:
    width = dout.shape[-1]
    rows = dout.size // width
    dx, dgamma, dbeta = cupy.empty_like(dout), cupy.empty_like(gamma), cupy.empty_like(gamma)
    of_dx, of_parameters = (dout, xhat, rstd, gamma, dx), (dout, xhat, dgamma, dbeta)
    launch_rows("normalization", "layer_norm_dx", dout.dtype, rows, width, *of_dx, rows, width)
    launch_rows("normalization", "layer_norm_dparams", dout.dtype, width, max(rows, 1), *of_parameters, rows, width)
    return dx, dgamma, dbeta

"""The ends of a residual branch together with the sum beside them, where a kernel runs both as one."""

from __future__ import annotations

from typing import Any

from xpnet import kernels
from xpnet.autodiff import Variable
from xpnet.backend import array_namespace, device_of
from xpnet.layers import checks
from xpnet.layers.attention import MultiHeadAttention
from xpnet.layers.joint import replaced
from xpnet.layers.linear import Linear, in_rows_of, rows
from xpnet.layers.normalization import LayerNormalization


def forward_onto(layer: Any, x: Any, mask: Any, around: Any) -> Any:
    """``around + layer(x)``, with the mask for a layer that takes one. The layer gets what its backward needs."""
    given = (x, mask) if "mask" in getattr(layer, "inputs", ()) else (x,)
    if type(layer) not in (Linear, MultiHeadAttention) or not _joins(layer, x, around):
        return around + layer(*given)
    checks.accept(layer, given)
    if type(layer) is Linear:
        layer.x = inputs = rows(x)
        W, b = layer.W, layer.b
    else:
        inputs, W, b = rows(layer.heads_of(x, mask)), layer.Wo, layer.bo
    if around.shape != (*x.shape[:-1], W.shape[1]):
        return around + in_rows_of(x, kernels.affine(inputs, W, b))  # it raises
    y = in_rows_of(x, kernels.affine_onto(inputs, W, b, rows(around)))
    layer._y_like = (array_namespace(y), y.shape, y.dtype, device_of(y))
    return y


def backward_onto(layer: Any, dout: Any, around: Any) -> Any:
    """``around + layer.backward(dout)``."""
    known = vars(layer).get("_y_like")
    if type(layer) is not LayerNormalization or known is None or not _joins(layer, dout, around):
        return around + layer.backward(dout)
    dout = checks.check_dout(layer, dout, *known)
    kept, statistics = layer.kept
    found = kernels.layer_norm_backward_onto(dout, kept, statistics, layer.gamma, around)
    dx, layer.dgamma, layer.dbeta = found
    return dx


def _joins(layer: Any, x: Any, around: Any) -> bool:
    """Whether x and what goes around are arrays of one kind, nobody records, and nobody has replaced a method."""
    kinds = {(type(a), getattr(a, "dtype", None)) for a in (x, around)}
    recorded = any(type(a) is Variable for a in (x, *(getattr(layer, name) for name in layer.parameters)))
    return len(kinds) == 1 and type(x) not in checks.SCALARS and not recorded and not replaced(layer)

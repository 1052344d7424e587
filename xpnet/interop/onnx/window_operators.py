"""The layers with windows, normalizations and resampling as operators of ONNX."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.interop.onnx.operators import rows_of, writes
from xpnet.interop.onnx.symbols import OPSET, Symbol, Whole, constant, emit
from xpnet.kernels.windows import Border, Window
from xpnet.layers import (
    AdaptiveAveragePooling,
    AdaptiveMaxPooling,
    AveragePooling,
    AveragePooling1D,
    AveragePooling3D,
    BatchNormalization,
    BilinearUpsampling,
    Convolution,
    Convolution1D,
    Convolution3D,
    GlobalAveragePooling,
    GlobalMaxPooling,
    GroupNormalization,
    InstanceNormalization,
    LayerNormalization,
    MaxPooling,
    MaxPooling1D,
    MaxPooling3D,
    Padding,
    PixelShuffle,
    RMSNormalization,
    TransposedConvolution,
    TransposedConvolution1D,
    TransposedConvolution3D,
    Upsampling,
)


def pads_of(border: Border) -> tuple[int, ...]:
    """Return a border in the order of ONNX: before all axes, then after them."""
    return (*[before for before, _ in border], *[after for _, after in border])


def biases(layer: Any) -> Symbol | None:
    return layer.b if "b" in layer.parameters else None


@writes(Convolution, Convolution1D, Convolution3D)
def convolution(layer: Any, y: Any, x: Symbol) -> Any:
    window: Window = layer.window_on(x.shape)
    options = {"kernel_shape": window.size, "strides": window.stride, "dilations": window.dilation}
    return emit("Conv", [x, layer.W, biases(layer)], y, **options, pads=pads_of(window.pad), group=layer.groups)


@writes(TransposedConvolution, TransposedConvolution1D, TransposedConvolution3D)
def transposed(layer: Any, y: Any, x: Symbol) -> Any:
    window: Window = layer.window_on(y.shape)
    more = [
        length - (s * (n - 1) + span - sum(pad))
        for length, n, s, span, pad in zip(
            y.shape[2:], x.shape[2:], window.stride, window.span, window.pad, strict=True
        )
    ]
    options = {"kernel_shape": window.size, "strides": window.stride, "dilations": window.dilation}
    options |= {"output_padding": tuple(more)} if any(more) else {}
    return emit(
        "ConvTranspose", [x, layer.W, biases(layer)], y, **options, pads=pads_of(window.pad), group=layer.groups
    )


@writes(MaxPooling, MaxPooling1D, MaxPooling3D)
def largest(layer: Any, y: Any, x: Symbol) -> Any:
    window: Window = layer.window_on(x.shape)
    return emit("MaxPool", [x], y, kernel_shape=window.size, strides=window.stride, pads=pads_of(window.pad))


@writes(AveragePooling, AveragePooling1D, AveragePooling3D)
def average(layer: Any, y: Any, x: Symbol) -> Any:
    window: Window = layer.window_on(x.shape)
    inside = window.pad
    counts = layer.count_include_pad
    if layer.count_include_pad and layer.ceil_mode:  # what a last window sees behind the border does not count
        own = layer.window.same(x.shape).pad if layer.same else layer.window.pad
        inside = tuple((0, after - given) for (_, after), (_, given) in zip(window.pad, own, strict=True))
        counts = inside == ((0, 0),) * window.axes
        if counts:
            inside = own
        elif any(map(any, own)):
            x = bordered(x, own)
    options = {"kernel_shape": window.size, "strides": window.stride, "pads": pads_of(inside)}
    return emit("AveragePool", [x], y, **options, count_include_pad=int(counts))


def bordered(x: Symbol, border: Border, mode: str = "constant") -> Symbol:
    """Return images with a border."""
    around = ((0, 0), (0, 0), *border)
    value = np.pad(x.value, around, mode)  # type: ignore[call-overload]
    return emit("Pad", [x, Whole(pads_of(around))], value, mode=mode)  # type: ignore[no-any-return]


@writes(Padding)
def padding(layer: Any, _y: Any, x: Symbol) -> Any:
    modes = {"zeros": "constant", "reflect": "reflect", "replicate": "edge"}
    if layer.mode not in modes:
        return None
    return bordered(x, tuple((before, after) for _, before, after in layer.widths(x.shape[2:])), modes[layer.mode])


@writes(AdaptiveAveragePooling, AdaptiveMaxPooling)
def adaptive(layer: Any, y: Any, x: Symbol) -> Any:
    bins, size = layer.bins(x), x.shape[2:]
    if any(length % count for length, count in zip(size, bins, strict=True)):
        return None
    cells = tuple(length // count for length, count in zip(size, bins, strict=True))
    op = "MaxPool" if isinstance(layer, AdaptiveMaxPooling) else "AveragePool"
    return emit(op, [x], y, kernel_shape=cells, strides=cells)


@writes(GlobalAveragePooling, GlobalMaxPooling)
def of_channels(layer: Any, y: Any, x: Symbol) -> Any:
    op = "GlobalMaxPool" if isinstance(layer, GlobalMaxPooling) else "GlobalAveragePool"
    return rows_of(emit(op, [x], y.reshape(*y.shape, *(1,) * (x.ndim - 2))))


@writes(BatchNormalization)
def batch(layer: Any, y: Any, x: Symbol) -> Any:
    arrays = [layer.gamma, layer.beta, constant(layer.running_mean), constant(layer.running_var)]
    return emit("BatchNormalization", [x, *arrays], y, epsilon=layer.eps)


@writes(LayerNormalization)
def over_last(layer: Any, y: Any, x: Symbol) -> Any:
    return emit("LayerNormalization", [x, layer.gamma, layer.beta], y, axis=-1, epsilon=layer.eps)


@writes(RMSNormalization)
def root_mean_square(layer: Any, y: Any, x: Symbol) -> Any:
    if OPSET.get() < 23:
        return None
    return emit("RMSNormalization", [x, layer.gamma], y, axis=-1, epsilon=layer.eps)


@writes(GroupNormalization)
def over_groups(layer: Any, y: Any, x: Symbol) -> Any:
    if OPSET.get() < 21 or x.ndim < 3:
        return None
    options = {"num_groups": layer.groups, "epsilon": layer.eps}
    return emit("GroupNormalization", [x, layer.gamma, layer.beta], y, **options)


@writes(InstanceNormalization)
def over_places(layer: Any, y: Any, x: Symbol) -> Any:
    if x.ndim < 3:
        return None
    return emit("InstanceNormalization", [x, layer.gamma, layer.beta], y, epsilon=layer.eps)


def resized(layer: Any, y: Any, x: Symbol, **options: Any) -> Any:
    """Return images made larger by whole scales."""
    scales = Symbol(np.asarray((1.0, 1.0, *layer.scales(x)), dtype=np.float32))
    return emit("Resize", [x, None, scales], y, **options)


@writes(Upsampling)
def repeated(layer: Any, y: Any, x: Symbol) -> Any:
    return resized(layer, y, x, mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")


@writes(BilinearUpsampling)
def interpolated(layer: Any, y: Any, x: Symbol) -> Any:
    if x.ndim != 4:
        return None
    places = "align_corners" if layer.align_corners else "half_pixel"
    return resized(layer, y, x, mode="linear", coordinate_transformation_mode=places)


@writes(PixelShuffle)
def shuffled(layer: Any, y: Any, x: Symbol) -> Any:
    return emit("DepthToSpace", [x], y, blocksize=layer.scale, mode="CRD")

"""The operators with windows, normalizations and resampling that become layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet import layers
from xpnet.interop.onnx.building import Value, check_size
from xpnet.interop.onnx.nodes import Node
from xpnet.interop.onnx.readers import reads
from xpnet.interop.onnx.reading import Host
from xpnet.layers import Layer

AXES = {1: "1D", 2: "", 3: "3D"}


def kind_of(node: Node, name: str, axes: int) -> Any:
    """Return the class of a layer for images of so many axes."""
    if axes not in AXES:
        raise node.refused(f"images of {axes} axes")
    return getattr(layers, name + AXES[axes])


def pairs(numbers: Any) -> tuple[tuple[int, int], ...]:
    """Return a border, ``((before, after), …)``, of the numbers before all axes and then after them."""
    half = len(numbers) // 2
    return tuple((int(a), int(b)) for a, b in zip(numbers[:half], numbers[half:], strict=True))


def window_of(node: Node, x: Value, size: tuple[int, ...]) -> dict[str, Any]:
    """Return stride, pad and dilation of a node whose window has a size."""
    axes = len(size)
    stride = tuple(int(n) for n in node.attribute("strides", [1] * axes))
    dilation = tuple(int(n) for n in node.attribute("dilations", [1] * axes))
    automatic = node.attribute("auto_pad", "NOTSET")
    pad: Any = pairs(node.attribute("pads", [0] * (2 * axes)))
    spans = [d * (F - 1) for F, d in zip(size, dilation, strict=True)]
    borders = spans if automatic.startswith("SAME") else [a + b for a, b in pad]
    check_size([*x.shape[:2], *[n + border for n, border in zip(x.shape[2:], borders, strict=True)]])
    if automatic == "SAME_UPPER":
        pad = "same"
    elif automatic == "SAME_LOWER":
        pad = []
        for length, F, s, d in zip(x.shape[2:], size, stride, dilation, strict=True):
            both = max((-(-length // s) - 1) * s + d * (F - 1) + 1 - length, 0)
            pad.append((both - both // 2, both // 2))
    elif automatic == "VALID":
        pad = 0
    return {"stride": simplest(stride), "pad": pad_of(pad), "dilation": simplest(dilation)}


def simplest(numbers: Any) -> Any:
    """Return one number for all axes if theirs are equal."""
    return numbers[0] if isinstance(numbers, tuple) and len({*numbers}) == 1 else numbers


def pad_of(pad: Any) -> Any:
    """Return a border in the shortest form."""
    if isinstance(pad, str | int):
        return pad
    pad = tuple(tuple(pair) for pair in pad)
    return simplest(tuple(a for a, _ in pad)) if all(a == b for a, b in pad) else pad


@reads("Conv")
def convolution(node: Node) -> None:
    x, W, b = node.value(0), node.constant(1, "filters"), node.optional(2, "a bias")
    kind = kind_of(node, "Convolution", W.ndim - 2)
    options = window_of(node, x, W.shape[2:])
    stride, pad = options.pop("stride"), options.pop("pad")
    b = None if b is None else np.array(b)
    layer = kind(np.array(W), b, stride, pad, groups=int(node.attribute("group", 1)), **options)
    node.layer(layer, x, hint=node.hint(1))


@reads("ConvTranspose")
def transposed(node: Node) -> None:
    x, W, b = node.value(0), node.constant(1, "filters"), node.optional(2, "a bias")
    axes = W.ndim - 2
    if node.attribute("output_shape") is not None:
        raise node.refused("output_shape")
    options = window_of(node, x, W.shape[2:])
    more = tuple(int(n) for n in node.attribute("output_padding", [0] * axes))
    stride = options["stride"] if isinstance(options["stride"], tuple) else (options["stride"],) * axes
    pad = options["pad"]
    given = pairs(node.attribute("pads", [0] * (2 * axes)))
    span = [d * (F - 1) + 1 for F, d in zip(W.shape[2:], node.attribute("dilations", [1] * axes), strict=True)]
    same = [(max(F - s, 0) // 2, max(F - s, 0) - max(F - s, 0) // 2) for F, s in zip(span, stride, strict=True)]
    if (
        any(more)
        and list(given) == same
        and all(e == max(s - F, 0) for e, s, F in zip(more, stride, span, strict=True))
    ):
        pad, more = "same", (0,) * axes
    made = [(n - 1) * s + F for n, s, F in zip(x.shape[2:], stride, span, strict=True)]
    check_size([x.shape[0], W.shape[1] * int(node.attribute("group", 1)), *made])
    layer = kind_of(node, "TransposedConvolution", axes)(
        np.array(W),
        None if b is None else np.array(b),
        options["stride"],
        pad,
        output_pad=simplest(more),
        dilation=options["dilation"],
        groups=int(node.attribute("group", 1)),
    )
    node.layer(layer, x, hint=node.hint(1))


@reads("MaxPool", "AveragePool")
def pooling(node: Node) -> None:
    x = node.value(0)
    size = tuple(int(n) for n in node.attribute("kernel_shape"))
    options = window_of(node, x, size)
    if options.pop("dilation") != 1:
        raise node.refused("dilations")
    if len(node.outputs) > 1 and node.outputs[1] and node.users(node.outputs[1]):
        raise node.refused("indices as a second output")
    options |= {"ceil_mode": True} if node.attribute("ceil_mode", 0) else {}
    if node.op == "AveragePool" and options["pad"] != 0:
        options |= {} if node.attribute("count_include_pad", 0) else {"count_include_pad": False}
    kind = kind_of(node, "MaxPooling" if node.op == "MaxPool" else "AveragePooling", len(size))
    sizes = size if len(size) == 2 else (simplest(size),)
    node.layer(kind(*sizes, options.pop("stride"), options.pop("pad"), **options), x)


@reads("GlobalAveragePool", "GlobalMaxPool")
def of_channels(node: Node) -> None:
    x, largest = node.value(0), node.op == "GlobalMaxPool"
    user = node.only_user("Flatten")
    if user is not None and all(attribute.i == 1 for attribute in user.attribute):
        own: Layer = layers.GlobalMaxPooling() if largest else layers.GlobalAveragePooling()
        node.layer(own, x, to=[user.output[0]])
        node.done.add(user.output[0])
        return
    size = (1,) * (x.ndim - 2)
    node.layer(layers.AdaptiveMaxPooling(size) if largest else layers.AdaptiveAveragePooling(size), x)


@reads("BatchNormalization")
def batch(node: Node) -> None:
    gamma, beta, mean, var = (np.array(node.constant(at, "statistics")) for at in (1, 2, 3, 4))
    options = {"momentum": float(node.attribute("momentum", 0.9)), "eps": float(node.attribute("epsilon", 1e-5))}
    layer = layers.BatchNormalization(gamma, beta, running_mean=mean, running_var=var, **options)
    node.layer(layer, node.value(0), hint=node.hint(1))


def scale_and_shift(node: Node, size: int) -> tuple[Host, Host]:
    """Return γ and β of a normalization, of which β may be left out."""
    gamma, beta = node.constant(1, "a scale"), node.optional(2, "a shift")
    if gamma.shape != (size,):
        raise node.refused(f"a scale {gamma.shape}")
    return np.array(gamma), np.zeros_like(gamma) if beta is None else np.array(beta.reshape(-1))


@reads("LayerNormalization", "RMSNormalization")
def over_last(node: Node) -> None:
    x = node.value(0)
    if node.attribute("axis", -1) % x.ndim != x.ndim - 1:
        raise node.refused("several axes")
    gamma, beta = scale_and_shift(node, x.shape[-1])
    eps = float(node.attribute("epsilon", 1e-5))
    whole = node.op == "LayerNormalization"
    layer = layers.LayerNormalization(gamma, beta, eps=eps) if whole else layers.RMSNormalization(gamma, eps=eps)
    node.layer(layer, x, hint=node.hint(1))


@reads("GroupNormalization")
def over_groups(node: Node) -> None:
    x, groups = node.value(0), int(node.attribute("num_groups"))
    if node.building.opset < 21:  # a scale for each group
        gamma, beta = (np.repeat(part, x.shape[1] // groups) for part in scale_and_shift(node, groups))
    else:
        gamma, beta = scale_and_shift(node, x.shape[1])
    eps = float(node.attribute("epsilon", 1e-5))
    node.layer(layers.GroupNormalization(gamma, beta, groups=groups, eps=eps), x, hint=node.hint(1))


@reads("InstanceNormalization")
def over_places(node: Node) -> None:
    x = node.value(0)
    gamma, beta = scale_and_shift(node, x.shape[1])
    layer = layers.InstanceNormalization(gamma, beta, eps=float(node.attribute("epsilon", 1e-5)))
    node.layer(layer, x, hint=node.hint(1))


@reads("Pad")
def padding(node: Node) -> None:
    x = node.value(0)
    given = node.attribute("pads") if node.given(1) is None else node.constant(1, "widths").tolist()
    fill = node.optional(2, "a value")
    mode = {"constant": "zeros", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}[
        node.attribute("mode", "constant")
    ]
    border = pairs(given)
    if node.given(3) is not None or len(border) != x.ndim or any(map(any, border[:2])) or x.ndim < 3:
        raise node.refused("a border of other axes than those of images")
    if min(map(min, border)) < 0 or (mode == "zeros" and fill is not None and float(fill.item()) != 0.0):
        raise node.refused("a negative border, or one of other values than 0")
    check_size([n + sum(pair) for n, pair in zip(x.shape, border, strict=True)])
    if any(map(any, border)):
        node.layer(layers.Padding(border[2:], mode), x)
    else:
        node.alias(x)


@reads("Resize")
def resized(node: Node) -> None:
    x, scales, sizes = node.value(0), node.optional(2, "scales"), node.optional(3, "sizes")
    if sizes is not None and sizes.size:
        wanted = np.asarray(sizes, dtype=float) / np.asarray(x.shape)
        wanted[0] = 1.0
    elif scales is not None:
        wanted = np.asarray(scales, dtype=float)
    else:
        raise node.refused("no scales")
    whole = np.rint(wanted).astype(int)
    if len(whole) != x.ndim or (whole[:2] != 1).any() or not np.allclose(whole, wanted) or (whole < 1).any():
        raise node.refused(f"scales {wanted.tolist()}")
    mode, places = node.attribute("mode", "nearest"), node.attribute("coordinate_transformation_mode", "half_pixel")
    check_size([*x.shape, *whole.tolist()])
    scale, rounding = simplest(tuple(map(int, whole[2:]))), node.attribute("nearest_mode", "round_prefer_floor")
    nearest = {("asymmetric", "floor"), ("half_pixel", "round_prefer_floor"), ("half_pixel", "round_prefer_ceil")}
    if mode == "nearest" and ((places, rounding) in nearest or (scale == 2 and places == "asymmetric" and
                              rounding == "round_prefer_floor")):  # fmt: skip
        node.layer(layers.Upsampling(scale), x)
    elif mode == "linear" and places in ("half_pixel", "pytorch_half_pixel", "align_corners"):
        node.layer(layers.BilinearUpsampling(scale, align_corners=places == "align_corners"), x)
    else:
        raise node.refused(f"{mode}, {places}, {rounding}")


@reads("DepthToSpace")
def shuffled(node: Node) -> None:
    if node.attribute("mode", "DCR") != "CRD":
        raise node.refused("mode DCR")
    node.layer(layers.PixelShuffle(int(node.attribute("blocksize"))), node.value(0))

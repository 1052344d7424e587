"""Weights of torch, a ``state_dict`` stored as safetensors, in layers of xpnet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from xpnet.backend import backend_of, is_array
from xpnet.errors import DataError
from xpnet.layers import (
    GRU,
    LSTM,
    RNN,
    Affine,
    BatchNormalization,
    Convolution,
    CrossAttention,
    Embedding,
    GroupNormalization,
    Layer,
    LayerNormalization,
    Linear,
    MatMul,
    MultiHeadAttention,
    PositionalEmbedding,
    RMSNormalization,
    TransposedConvolution,
)
from xpnet.layers.base import leaves
from xpnet.layers.checks import check_flags
from xpnet.layers.container import paths_within
from xpnet.layers.recurrence import Recurrent
from xpnet.training import weights_file
from xpnet.training.checkpoint import check_arguments
from xpnet.training.fitting import Loaded, check_range, renamed
from xpnet.training.weights_file import Host

Tensors: TypeAlias = "dict[str, Host]"
"""The tensors of one module of torch, by their names in it."""

WHO = "load_torch"
PASSED_OVER = (".num_batches_tracked", ".attn.bias", ".attn.masked_bias")
"""Entries of a state_dict that no layer needs: counts of batches, and masks."""

TIED = "lm_head.weight"
"""The matrix of the scores, which is the table of the embedding where the two are tied."""


def load_torch(path: str | Path, network: Layer, names: Mapping[str, str] | None = None, strict: bool = True) -> Loaded:
    """Read a ``state_dict`` of torch, saved by ``safetensors.torch.save_file``, into a network; report on each array.

    A module and a layer correspond by their paths, ``layer1.0.conv1``: name the layers of xpnet accordingly, or map a
    path, or the start of one, with ``names``, ``{"fc": "Affine1", "*.downsample": "*.shortcut"}``, where ``*`` is any
    text. Differences are converted: matrices are transposed (those of Hugging Face's ``Conv1D`` are not), the biases of
    recurrent layers are added, the projections of an attention are split; a bias that torch lacks is 0. A module of
    several recurrent layers, or of two directions, corresponds to ``LSTM.stacked``. A network that knows its
    ``names_in_torch``, as ``GPT2`` does, needs no ``names``. With ``strict=False`` missing and unexpected arrays are
    ignored.

    Raises: ``DataError`` for a file that is missing, damaged or does not fit; ``ArgumentError`` for a name that
    does not occur.

    >>> from safetensors.numpy import save_file  # as safetensors.torch.save_file(model.state_dict(), …) writes
    >>> save_file({"fc.weight": np.array([[1.0, 2.0]]), "fc.bias": np.array([3.0])}, "model.safetensors")
    >>> net = Sequential({"out": Affine.create(2, 1)})
    >>> xn.load_torch("model.safetensors", net, names={"fc": "out"}).loaded
    ['out.W', 'out.b']
    >>> net.params["out.W"]  # torch has it transposed
    array([[1.],
           [2.]], dtype=float32)
    """
    network = check_arguments(WHO, path, network)
    check_flags(WHO, strict=strict)
    found, _ = weights_file.read(path, WHO)
    passed_over = (*PASSED_OVER, TIED) if getattr(network, "tied", False) else PASSED_OVER
    tensors = {name: array for name, array in found.items() if not name.endswith(passed_over)}
    if names is None and hasattr(network, "names_in_torch"):
        names = network.names_in_torch(tensors)
    tensors = renamed(tensors, names, WHO) if names else tensors
    tensors = in_single_layers(tensors, network)
    places = {(id(layer), attribute): name for arrays in (network.params, network.states)
              for name, (layer, attribute) in arrays.places.items()}  # fmt: skip
    layers = {path_of: layer for path_of, layer in leaves(network).items() if layer.parameters}
    straight = has_straight_matrices(tensors, layers)
    arrays: dict[str, Host] = {}
    told, used = Loaded(), set[str]()
    for path_of, layer in layers.items():
        own = {name[len(path_of) + 1 :]: array for name, array in tensors.items() if name.startswith(f"{path_of}.")}
        translate = translation(layer)
        made = translated(path_of, translate, layer, own, straight) if own and translate else {}
        spared = {"bias"} if made and "W" in made and "b" not in made else set()
        used |= {f"{path_of}.{name}" for name in own.keys() - spared} if made else set()
        for attribute in (*layer.parameters, *made):
            name = places[id(layer), attribute]
            wanted = shape_in(layer, attribute)
            if attribute not in made:
                told.missing.append(name)
            elif made[attribute].shape != wanted:
                told.differing[name] = (made[attribute].shape, wanted)
            elif name not in arrays:
                arrays[name] = made[attribute]
    told.unexpected = [name for name in tensors if name not in used]
    if strict and (told.missing or told.unexpected or told.differing):
        raise DataError(WHO, f"{path} must hold the weights of the network", shown(told), "map the names with names=…")
    check_range(path, arrays, network)
    params, states = network.params, network.states
    for name, array in arrays.items():
        mapping: Any = params if name in params else states
        mapping[name] = backend_of(mapping[name]).asarray(np.ascontiguousarray(array))
    told.loaded = list(arrays)
    return told


def shown(told: Loaded) -> str:
    """Return everything that does not fit, in one line."""
    parts = [f"{name} {had} for {want}" for name, (had, want) in told.differing.items()]
    parts += [f"nothing for {name}" for name in told.missing]
    parts += [f"{name} that no layer takes" for name in told.unexpected]
    return ", ".join(parts[:6]) + (f" and {len(parts) - 6} more" if len(parts) > 6 else "")


def shape_in(layer: Layer, attribute: str) -> tuple[int, ...]:
    """Return the shape of an array of a layer."""
    value = getattr(layer, attribute)
    return tuple(value.shape) if is_array(value) else ()


def has_straight_matrices(tensors: Mapping[str, Host], layers: Mapping[str, Layer]) -> bool:
    """Return whether matrices are (inputs, outputs), as in xpnet and Hugging Face's ``Conv1D``; one of them decides."""
    for path, layer in layers.items():
        weight = tensors.get(f"{path}.weight")
        if isinstance(layer, Affine | Linear | MatMul) and weight is not None and weight.ndim == 2:
            W = shape_in(layer, "W")
            if W[0] != W[1]:
                return bool(weight.shape == W)
    return False


def matrix(weight: Host, straight: bool) -> Host:
    """Return a matrix of torch as (inputs, outputs)."""
    return weight if straight else weight.T


def zeros_like(layer: Layer, attribute: str, like: Host) -> Host:
    return np.zeros(shape_in(layer, attribute), dtype=like.dtype)


def of_matrix(layer: Layer, own: Tensors, straight: bool) -> Tensors:
    return {"W": matrix(own["weight"], straight)} | bias_of(layer, own)


def of_filters(layer: Layer, own: Tensors, straight: bool) -> Tensors:  # noqa: ARG001
    return {"W": own["weight"]} | bias_of(layer, own)


def bias_of(layer: Layer, own: Tensors) -> Tensors:
    """Return the bias of a layer that has one, 0 if torch has none."""
    if "b" not in layer.parameters:
        return {}
    return {"b": own["bias"] if "bias" in own else zeros_like(layer, "b", own["weight"])}


def of_normalization(layer: Layer, own: Tensors, straight: bool) -> Tensors:  # noqa: ARG001
    made = {"gamma": own["weight"]}
    if "beta" in layer.parameters:
        made["beta"] = own["bias"] if "bias" in own else zeros_like(layer, "beta", own["weight"])
    return made | {name: own[name] for name in ("running_mean", "running_var") if name in own}


def of_table(layer: Layer, own: Tensors, straight: bool) -> Tensors:  # noqa: ARG001
    return {"W": own["weight"]}


def of_recurrence(layer: Layer, own: Tensors, straight: bool) -> Tensors:  # noqa: ARG001
    made = {"Wx": own["weight_ih_l0"].T, "Wh": own["weight_hh_l0"].T}
    none = np.zeros(made["Wx"].shape[1], dtype=made["Wx"].dtype)
    bx, bh = own.get("bias_ih_l0", none), own.get("bias_hh_l0", none)
    return made | ({"bx": bx, "bh": bh} if "bx" in layer.parameters else {"b": bx + bh})


def in_single_layers(tensors: Tensors, network: Layer) -> Tensors:
    """Return the tensors of modules of several recurrent layers under the names of single ones.

    Those of layer k, ``weight_ih_lk`` and ``weight_ih_lk_reverse``, go to the k-th layer of the container at the path
    of the module, and to the one that reads in reverse.
    """
    moved: dict[str, str] = {}
    for path, container in paths_within(network):
        if not container.is_container or f"{path}.weight_ih_l0" not in tensors:
            continue
        level = -1
        for leaf, layer in leaves(container, path).items():
            if isinstance(layer, Recurrent):
                level += not layer.reverse
                for array in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
                    theirs = f"{path}.{array}_l{level}{'_reverse' if layer.reverse else ''}"
                    moved[theirs] = f"{leaf}.{array}_l0"
    return {moved.get(name, name): array for name, array in tensors.items()}


def of_attention(layer: Layer, own: Tensors, straight: bool) -> Tensors:  # noqa: ARG001
    """Return the arrays of ``nn.MultiheadAttention``, or of GPT-2's ``c_attn`` and ``c_proj`` in either orientation."""
    names = ("in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias")
    if "c_attn.weight" in own:
        names = ("c_attn.weight", "c_attn.bias", "c_proj.weight", "c_proj.bias")
    last = own[names[2]]
    if "q_proj_weight" in own:  # a memory of another width
        lies, parts = False, [own[f"{letter}_proj_weight"].T for letter in "qkv"]
    else:
        weight = own[names[0]]
        lies = weight.shape[1] == 3 * weight.shape[0]
        parts = np.split(matrix(weight, lies), 3, axis=1)
    none = np.zeros(3 * parts[0].shape[1], dtype=last.dtype)
    biases = [*np.split(own.get(names[1], none), 3), own.get(names[3], np.zeros(parts[0].shape[0], dtype=last.dtype))]
    made = dict(zip(("Wq", "Wk", "Wv"), parts, strict=True)) | {"Wo": matrix(last, lies)}
    return made | {
        name: b for name, b in zip(("bq", "bk", "bv", "bo"), biases, strict=True) if name in layer.parameters
    }


Translation = Callable[[Layer, Tensors, bool], Tensors]

TRANSLATIONS: tuple[tuple[tuple[type[Layer], ...], Translation], ...] = (
    ((Affine, Linear, MatMul), of_matrix),
    ((Convolution, TransposedConvolution), of_filters),
    ((BatchNormalization, LayerNormalization, GroupNormalization, RMSNormalization), of_normalization),
    ((Embedding, PositionalEmbedding), of_table),
    ((RNN, LSTM, GRU), of_recurrence),
    ((MultiHeadAttention, CrossAttention), of_attention),
)


def translation(layer: Layer) -> Translation | None:
    """Return the function that converts the tensors of torch for a layer, or None if torch does not have the layer."""
    return next((function for kinds, function in TRANSLATIONS if isinstance(layer, kinds)), None)


def translated(path: str, translate: Translation, layer: Layer, own: Tensors, straight: bool) -> Tensors:
    """Return the arrays of a layer.

    Raises: ``DataError`` if torch lacks an array that the layer needs.
    """
    try:
        return translate(layer, own, straight)
    except (KeyError, IndexError, ValueError) as error:
        must = f"the tensors of {path} must be those of {type(layer).__name__}"
        raise DataError(WHO, must, ", ".join(own), "map the names with names=…") from error

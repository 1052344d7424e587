"""A file of ONNX, read as data: nothing in it is executed, and it names no file outside of its folder."""

from __future__ import annotations

import os
from math import prod
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from xpnet.errors import ArgumentError, DataError
from xpnet.files import path_of, reason
from xpnet.interop.onnx.model import onnx_module

Host: TypeAlias = "np.ndarray[Any, Any]"

WHO = "from_onnx"
REMEDY = "give a file that an exporter of ONNX wrote"
OLDEST = 9

NODES = 1_000_000
"""The nodes of a model, with its functions written out."""


def read(file: Any) -> tuple[Any, Path | None]:
    """Return a model with its functions written out, and the folder of the file; bytes and a model are taken too.

    Raises: ``DataError`` for a file that cannot be read, is no model, or is of a version that is too old.
    """
    onnx = onnx_module(WHO)
    if isinstance(file, onnx.ModelProto):
        model, name, folder = onnx.ModelProto(), "the model", None
        model.CopyFrom(file)
    else:
        if isinstance(file, bytes):
            content, name, folder = file, "the bytes", None
        else:
            place = path_of(WHO, file)
            name, folder = str(place), place.parent
            try:
                content = place.read_bytes()
            except (OSError, ValueError) as error:
                raise DataError(WHO, f"{place} must be readable", reason(error), "look at its name") from error
        try:
            model = onnx.load_model_from_string(content)
        except Exception as error:  # the parser's own kinds, which differ between its versions
            raise DataError(WHO, f"{name} must be a model of ONNX", "something else", REMEDY) from error
    check(name, model)
    if len(model.functions):
        from onnx.inliner import inline_local_functions

        try:
            check_expansion(model)
            model = inline_local_functions(model)
        except Exception as error:  # the kinds of the inliner differ between versions
            raise DataError(WHO, f"{name} must be a model of ONNX", reason(error), REMEDY) from error
    return model, folder


def check_expansion(model: Any) -> None:
    """Raise ValueError for functions that call one another so often that they would be too many nodes."""
    bodies = {(each.domain, each.name): each.node for each in model.functions}
    sizes: dict[tuple[str, str], int] = {}

    def size(nodes: Any) -> int:
        total = 0
        for node in nodes:
            own = (node.domain, node.op_type)
            if own in bodies and own not in sizes:
                sizes[own] = size(bodies[own])
            total += sizes.get(own, 1)
        if total > NODES:
            raise ValueError(f"functions that are more than {NODES:,} nodes")
        return total

    size(model.graph.node)


def check(name: str, model: Any) -> None:
    """Raise DataError for a message without a graph, and for operators that are older than this reader."""
    versions = {each.domain: each.version for each in model.opset_import}
    if not len(model.graph.node) or not len(model.graph.output) or not versions:
        raise DataError(WHO, f"{name} must be a model of ONNX", "one without a graph", REMEDY)
    version = versions.get("", versions.get("ai.onnx", OLDEST))
    if version < OLDEST:
        must, remedy = f"{name} must have operators of version {OLDEST} or newer", "write it anew by its exporter"
        raise DataError(WHO, must, f"version {version}", remedy)


def opset_of(model: Any) -> int:
    """Return the version of the operators of a model."""
    return max([each.version for each in model.opset_import if each.domain in ("", "ai.onnx")], default=OLDEST)


def array_of(tensor: Any, folder: Path | None) -> Host:
    """Return the array of a tensor, which a second file in the folder of the model may hold.

    Raises: ``DataError`` for one that is damaged, and for a file elsewhere.
    """
    onnx = onnx_module(WHO)
    name = tensor.name or "a constant"
    try:
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            tensor = with_content(tensor, folder)
        array: Host = onnx.numpy_helper.to_array(tensor)
    except DataError:
        raise
    except Exception as error:  # of protobuf, NumPy and ml_dtypes
        must = f"the array {name} must be whole"
        raise DataError(WHO, must, str(error).partition("\n")[0], REMEDY) from error
    if array.dtype.name == "bfloat16":
        return array.astype(np.float32)
    if array.dtype.kind not in "biufOUS":
        raise DataError(WHO, f"the array {name} must be of numbers", array.dtype.name, "write it in float32")
    return array


def with_content(tensor: Any, folder: Path | None) -> Any:
    """Return a tensor with the bytes that its second file has for it."""
    onnx = onnx_module(WHO)
    told = {entry.key: entry.value for entry in tensor.external_data}
    location, start = told.get("location", ""), int(told.get("offset", 0))
    must = f"the array {tensor.name} must be in a file in the folder of the model"
    if folder is None:
        raise DataError(WHO, must, "a model that is no file", "give the name of the file")
    home = os.path.realpath(folder)
    place = os.path.realpath(os.path.join(home, location))
    if not location or os.path.isabs(location) or os.path.commonpath([home, place]) != home or place == home:
        raise DataError(WHO, must, repr(location), "put the file there, and write the model anew")
    kind = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)
    size = prod(tensor.dims) * kind.itemsize
    length = int(told.get("length", size))
    if min(start, size, length) < 0 or length != size:
        raise DataError(WHO, f"the array {tensor.name} must be whole", f"{length} bytes of {size}", REMEDY)
    try:
        if not os.path.isfile(place):
            raise DataError(WHO, must, "no such file", "put it beside the model")
        with open(place, "rb") as data:
            if os.fstat(data.fileno()).st_size < start + size:
                raise DataError(WHO, f"{location} must be whole", "fewer bytes", "copy it again")
            data.seek(start)
            content = data.read(size)
    except OSError as error:
        if isinstance(error, DataError):
            raise
        raise DataError(WHO, f"{location} must be readable", reason(error), "look at its name") from error
    found = onnx.TensorProto()
    found.CopyFrom(tensor)
    found.data_location = onnx.TensorProto.DEFAULT
    del found.external_data[:]
    found.raw_data = content
    return found


def attributes_of(node: Any, folder: Path | None) -> dict[str, Any]:
    """Return the attributes of a node: numbers, texts, lists and arrays."""
    onnx = onnx_module(WHO)
    found: dict[str, Any] = {}
    for attribute in node.attribute:
        if attribute.type in (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS):
            continue
        value = onnx.helper.get_attribute_value(attribute)
        if isinstance(value, bytes):
            value = value.decode(errors="replace")
        elif attribute.type == onnx.AttributeProto.TENSOR:
            value = array_of(value, folder)
        elif attribute.type == onnx.AttributeProto.STRINGS:
            value = [text.decode(errors="replace") for text in value]
        found[attribute.name] = list(value) if type(value).__name__.startswith("Repeated") else value
    return found


def no_counterpart(op: str, node: str, why: str = "") -> ArgumentError:
    """Return the error for a node that no layer or function of xpnet computes."""
    got = f"{op} of {node}" if node else op
    got += f" with {why}" if why else ""
    must = "every node must have a counterpart in xpnet"
    return ArgumentError(
        WHO, must, got, "export the part before it, or write a layer for it; docs/onnx.md tells which have one"
    )

"""einops on Variables: ``import xpnet.interop.einops_backend`` once, and einops finds this backend by itself."""

from __future__ import annotations

from typing import Any

import numpy as np
from einops._backends import AbstractBackend

from xpnet.autodiff import Variable
from xpnet.backend import array_namespace


class VariableBackend(AbstractBackend):
    """The operations that einops needs, by the functions of an array's namespace."""

    framework_name = "xpnet"

    def is_appropriate_type(self, tensor: Any) -> bool:
        return type(tensor) is Variable

    def reshape(self, x: Any, shape: Any) -> Any:
        return array_namespace(x).reshape(x, tuple(shape))

    def transpose(self, x: Any, axes: Any) -> Any:
        return array_namespace(x).permute_dims(x, tuple(axes))

    def reduce(self, x: Any, operation: str, axes: Any) -> Any:
        return getattr(array_namespace(x), operation)(x, axis=tuple(axes))

    def stack_on_zeroth_dimension(self, tensors: list[Any]) -> Any:
        return array_namespace(*tensors).stack(tensors)

    def add_axis(self, x: Any, new_position: int) -> Any:
        return array_namespace(x).expand_dims(x, axis=new_position)

    def tile(self, x: Any, repeats: Any) -> Any:
        return array_namespace(x).tile(x, tuple(repeats))

    def concat(self, tensors: Any, axis: int) -> Any:
        return array_namespace(*tensors).concat(tensors, axis=axis)

    def is_float_type(self, x: Any) -> bool:
        return bool(array_namespace(x).isdtype(x.dtype, ("real floating", "complex floating")))

    def einsum(self, pattern: str, *x: Any) -> Any:
        return array_namespace(*x).einsum(pattern, *x)

    def from_numpy(self, x: np.ndarray[Any, Any]) -> Any:
        return Variable(x)

    def to_numpy(self, x: Any) -> Any:
        return x.value

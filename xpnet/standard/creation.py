"""The functions that make arrays, and those about dtypes."""

from __future__ import annotations

from typing import Any, Protocol

from xpnet.typing import Array, Device, Dtype, Shape


class Creation(Protocol):
    """New arrays, which are constants, and conversions, which keep the history."""

    @staticmethod
    def arange(
        start: float, /, stop: float | None = None, step: float = 1, *, dtype: Dtype = None, device: Device = None
    ) -> Array:
        """``yᵢ = start + i step`` below stop; ``dstart = Σᵢ doutᵢ``, ``dstep = Σᵢ i doutᵢ``."""

    @staticmethod
    def asarray(obj: Any, /, *, dtype: Dtype = None, device: Device = None, copy: bool | None = None) -> Array:
        """Return obj as an array; ``dx = dout``."""

    @staticmethod
    def astype(x: Array, dtype: Dtype, /, *, copy: bool = True, device: Device = None) -> Array:
        """Return x in another dtype; ``dx = dout`` between floating dtypes, a constant in others."""

    @staticmethod
    def can_cast(from_: Any, to: Dtype, /) -> bool:
        """Return whether a dtype can be promoted to another; no array."""

    @staticmethod
    def empty(shape: Shape, *, dtype: Dtype = None, device: Device = None) -> Array:
        """Return an array of that shape with arbitrary values; a constant."""

    @staticmethod
    def empty_like(x: Array, /, *, dtype: Dtype = None, device: Device = None) -> Array:
        """Return an array of the shape of x with arbitrary values; a constant."""

    @staticmethod
    def eye(
        n_rows: int, n_cols: int | None = None, /, *, k: int = 0, dtype: Dtype = None, device: Device = None
    ) -> Array:
        """``yᵢⱼ = 1`` where ``j = i + k``, else 0; a constant."""

    @staticmethod
    def finfo(type: Any, /) -> Any:  # noqa: A002 (the standard's name)
        """Return the limits of a floating dtype; no array."""

    @staticmethod
    def from_dlpack(x: Any, /, *, device: Device = None, copy: bool | None = None) -> Array:
        """Return the array that another library exports; ``dx = dout`` for a Variable."""

    @staticmethod
    def full(shape: Shape, fill_value: complex, *, dtype: Dtype = None, device: Device = None) -> Array:
        """Return an array of that shape filled with one number; ``dfill_value = Σ dout``."""

    @staticmethod
    def full_like(x: Array, /, fill_value: complex, *, dtype: Dtype = None, device: Device = None) -> Array:
        """Return an array of the shape of x filled with one number; ``dfill_value = Σ dout``."""

    @staticmethod
    def iinfo(type: Any, /) -> Any:  # noqa: A002 (the standard's name)
        """Return the limits of an integer dtype; no array."""

    @staticmethod
    def isdtype(dtype: Dtype, kind: Any) -> bool:
        """Return whether a dtype is of a kind such as ``"real floating"``; no array."""

    @staticmethod
    def linspace(
        start: complex,
        stop: complex,
        /,
        num: int,
        *,
        dtype: Dtype = None,
        device: Device = None,
        endpoint: bool = True,
    ) -> Array:
        """``y = start + c (stop - start)``, c from 0 to 1; ``dstart = Σ (1 - c) dout``, ``dstop = Σ c dout``."""

    @staticmethod
    def ones(shape: Shape, *, dtype: Dtype = None, device: Device = None) -> Array:
        """Return an array of ones of that shape; a constant."""

    @staticmethod
    def ones_like(x: Array, /, *, dtype: Dtype = None, device: Device = None) -> Array:
        """Return an array of ones of the shape of x; a constant."""

    @staticmethod
    def result_type(*arrays_and_dtypes: Any) -> Dtype:
        """Return the dtype to which all of these are promoted; no array."""

    @staticmethod
    def zeros(shape: Shape, *, dtype: Dtype = None, device: Device = None) -> Array:
        """Return an array of zeros of that shape; a constant."""

    @staticmethod
    def zeros_like(x: Array, /, *, dtype: Dtype = None, device: Device = None) -> Array:
        """Return an array of zeros of the shape of x; a constant."""


class Constants(Protocol):
    """The numbers, the dtypes and the description of the namespace."""

    e: float
    inf: float
    nan: float
    newaxis: None
    pi: float
    bool: Dtype
    int8: Dtype
    int16: Dtype
    int32: Dtype
    int64: Dtype
    uint8: Dtype
    uint16: Dtype
    uint32: Dtype
    uint64: Dtype
    float32: Dtype
    float64: Dtype
    complex64: Dtype
    complex128: Dtype
    __array_api_version__: str

    @staticmethod
    def __array_namespace_info__() -> Any: ...

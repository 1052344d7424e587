"""``Batch``: an array that stands for many arrays, of which a function sees one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from xpnet.autodiff.nodes import Trace
from xpnet.autodiff.table import base
from xpnet.backend import array_namespace, device_of
from xpnet.errors import DtypeError, XpnetError


class BatchError(XpnetError, TypeError):
    """The error of an operation that cannot be computed for all arrays of a batch at once.

    >>> xn.vmap(lambda x: x if x > 0 else -x)(np.array([1.0, -1.0]))
    Traceback (most recent call last):
        ...
    xpnet.autodiff.batching.batch.BatchError: vmap: a value that depends on the batch must stay an array, got a ...
    """


class Batch:
    """An array with one axis more than it shows, ``batch[n] = value[n, ...]``.

    It belongs to the trace of the ``vmap`` that made it; its operators and functions are attached in the module
    ``attached``, as those of Variables are.
    """

    __slots__ = ("__weakref__", "level", "origin", "value", "views")

    differentiates = False

    value: Any
    level: Trace
    origin: Any  # the batch of which this is a view
    views: list[Any]  # weak references to those of this one

    __array_namespace__: Callable[..., Any]

    def __init__(self, value: Any, level: Trace) -> None:
        self.value = value
        self.level = level

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.value.shape[1:])

    @property
    def ndim(self) -> int:
        return len(self.value.shape) - 1

    @property
    def size(self) -> int:
        size = 1
        for n in self.shape:
            size *= n
        return size

    @property
    def dtype(self) -> Any:
        return self.value.dtype

    @property
    def device(self) -> Any:
        return device_of(self.value)

    @property
    def T(self) -> Any:  # noqa: N802 (the standard's name)
        """``xᵀ``, the array with its axes in reverse order."""
        return self.__array_namespace__().permute_dims(self, tuple(range(self.ndim))[::-1])

    @property
    def mT(self) -> Any:  # noqa: N802 (the standard's name)
        """``xᵀ``, the array with its last two axes exchanged."""
        return self.__array_namespace__().matrix_transpose(self)

    def __len__(self) -> int:
        if not self.shape:
            raise DtypeError("vmap", "an array must have an axis to have a length", "none", "use the number as it is")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return iter([self[at, ...] for at in range(len(self))])  # type: ignore[index]

    def _one_value(self, *_: Any, **__: Any) -> NoReturn:
        raise BatchError(
            "vmap",
            "a value that depends on the batch must stay an array",
            "a condition, a number or a conversion that asks for one value",
            "use xp.where in place of if, functions of xp = array_namespace(x), or vmap(f, …, loop=True)",
        )

    __bool__ = __int__ = __float__ = __complex__ = __index__ = __array__ = __cupy_get_ndarray__ = __dlpack__ = (
        _one_value
    )
    __hash__ = None  # type: ignore[assignment]

    def __format__(self, spec: str) -> str:
        return str(self) if not spec else self._one_value()

    def __repr__(self) -> str:
        return f"Batch({self.value!r})"


def bottom(x: Any) -> Any:
    """Return the array at the bottom of Variables and batches: all rows of a batch."""
    x = base(x)
    return bottom(x.value) if type(x) is Batch else x


def is_differentiated(x: Any) -> bool:
    """Return whether an array is a Variable, or a batch in one."""
    return base(x) is not x or (type(x) is Batch and is_differentiated(x.value))


def rows_of(x: Any, ndim: int, wanted: int) -> Any:
    """Return the value of a batch whose rows have ``ndim`` axes, with axes of size 1 in front, ``wanted`` in all."""
    if ndim >= wanted:
        return x
    n, *rest = x.shape
    return array_namespace(x).reshape(x, (n, *(1,) * (wanted - ndim), *rest))

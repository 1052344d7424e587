"""CUDA graphs without a GPU: what CuPy's arrays do during a capture is noted, and done at each launch.

``pretend_graphs`` adds to the stand-in for cupy (``cuda_on_cpu.py``) its namespace, streams, a memory pool, the calls
of cuBLAS by which ``@`` multiplies, and nvmath-python's. As on a GPU, nothing is computed during a capture: values
that are read then, or that a graph would have to fetch from the host, are refused.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from captures_on_cpu import (
    TAPES,
    CUDADriverError,
    CUDARuntimeError,
    Device,
    Launched,
    Stream,
    Tape,
    act,
    end_capture,
    looking,
    sent,
    using_allocator,
    waits,
)
from cublas_on_cpu import COMPUTE, PRODUCTS, Binding

from xpnet.backend import namespace as spaces
from xpnet.backend.libraries import LIBRARIES

CREATE = {"arange", "empty", "eye", "full", "linspace", "ones", "tri", "zeros"}
DTYPES = {np.dtype("float32"): 0, np.dtype("float64"): 1}
FILL = 77.0  # what memory of a graph holds before its first launch


def pretend_graphs(cupy: Any) -> ModuleType:
    """Give the stand-in for cupy all that a capture uses; in its place from now on."""

    class ndarray(np.ndarray):
        __module__, __qualname__ = "cupy", "ndarray"

        @property
        def data(self) -> Any:
            return SimpleNamespace(ptr=self.ctypes.data)

        @property
        def device(self) -> Device:
            return Device(0)

        def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **named: Any) -> Any:
            given = [plain(array) for array in inputs]
            compute = getattr(ufunc, method)
            if out is not None:
                into = [plain(array) for array in out]
                act(lambda: compute(*given, out=tuple(into), **named))
                return out[0]
            return made(lambda: compute(*given, **named), *given)

        def __array_function__(self, function: Any, types: Any, args: Any, named: Any) -> Any:
            args, named = plain(args), plain(named)
            assert function is not np.copyto
            if function in (np.concat, np.stack) and len(args[0]) > 8:
                sent()
            return made(lambda: function(*args, **named), *args, *named.values())

        def __matmul__(self, other: Any) -> Any:
            return product(self, other)

        def __getitem__(self, key: Any) -> Any:
            return made(lambda: plain(self)[plain(key)], self)

        def __setitem__(self, key: Any, value: Any) -> None:
            own, value, key = plain(self), plain(value), plain(key)
            act(lambda: own.__setitem__(key, value))

        def fill(self, value: Any) -> None:
            own = plain(self)
            act(lambda: own.fill(value))

        def astype(self, dtype: Any, copy: bool = True) -> Any:
            return made(lambda: plain(self).astype(dtype, copy=copy), self)

        def copy(self, order: Any = "C") -> Any:
            return made(lambda: plain(self).copy(order))

        def reshape(self, *shape: Any) -> Any:
            return made(lambda: plain(self).reshape(*shape), self)

        def get(self) -> Any:
            waits()
            return plain(self).copy()

        def item(self) -> Any:
            return self.get().item()

        __float__ = __int__ = __bool__ = __index__ = item

    def plain(value: Any) -> Any:
        if isinstance(value, tuple | list):
            return type(value)(map(plain, value))
        if isinstance(value, dict):
            return {name: plain(inner) for name, inner in value.items()}
        return value.view(np.ndarray) if isinstance(value, np.ndarray) else value

    def made(compute: Callable[[], Any], *operands: Any) -> Any:
        """The arrays that a computation makes: new ones are filled at each launch, views of operands are not."""
        with np.errstate(all="ignore"):
            found = compute()
        if isinstance(found, tuple | list):
            return type(found)(made(lambda i=i: compute()[i], *operands) for i in range(len(found)))
        if not isinstance(found, np.ndarray | np.generic):
            return found
        array = np.asarray(found)
        view = any(isinstance(one, np.ndarray) and np.may_share_memory(array, one) for one in operands)
        if Tape.now is not None and not view:
            array = array if array.flags.writeable else array.copy()
            Tape.now.memory.append(array)
            Tape.now.work.append(lambda: np.copyto(array, compute()))
            if array.dtype.kind == "f":
                array.fill(FILL)
        return array.view(ndarray)

    def product(a: Any, b: Any) -> Any:
        """As CuPy multiplies: transposed, since cuBLAS counts columns first, and by calls that others can replace."""
        if a.ndim == b.ndim == 2:
            c = cupy.empty((a.shape[0], b.shape[1]), a.dtype)
            (b, transb, ldb), (a, transa, lda) = (laid_out(array) for array in (b, a))
            kind, (m, k), n = DTYPES[a.dtype], (c.shape[1], a.shape[1]), c.shape[0]
            one, zero = scalars(a.dtype)
            cublas.gemmEx(
                3, transb, transa, m, n, k, one.ctypes.data, b.data.ptr, kind, ldb, a.data.ptr, kind, lda,
                zero.ctypes.data, c.data.ptr, kind, m, COMPUTE[kind], 99,
            )  # fmt: skip
            return c
        shape = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        assert a.shape[:-2] == b.shape[:-2] == shape, "CuPy copies where it has to broadcast"
        a, b = (cupy.ascontiguousarray(array) for array in (a, b))
        c = cupy.empty((*shape, a.shape[-2], b.shape[-1]), a.dtype)
        kind, m, n, k = DTYPES[a.dtype], c.shape[-1], c.shape[-2], a.shape[-1]
        one, zero = scalars(a.dtype)
        cublas.gemmStridedBatchedEx(
            3, 0, 0, m, n, k, one.ctypes.data, b.data.ptr, kind, m, k * m, a.data.ptr, kind, k, n * k,
            zero.ctypes.data, c.data.ptr, kind, m, n * m, int(np.prod(shape)), kind, -1,
        )  # fmt: skip
        return c

    def scalars(dtype: Any) -> Any:
        return np.ones((), dtype), np.zeros((), dtype)

    def laid_out(array: Any) -> Any:
        if not array.flags.c_contiguous and array.T.flags.c_contiguous:
            return array, 1, array.shape[0]
        array = cupy.ascontiguousarray(array)
        return array, 0, array.shape[1]

    def refusing(name: str) -> Any:
        """A call of CuPy's own binding of cuBLAS."""

        def call(handle: int, *args: Any) -> None:
            if Tape.now is not None:
                raise NotImplementedError("calling cuBLAS API during stream capture is currently unsupported")
            *rest, compute, algorithm = args
            PRODUCTS[name](*rest, COMPUTE.get(compute, compute), algorithm)

        return call

    cublas: Any = ModuleType("cupy_backends.cuda.libs.cublas")
    cublas.gemmEx, cublas.gemmStridedBatchedEx = refusing("gemm_ex"), refusing("gemm_strided_batched_ex")

    cupy.ndarray = ndarray
    space: Any = ModuleType("array_api_compat.cupy")
    for name in dir(np):
        if not name.startswith("_"):
            setattr(space, name, created(getattr(np, name), made) if name in CREATE else getattr(np, name))
    space.asarray = cupy.asarray = fetched(ndarray, made)
    space.__array_namespace_info__ = np.__array_namespace_info__
    spaces._NAMESPACES[ndarray] = LIBRARIES["cupy"]._namespace = space

    cupy.array = lambda value, order=None: np.array(value, order=order).view(ndarray)
    cupy.zeros, cupy.uint8 = (lambda *args, **named: np.zeros(*args, **named).view(ndarray)), np.uint8
    cupy.empty = lambda shape, dtype="float64": made(lambda: np.full(shape, FILL, dtype))
    cupy.empty_like = lambda x: cupy.empty(x.shape, x.dtype)
    cupy.ascontiguousarray = lambda x: x if x.flags.c_contiguous else x.copy()
    cupy.RawKernel = Launched
    cupy.get_default_memory_pool = lambda: SimpleNamespace(free_all_blocks=waits)
    cupy.cuda = SimpleNamespace(
        Device=Device,
        Stream=Stream,
        MemoryPool=lambda: SimpleNamespace(malloc=int, total_bytes=lambda: 0),
        using_allocator=using_allocator,
        get_current_stream=lambda: SimpleNamespace(ptr=0),
        runtime=SimpleNamespace(
            CUDARuntimeError=CUDARuntimeError,
            streamEndCapture=end_capture,
            graphInstantiate=lambda graph: graph + 1,
            graphLaunch=lambda run, stream: TAPES[run - 1].launch(),
            graphDestroy=lambda graph: None,
            graphExecDestroy=lambda run: TAPES.pop(run - 1),
        ),
        driver=SimpleNamespace(CUDADriverError=CUDADriverError),
    )
    bindings: Any = ModuleType("nvmath.bindings.cublas")
    vars(bindings).update(vars(Binding()))
    sys.modules["cuda.bindings"] = ModuleType("cuda.bindings")
    sys.modules["cuda.bindings"].runtime = looking()  # type: ignore[attr-defined]
    libs, nvmath = ModuleType("cupy_backends.cuda.libs"), ModuleType("nvmath.bindings")
    libs.cublas, nvmath.cublas = cublas, bindings  # type: ignore[attr-defined]
    modules = {"cupy_backends.cuda.libs": libs, "nvmath.bindings": nvmath}
    sys.modules.update({**modules, **{name.rpartition(".")[0]: ModuleType(name) for name in modules}})
    sys.modules.setdefault("cupy_backends", ModuleType("cupy_backends"))
    sys.modules["cupy"] = cupy
    return cupy


def created(function: Any, made: Any) -> Any:
    def create(*args: Any, device: Any = None, **named: Any) -> Any:
        return made(lambda: function(*args, **named))

    return create


def fetched(ndarray: Any, made: Any) -> Any:
    def asarray(value: Any, dtype: Any = None, device: Any = None, copy: Any = None) -> Any:
        if isinstance(value, ndarray):
            kept = copy is not True and (dtype is None or value.dtype == dtype)
            return value if kept else value.astype(dtype or value.dtype)
        sent()
        return np.array(value, dtype=dtype).view(ndarray)

    return asarray

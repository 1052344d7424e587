"""CUDA graphs without a GPU: what CuPy's arrays do during a capture is noted, and done at each launch.

``pretend_graphs`` adds to the stand-in for cupy (``cuda_on_cpu.py``) its namespace, streams, a memory pool, the calls
of cuBLAS by which ``@`` multiplies, and nvmath-python's. As on a GPU, nothing is computed during a capture: values
that are read then, or that a graph would have to fetch from the host, are refused.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from typing import Any, Self

import numpy as np
from cuda_on_cpu import RawKernel

from xpnet.backend import namespace as spaces
from xpnet.backend.libraries import LIBRARIES

CREATE = {"arange", "empty", "eye", "full", "linspace", "ones", "tri", "zeros"}
DTYPES = {np.dtype("float32"): 0, np.dtype("float64"): 1}
COMPUTE = {0: 68, 1: 70}
WIDTHS = {0: ctypes.c_float, 1: ctypes.c_double}
FILL = 77.0  # what memory of a graph holds before its first launch


class CUDARuntimeError(RuntimeError):
    pass


class CUDADriverError(RuntimeError):
    pass


class Tape:
    """What was noted since ``begin_capture``, and all memory that was allocated, which stays as in a pool."""

    now: Tape | None = None
    launched = 0

    def __init__(self) -> None:
        self.work: list[Callable[[], Any]] = []
        self.memory: list[Any] = []
        self.products = 0
        self.nodes: list[int] = []
        """The address that each node copies from; 0 for what is no copy."""

    def launch(self) -> None:
        assert Tape.now is None
        Tape.launched += 1
        for act in self.work:
            act()


TAPES: dict[int, Tape] = {}
HOST = 4096


def end_capture(stream: int) -> int:
    tape, Tape.now = Tape.now, None
    assert tape is not None
    assert Stream.current.ptr == stream
    TAPES[id(tape)] = tape
    return id(tape)


def act(now: Callable[[], Any]) -> None:
    """Do something on the device: at once, or at each launch of the graph that is captured."""
    if Tape.now is None:
        now()
    else:
        Tape.now.work.append(now)
        Tape.now.nodes.append(0)


def waits(*_: Any) -> Any:
    if Tape.now is not None:
        raise CUDARuntimeError("cudaErrorStreamCaptureUnsupported: operation not permitted when stream is capturing")


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


def sent() -> None:
    """A copy from the host, which a graph makes again when the host has other plans."""
    if Tape.now is not None:
        Tape.now.nodes.append(HOST)


def ends(source: int) -> Any:
    return SimpleNamespace(srcPtr=SimpleNamespace(ptr=source), dstPtr=SimpleNamespace(ptr=1))


def looking() -> Any:
    """As ``cuda.bindings.runtime``, for a look at the nodes of a graph: what succeeds is 0, and a list of results."""
    kinds = SimpleNamespace(cudaMemoryTypeHost=1, cudaMemoryTypeUnregistered=0, cudaMemoryTypeDevice=2)
    return SimpleNamespace(
        cudaError_t=SimpleNamespace(cudaSuccess=0),
        cudaGraphNodeType=SimpleNamespace(cudaGraphNodeTypeMemcpy=1),
        cudaMemoryType=kinds,
        cudaGraph_t=lambda address: TAPES[address],
        cudaGraphGetNodes=lambda tape, count=0: (0, tape.nodes[:count], len(tape.nodes)),
        cudaGraphNodeGetType=lambda node: (0, int(node > 0)),
        cudaGraphMemcpyNodeGetParams=lambda node: (0, ends(node)),
        cudaPointerGetAttributes=lambda address: (0, SimpleNamespace(type=1 if address == HOST else 2)),
    )


class Launched(RawKernel):
    """A kernel whose launch is noted in a capture."""

    def __call__(self, grid: tuple[int, ...], block: tuple[int, ...], args: tuple[Any, ...]) -> None:
        kept = [array.view(np.ndarray) if isinstance(array, np.ndarray) else array for array in args]
        for value, (kind, name) in zip(kept, self.arguments, strict=True):
            self.passed(kind, name, value)
        act(lambda: RawKernel.__call__(self, grid, block, tuple(kept)))


class Device:
    def __init__(self, number: int) -> None:
        self.id = number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Device) and other.id == self.id

    def __enter__(self) -> None:
        """The only one there is."""

    def __exit__(self, *_: object) -> None:
        """Still the only one."""

    synchronize = waits


class Stream:
    current: Any = None

    def __init__(self, non_blocking: bool = False) -> None:
        assert non_blocking, "the default stream cannot be captured beside others"
        self.ptr = id(self)

    def __enter__(self) -> Self:
        Stream.current = self
        return self

    def __exit__(self, *_: object) -> None:
        Stream.current = None

    def begin_capture(self) -> None:
        assert Stream.current is self
        Tape.now = Tape()


@contextmanager
def using_allocator(allocator: Any) -> Any:
    assert Tape.now is None
    cuda = sys.modules["cupy"].cuda  # type: ignore[attr-defined]
    cuda.allocator = allocator
    yield
    cuda.allocator = None


class Binding:
    """As ``nvmath.bindings.cublas``: a handle needs a stream, and after it a workspace."""

    def __init__(self) -> None:
        handles: dict[int, list[int]] = {}

        def create() -> int:
            handle = max(handles, default=0) + 1
            handles[handle] = []
            return handle

        def set_stream(handle: int, pointer: int) -> None:
            handles[handle][:] = [pointer]

        def set_workspace(handle: int, pointer: int, size: int) -> None:
            assert len(handles[handle]) == 1
            assert size >= 4 << 20
            handles[handle].append(pointer)

        def calling(name: str) -> Any:
            def call(handle: int, *args: Any) -> None:
                stream, _ = handles[handle]
                assert Stream.current.ptr == stream
                assert Tape.now is not None
                Tape.now.products += 1
                PRODUCTS[name](*args)

            return call

        self.create, self.set_stream, self.set_workspace = create, set_stream, set_workspace
        self.destroy = handles.pop
        self.gemm_ex, self.gemm_strided_batched_ex = map(calling, PRODUCTS)


def gemm_ex(ta: int, tb: int, m: int, n: int, k: int, alpha: int, a: int, ka: int, lda: int, *rest: int) -> None:
    b, kb, ldb, beta, c, kc, ldc, *_ = rest
    gemm_strided_batched_ex(ta, tb, m, n, k, alpha, a, ka, lda, 0, b, kb, ldb, 0, beta, c, kc, ldc, 0, 1, *_)


def gemm_strided_batched_ex(ta: int, tb: int, m: int, n: int, k: int, alpha: int, *rest: int) -> None:
    """``C = A B`` of matrices at addresses, columns first."""
    a, ka, lda, sa, b, kb, ldb, sb, beta, c, kc, ldc, sc, count, compute, algorithm = rest
    assert compute == COMPUTE[ka], "C has no overload that takes the type of the data"
    assert algorithm in (-1, 99)
    assert (value_at(alpha, ka), value_at(beta, ka)) == (1.0, 0.0)

    def multiply() -> None:
        for i in range(count):
            A = matrix(a, ka, lda, sa * i, *((k, m) if ta else (m, k)))
            B = matrix(b, kb, ldb, sb * i, *((n, k) if tb else (k, n)))
            matrix(c, kc, ldc, sc * i, m, n)[...] = (A.T if ta else A) @ (B.T if tb else B)

    act(multiply)


PRODUCTS = {"gemm_ex": gemm_ex, "gemm_strided_batched_ex": gemm_strided_batched_ex}


def value_at(address: int, kind: int) -> float:
    return WIDTHS[kind].from_address(address).value


def matrix(address: int, kind: int, ld: int, offset: int, rows: int, columns: int) -> Any:
    """A matrix with columns one after the other, ``ld`` values apart."""
    width = WIDTHS[kind]
    assert ld >= rows
    memory = (width * (ld * (columns - 1) + rows)).from_address(address + offset * ctypes.sizeof(width))
    values = np.frombuffer(memory, dtype=np.dtype(width))
    return np.lib.stride_tricks.as_strided(values, (rows, columns), (values.itemsize, ld * values.itemsize))

"""The array libraries, and the behaviour of each where the standard leaves it open.

A library without a class here works through ``Library`` itself, on the standard alone.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from xpnet.backend.ahead import copied_ahead
from xpnet.backend.driver import has_gpu_driver
from xpnet.backend.library import Library
from xpnet.backend.repairs import solve_stacks, without_bfloat16
from xpnet.errors import BackendError
from xpnet.typing import Array


class Numpy(Library):
    name = module = "numpy"
    array_type = "numpy.ndarray"
    aliases = ("array_api_compat.numpy",)
    adds_in_16_bits = True

    def devices(self) -> list[Any]:
        return ["cpu"]

    def default_device(self) -> Any:
        return "cpu"

    def standard(self) -> str:
        return str(np.__array_api_version__)

    def asarray(self, host: np.ndarray[Any, Any], dtype: Any, device: Any) -> Array:
        return np.asarray(host, dtype=dtype)

    def to_numpy(self, array: Any) -> np.ndarray[Any, Any]:
        return np.asarray(array)

    def readable(self, array: Any) -> bool:
        return True


class Cupy(Library):
    name = module = "cupy"
    compat = "array_api_compat.cupy"
    array_type = "cupy.ndarray"
    remedy = "pip install 'cupy-cuda13x[ctk]' (or cuda12x), or choose the backend numpy"
    distributions = ("cupy-cuda13x", "cupy-cuda12x")
    for_gpus = ("cupy",)
    graphs = "xpnet.fast.cupy.graph"
    repairs = {"linalg.solve": solve_stacks}
    unfit = {"bfloat16": "CuPy promotes it to float32 with a Python number, and cannot multiply stacks of it"}
    asks_for_methods = True

    def check(self) -> None:
        who = f"backend {self.name}"
        try:
            cupy = importlib.import_module("cupy")
        except ImportError as error:
            raise BackendError(who, "cupy must import", error, self.remedy) from error
        if not cupy.is_available():
            raise self.no_device()
        try:
            one = cupy.ones((2, 2), dtype="float32")
            float((one @ one + one).sum())
        except Exception as error:
            raise BackendError(who, "compiling and cuBLAS must work", error, self.remedy) from error

    def no_device(self) -> BackendError:
        must = "a CUDA device and its driver must be present"
        remedy = "run on a machine where nvidia-smi lists a GPU, or choose the backend numpy"
        return BackendError(f"backend {self.name}", must, "no usable device", remedy)

    def lack(self) -> str:
        return super().lack() or ("" if has_gpu_driver() else str(self.no_device()))

    def device_name(self, device: Any) -> str:
        return f"cuda:{device.id}"

    def default_device(self) -> Any:
        return importlib.import_module("cupy").cuda.Device()

    def use_device(self, device: Any) -> AbstractContextManager[object]:
        context: AbstractContextManager[object] = importlib.import_module("cupy").cuda.Device(device.id)
        return context

    def asarray(self, host: np.ndarray[Any, Any], dtype: Any, device: Any) -> Array:
        with self.use_device(device):
            array: Array = self.namespace().asarray(host, dtype=dtype, copy=True)
        return array

    def ahead(self, batches: Iterable[tuple[Any, ...]], backend: Any) -> Iterator[tuple[Array, ...]]:
        cupy, pinned = importlib.import_module("cupy"), importlib.import_module("cupyx").empty_pinned
        return copied_ahead(cupy, pinned, backend.device, ([backend.on_host(a) for a in batch] for batch in batches))

    def to_numpy(self, array: Any) -> np.ndarray[Any, Any]:
        return without_bfloat16(array.get())

    def synchronize(self, device: Any) -> None:
        device.synchronize()


class Torch(Library):
    name = module = "torch"
    compat = "array_api_compat.torch"
    array_type = "torch.Tensor"
    remedy = "pip install torch, or choose the backend numpy"

    def may_have_gpu(self) -> bool:
        return sys.platform == "darwin" or (has_gpu_driver() and not self.installed().endswith("+cpu"))

    def devices(self) -> list[Any]:
        torch = importlib.import_module("torch")
        devices = [torch.device("cpu")]
        devices += [torch.device("cuda", index) for index in range(torch.cuda.device_count())]
        if torch.backends.mps.is_available():
            devices.append(torch.device("mps", 0))
        return devices

    def default_device(self) -> Any:
        return importlib.import_module("torch").get_default_device()

    def to_numpy(self, array: Any) -> np.ndarray[Any, Any]:
        array = array.detach().cpu().resolve_conj().resolve_neg()
        result: np.ndarray[Any, Any] = (array.float() if str(array.dtype) == "torch.bfloat16" else array).numpy()
        return result

    def readable(self, array: Any) -> bool:
        return bool(array.device.type == "cpu")

    def synchronize(self, device: Any) -> None:
        if device.type == "cuda":
            importlib.import_module("torch").cuda.synchronize(device)


class Jax(Library):
    name = module = "jax"
    compat = "jax.numpy"
    remedy = "pip install jax, or choose the backend numpy"
    for_gpus = ("jax_cuda13_plugin", "jax_cuda12_plugin", "jax_plugins")
    compiles_shapes = True

    def devices(self) -> list[Any]:
        return list(importlib.import_module("jax").devices())

    def default_device(self) -> Any:
        return self.devices()[0]

    def device_name(self, device: Any) -> str:
        return f"{device.platform}:{device.id}"

    def asarray(self, host: np.ndarray[Any, Any], dtype: Any, device: Any) -> Array:
        if device is None:  # inside a function that JAX traces
            return super().asarray(host, dtype, device)
        put = sys.modules["jax"].device_put  # a quarter of the time of jax.numpy.asarray
        array: Array = put(np.array(host, dtype=dtype), device)  # which may share the memory of what it is given
        return array

    def allow(self, dtype: str) -> AbstractContextManager[object]:
        if dtype != "float64":
            return nullcontext()
        jax = importlib.import_module("jax")
        context: AbstractContextManager[object] = jax.enable_x64(True)
        return nullcontext() if jax.config.jax_enable_x64 else context

    def allow_always(self, dtype: str) -> None:
        if dtype == "float64":
            importlib.import_module("jax").config.update("jax_enable_x64", True)

    def to_numpy(self, array: Any) -> np.ndarray[Any, Any]:
        return without_bfloat16(np.asarray(array))

    def compiled(self, f: Callable[..., Any], *args: Any) -> Callable[..., Any] | None:
        jax = importlib.import_module("jax")
        found: Callable[..., Any] = jax.jit(f, compiler_options={"xla_backend_optimization_level": 0})
        try:
            one, other = found.trace(*args).jaxpr, jax.make_jaxpr(lambda *args: f(*args))(*args)  # type: ignore[attr-defined]
            if str(one) != str(other) or not all(map(np.array_equal, one.consts, other.consts)):
                return None  # it draws other numbers each time, which a compiled function would not
            found(*args)
        except Exception:  # such as of a function that reads values
            return None
        return found

    def synchronize(self, device: Any) -> None:
        importlib.import_module("jax").block_until_ready(importlib.import_module("jax").live_arrays())

    def has_type(self, kind: type) -> bool:
        jax = sys.modules.get("jax")
        return jax is not None and issubclass(kind, (jax.Array, jax.core.Tracer))


class Strict(Library):
    name = "array-api-strict"
    module = "array_api_strict"
    remedy = "pip install array-api-strict, or choose the backend numpy"

    def device_name(self, device: Any) -> str:
        return str(device).split("'")[1]


LIBRARIES: dict[str, Library] = {library.name: library for library in (Numpy(), Cupy(), Torch(), Jax(), Strict())}

NUMPY_ON_GPU = Cupy.name
"""The name of the library that has NumPy's own functions on a GPU."""

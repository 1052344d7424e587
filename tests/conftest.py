"""One test body, every backend: the fixtures ``backend``, ``xp``, ``dtype``, ``asarray`` and ``no_host_sync``."""

from __future__ import annotations

import functools
import importlib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from enum import Enum
from pathlib import Path
from typing import Any

# Workers run side by side, and thread pools that spin on each other's cores cost minutes.
for pool in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(pool, "1")

import numpy as np
import pytest
from asked_backends import is_asked_for
from cuda_device import named_device, offer_cupy
from hypothesis import HealthCheck, settings

NO_PRETENDED_CUDA = offer_cupy()  # before anything imports CuPy

import xpnet as xn
from xpnet.autodiff import Variable
from xpnet.autodiff.batching.batch import Batch
from xpnet.backend import LIBRARIES, Backend, missing
from xpnet.cases import CASES, Case

settings.register_profile(
    "xpnet",
    deadline=None,
    derandomize=True,
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
settings.load_profile("xpnet")


class Where(Enum):
    """Where a test body runs: name of the library, device, and whether inputs are read-only."""

    NUMPY = ("numpy", None, False)
    NUMPY_READ_ONLY = ("numpy", None, True)
    STRICT = ("array-api-strict", "device1", False)
    TORCH = ("torch", None, False)
    JAX = ("jax", None, False)
    CUPY = ("cupy", None, False)

    @property
    def library(self) -> str:
        return self.value[0]

    def __str__(self) -> str:
        return self.name.lower().replace("_", "-")


LACKS = {name: missing(library) for name, library in LIBRARIES.items()}
if LACKS["cupy"] and NO_PRETENDED_CUDA:
    LACKS["cupy"] = f"backend cupy: neither a CUDA device is here nor can one be pretended: {NO_PRETENDED_CUDA}"
REQUIRED = set(filter(None, os.environ.get("XPNET_REQUIRE", "").split(",")))
ASKED = [where for where in Where if is_asked_for(where.library)]
PRESENT = [where for where in ASKED if not LACKS[where.library] or where.library in REQUIRED]


JOURNEYS = {
    *("test_architecture.py", "test_bench.py", "test_examples.py"),
    *("cli", "conformance", "datasets", "drawing", "serving", "training"),
}
# JAX compiles each operation anew for each shape, which takes most of the time of a test. It runs each class of layers
# once, functions and their rules, and of what stands on these a sample; the rest is proven on the other libraries.
ON_JAX = {
    *("backend", "bad_input", "interop"),
    *("test_initializers.py", "test_random.py"),
    "test_a_network_learns",
    "test_backward_agrees_with_the_graph_of_forward",
    "test_every_library_gives_what_scipy_gives_or_names_what_it_lacks",
    "test_five_steps_are_those_of_the_formula",
    "test_gradients_are_checked_in_full",
    "test_library_device_and_dtype_are_kept",
    "test_output_is_the_oracle_s",
    "test_the_same_gradients_on_every_library",
    "test_they_are_on_every_library",
}
LAYERS_IN_FLOAT32 = {
    "test_a_number_as_dout_stands_for_that_number_everywhere",
    "test_library_device_and_dtype_are_kept",
    "test_output_is_the_oracle_s",
}
"""The contracts of layers that tell in float32 what they do not tell in float64."""
LAYERS_READ_ONLY = {
    "test_nothing_is_written_to",
    "test_predict_gives_the_output_and_keeps_nothing",
    "test_two_calls_in_one_graph_keep_both_and_sum_their_gradients",
}
"""The contracts of layers that arrays that refuse to be written to are given."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test by the library it runs on, and what hangs little on any: whole programs, files and pictures."""
    items[:] = [item for item in items if not _proves_nothing_more(item)]
    for item in items:
        if JOURNEYS.intersection(_names(item)):
            item.add_marker(pytest.mark.journey)
        where, library = _chosen(item, "where"), _library(item)
        if where is not None:
            item.add_marker(where.name.lower())
        elif library in ("torch", "jax", "cupy"):
            item.add_marker(library)
        elif "cupy" in getattr(item, "fixturenames", ()) or "pretend_cuda" in _names(item):
            item.add_marker("cupy")
        elif library is None and _names_an_oracle(item.path):
            item.add_marker("oracle")


def _proves_nothing_more(item: pytest.Item) -> bool:
    """Whether the same body runs in float64 too, where that says all: writing to inputs, and on JAX."""
    where, dtype = _chosen(item, "where"), _chosen(item, "dtype")
    if _library(item) == "jax" and not (ON_JAX & _names(item) and _is_first_of_its_class(_chosen(item, "case"))):
        return True
    if where in (Where.NUMPY_READ_ONLY, Where.JAX) and dtype == "float32":
        return True
    if item.path.name != "test_layers.py":
        return False
    if where is Where.NUMPY_READ_ONLY:
        return not LAYERS_READ_ONLY.intersection(_names(item))
    return dtype == "float32" and not LAYERS_IN_FLOAT32.intersection(_names(item))


def _names(item: pytest.Item) -> set[str]:
    """The folder or file of a test below the tests, and its function."""
    return {item.path.relative_to(Path(__file__).parent).parts[0], getattr(item, "originalname", item.name)}


def _is_first_of_its_class(case: Any) -> bool:
    """Whether a case is the first of its layer's class, or none of a layer."""
    return not isinstance(case, Case) or next(row for row in CASES if row.layer is case.layer) is case


def _library(item: pytest.Item) -> str | None:
    """The library that a test is given, under whatever name."""
    given = item.callspec.params.values() if hasattr(item, "callspec") else ()
    names = [value.library if isinstance(value, Where) else value for value in given]
    return next((name for name in names if isinstance(name, str) and name in LIBRARIES), None)


@functools.cache
def _names_an_oracle(path: Path) -> bool:
    return bool(re.search(r"torch|jax|autograd", path.read_text(encoding="utf-8")))


def _chosen(item: pytest.Item, name: str) -> Any:
    return item.callspec.params.get(name) if hasattr(item, "callspec") else None


def pytest_report_header() -> list[str]:
    names = [
        f"cupy ({named_device()})" if where is Where.CUPY and not LACKS["cupy"] else str(where) for where in PRESENT
    ]
    lines = [f"backends: {', '.join(names)}"]
    return lines + [f"not here: {lack}" for lack in filter(None, LACKS.values())]


@pytest.fixture(params=PRESENT, ids=str)
def where(request: pytest.FixtureRequest) -> Where:
    if LACKS[request.param.library]:
        pytest.fail(f"XPNET_REQUIRE: {LACKS[request.param.library]}")
    return request.param


@pytest.fixture(params=["float32", "float64"])
def dtype(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def backend(where: Where, dtype: str) -> Iterator[Backend]:
    """The current backend of the test."""
    with strict_as_a_gpu(where), xn.use_backend(where.library, device=where.value[1], dtype=dtype) as chosen:
        yield chosen


@pytest.fixture
def xp(backend: Backend) -> Any:
    return backend.xp


@pytest.fixture
def asarray(where: Where, backend: Backend) -> Callable[..., Any]:
    """Arrays of the current backend; read-only where the test runs on such."""

    def make(values: Any) -> Any:
        array = backend.asarray(np.array(values))
        if where.value[2]:
            array.flags.writeable = False
        return array

    return make


@pytest.fixture
def needs() -> Callable[[str], None]:
    """A function that leaves the test out where a library is not ready, and says why."""

    def check(library: str) -> None:
        if LACKS[library]:
            (pytest.fail if library in REQUIRED else pytest.skip)(LACKS[library])

    return check


@pytest.fixture
def cupy(needs: Callable[[str], None]) -> Iterator[Any]:
    """CuPy itself, as the current backend in float32: on a CUDA device, or on a pretended one."""
    needs("cupy")
    with xn.use_backend("cupy", dtype="float32"):
        yield importlib.import_module("cupy")


@pytest.fixture
def tolerance(dtype: str) -> float:
    return {"float32": 2e-5, "float64": 1e-12}[dtype]


@contextmanager
def strict_as_a_gpu(where: Where) -> Iterator[None]:
    """On array-api-strict, leave out what a GPU does badly: results whose shape depends on values."""
    if where is not Where.STRICT:
        yield
        return
    import array_api_strict

    with array_api_strict.ArrayAPIStrictFlags(boolean_indexing=False, data_dependent_shapes=False):
        yield


@pytest.fixture
def defer_to_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the operators of array-api-strict leave Variables and batches to the reflected ones, as NumPy's do."""
    array = pytest.importorskip("array_api_strict._array_object").Array
    for name in ("_check_type_device", "_check_allowed_dtypes"):
        check = getattr(array, name)

        def ignoring_variables(self: Any, other: Any, *args: Any, check: Any = check, **keywords: Any) -> Any:
            return NotImplemented if type(other) in (Variable, Batch) else check(self, other, *args, **keywords)

        monkeypatch.setattr(array, name, ignoring_variables)


@pytest.fixture
def no_host_sync(where: Where, monkeypatch: pytest.MonkeyPatch) -> Callable[[], AbstractContextManager[None]]:
    """A context in which reading a value of an array-api-strict array fails: on a GPU it would stall."""

    @contextmanager
    def trap() -> Iterator[None]:
        if where is not Where.STRICT:
            yield
            return
        from array_api_strict._array_object import Array

        def refuse(self: Any, *args: Any, **named: Any) -> Any:
            raise AssertionError("a value was read on the host")

        with monkeypatch.context() as patch:
            for name in ("__bool__", "__float__", "__int__", "__complex__", "__index__", "__array__", "__dlpack__"):
                patch.setattr(Array, name, refuse)
            yield

    return trap

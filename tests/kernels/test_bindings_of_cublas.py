"""CuPy's calls of cuBLAS can be replaced by nvmath-python's: both take the arguments of C, in one order."""

from __future__ import annotations

import re
from importlib import import_module
from importlib.machinery import PathFinder
from pathlib import Path

import pytest
from cuda_device import is_pretended

POINTERS = {"size_t", "intptr_t"}


def compiled(package, folder):
    """The compiled module of a package, as bytes: to import it needs NVIDIA's library, and it may be pretended."""
    spec = PathFinder.find_spec(package)
    found = spec and sorted(Path(spec.submodule_search_locations[0], folder).glob("cublas.*so"))
    if not found:
        pytest.skip(f"{package} is not installed")
    return found[0].read_bytes()


def arguments(module, function):
    """The types of the arguments, from the signature that stands in the docstring."""
    (inside,) = set(re.findall(rb"\0(?:[^\0]*\n)?" + function.encode() + rb"\(([^()]*)\)", module))
    kinds = [argument.rpartition(" ")[0] for argument in inside.decode().split(", ")]
    return ["pointer" if kind in POINTERS else kind for kind in kinds]


@pytest.mark.parametrize("name", ["gemmEx", "gemmStridedBatchedEx"])
def test_the_arguments_are_the_same(cupy, name):
    calls = import_module("xpnet.fast.cupy.captures").CALLS
    theirs = arguments(compiled("cupy_backends", "cuda/libs"), name)
    assert theirs == arguments(compiled("nvmath", "bindings"), calls[name])
    assert len(theirs) > 15


def test_every_call_that_is_replaced_is_compared(cupy):
    assert set(import_module("xpnet.fast.cupy.captures").CALLS) == {"gemmEx", "gemmStridedBatchedEx"}


@pytest.mark.parametrize("name", ["COMPUTE_32F", "COMPUTE_64F", "COMPUTE_32F_FAST_TF32"])
def test_the_numbers_of_the_types_of_computation_are_the_same(cupy, name):
    if is_pretended(cupy):
        pytest.skip("the numbers are in modules that need NVIDIA's library")
    theirs, bindings = import_module("cupy_backends.cuda.libs.cublas"), import_module("nvmath.bindings.cublas")
    assert int(getattr(bindings.ComputeType, name)) == getattr(theirs, f"CUBLAS_{name}")

"""CuPy's calls of cuBLAS can be replaced by nvmath-python's: both take the arguments of C, in one order."""

from __future__ import annotations

import re

import pytest

pytest.importorskip("cupy")
bindings = pytest.importorskip("nvmath.bindings.cublas", exc_type=ImportError)

from cupy_backends.cuda.libs import cublas as theirs  # noqa: E402  (where they are)

from xpnet.kernels.cupy.captures import CALLS  # noqa: E402

POINTERS = {"size_t", "intptr_t"}


def arguments(function):
    """The types of the arguments, from the signature in the first line of the docstring."""
    (inside,) = re.findall(r"\((.*?)\)", function.__doc__.strip().splitlines()[0])
    kinds = [argument.rpartition(" ")[0] for argument in inside.split(", ")]
    return ["pointer" if kind in POINTERS else kind for kind in kinds]


@pytest.mark.parametrize("name", CALLS)
def test_the_arguments_are_the_same(name):
    assert arguments(getattr(theirs, name)) == arguments(getattr(bindings, CALLS[name]))


@pytest.mark.parametrize("name", ["COMPUTE_32F", "COMPUTE_64F", "COMPUTE_32F_FAST_TF32"])
def test_the_numbers_of_the_types_of_computation_are_the_same(name):
    assert int(getattr(bindings.ComputeType, name)) == getattr(theirs, f"CUBLAS_{name}")

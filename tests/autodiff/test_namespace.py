"""Every function of the standard is differentiable or value only, and in exactly one of the lists."""

from __future__ import annotations

import types

import numpy as np
import pytest

from xpnet.autodiff import RuleMissingError, Variable, grad, markdown_table, namespace_over
from xpnet.autodiff.namespace import CONSTANTS, DTYPES, VALUES
from xpnet.autodiff.rules import COMPOSITES, RULES
from xpnet.backend import array_namespace

LISTS = {"rules": RULES, "composites": COMPOSITES, "value only": VALUES}


def test_no_function_is_in_two_lists() -> None:
    names = [name for names in LISTS.values() for name in names]
    assert sorted(names) == sorted(set(names))


def test_every_function_of_the_standard_is_listed() -> None:
    strict = pytest.importorskip("array_api_strict")
    own = {"ArrayAPIStrictFlags", "Device", "__array_namespace_info__", "__version__", "fft", "linalg"}
    own |= {name for name in strict.__all__ if name.endswith("_array_api_strict_flags")}
    listed = {name for names in LISTS.values() for name in names}
    standard = set(strict.__all__) - own - set(CONSTANTS) - set(DTYPES)
    for extension in (strict.linalg, strict.fft):
        standard |= {f"{extension.__name__.rpartition('.')[2].strip('_')}.{name}" for name in extension.__all__}
    assert standard - listed == set()
    assert listed - standard <= {"linalg.eig", "linalg.eigvals"}


def test_one_module_per_library() -> None:
    xp = namespace_over(np)
    assert isinstance(xp, types.ModuleType)
    assert xp is array_namespace(Variable(np.ones(2)))
    assert xp.differentiates is np
    assert xp.float32 is np.float32
    assert xp.pi == np.pi
    assert isinstance(xp.linalg, types.ModuleType)
    assert xp.fft.rfft.__name__ == "rfft"


def test_a_variable_wins_over_arrays_of_its_library() -> None:
    x = Variable(np.ones(2))
    assert array_namespace(x, np.ones(2)) is array_namespace(np.ones(2), None, x) is namespace_over(np)


def test_functions_take_arrays_and_variables_together() -> None:
    x = Variable(np.asarray([1.0, 2.0]))
    xp = array_namespace(x)
    y = xp.concat([np.ones(1), x, xp.zeros(1)])
    y.backward(np.arange(4.0))
    assert x.grad.tolist() == [1.0, 2.0]
    assert (
        float(grad(lambda x: xp.where(np.asarray(True), np.asarray(2.0), x) + xp.maximum(x, 0.0))(np.asarray(3.0)))
        == 1.0
    )


def test_what_is_not_of_the_standard_raises_by_name() -> None:
    xp = array_namespace(Variable(np.ones(2)))
    with pytest.raises(RuleMissingError, match=r"must be one of the array API standard, got relu; use xp\.maximum"):
        xp.relu(np.ones((2, 2)))
    assert not hasattr(xp.linalg, "expm")
    assert isinstance(RuleMissingError("a", "b", "c", "d"), AttributeError)


def test_the_table_has_a_row_for_every_function() -> None:
    table = markdown_table().splitlines()
    assert len(table) == 2 + sum(len(names) for names in LISTS.values())
    assert "| `sqrt(x, /)` | differentiable | ``y = √x``; ``dx = dout / 2y``. | inf at 0 |" in table
    assert all(line.count("|") - line.count("\\|") == 5 for line in table)


def test_slogdet_and_its_like_have_named_parts() -> None:
    x = Variable(np.eye(2))
    xp = array_namespace(x)
    assert xp.linalg.eigh(x)._fields == ("eigenvalues", "eigenvectors")
    assert xp.linalg.svd(x)._fields == ("U", "S", "Vh")
    assert xp.linalg.qr(x)._fields == ("Q", "R")
    assert xp.linalg.slogdet(x)._fields == ("sign", "logabsdet")
    assert all(type(part) is Variable for part in xp.unstack(x))

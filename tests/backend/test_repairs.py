"""What a library does in part is made whole in the namespace that xpnet gives, and nowhere else."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from xpnet.backend import array_namespace, get_backend, to_numpy
from xpnet.backend.repairs import repaired, solve_stacks

SHAPES = [
    *(((3, 3), (3,)), ((3, 3), (3, 2)), ((2, 3, 3), (3,)), ((2, 3, 3), (2, 3, 1)), ((0, 0), (0, 2))),
    *(((2, 3, 3), (3, 1)), ((3, 3), (2, 3, 1)), ((2, 1, 3, 3), (4, 3, 2)), ((1, 3, 3), (4, 3, 1)), ((0, 3, 3), (3, 1))),
]


@pytest.mark.parametrize(("A", "b"), SHAPES)
def test_solve_broadcasts_on_every_backend(backend, asarray, tolerance, A, b):
    rng = np.random.default_rng(0)
    A, b = rng.standard_normal(A) + 4 * np.eye(A[-1]), rng.standard_normal(b)
    found = array_namespace(asarray(A)).linalg.solve(asarray(A), asarray(b))
    assert found.dtype == backend.dtype
    np.testing.assert_allclose(to_numpy(found), np.linalg.solve(A, b), rtol=100 * tolerance, atol=100 * tolerance)


def test_matrices_that_do_not_fit_are_still_refused(asarray):
    A, b = asarray(np.eye(3)), asarray(np.ones((2, 4, 1)))
    with pytest.raises((ValueError, RuntimeError, TypeError)):
        array_namespace(A).linalg.solve(A, b)


def test_the_namespace_of_an_array_is_that_of_its_backend(cupy):
    import array_api_compat.cupy as compat

    xp = array_namespace(cupy.ones(1))
    assert xp is get_backend().xp
    assert xp.__name__ == compat.__name__
    assert xp.linalg.solve.__doc__ == cupy.linalg.solve.__doc__
    assert (xp.exp, xp.linalg.inv) == (compat.exp, compat.linalg.inv)
    with pytest.raises(ValueError, match="multidimensional"):
        compat.linalg.solve(cupy.eye(3), cupy.ones((2, 3, 1)))


def test_a_repair_is_given_the_function_of_the_library():
    made = repaired(np, {"linalg.solve": solve_stacks, "exp": lambda own, xp, x: own(x) + xp.ones_like(x)})
    assert isinstance(made, ModuleType)
    assert made.exp(np.zeros(2)).tolist() == [2.0, 2.0]
    assert np.exp(np.zeros(2)).tolist() == [1.0, 1.0]
    assert made.linalg.solve(np.eye(2), np.ones((3, 2, 1))).shape == (3, 2, 1)
    assert made.linalg.inv is np.linalg.inv
    assert {"exp", "linalg", "sin"} <= set(dir(made))
    with pytest.raises(AttributeError, match="nothing_of_it"):
        getattr(made, "nothing_of_it")  # noqa: B009
    assert repaired(np, {}) is np

"""A Variable inside xarray, pint and einops, as any array of the standard."""

from __future__ import annotations

from typing import Any

import einops
import numpy as np
import pint
import pytest
import xarray as xr

from xpnet.autodiff import Variable, grad
from xpnet.backend import array_namespace
from xpnet.interop import einops_backend  # noqa: F401 (einops finds it)

X = np.arange(6.0).reshape(2, 3) + 0.5


def test_xarray() -> None:
    def f(x: Any) -> Any:
        table = xr.DataArray(x, dims=("a", "b"))
        return ((table - table.mean("a")) ** 2 * xr.DataArray([1.0, 2.0], dims="a")).sum().data

    def plain(x: Any) -> Any:
        return np.sum((x - np.mean(x, axis=0)) ** 2 * np.asarray([[1.0], [2.0]]))

    found = grad(f)(X)
    for place in np.ndindex(X.shape):
        step = np.zeros_like(X)
        step[place] = 1e-5
        assert found[place] == pytest.approx((plain(X + step) - plain(X - step)) / 2e-5, rel=1e-6)


def test_pint() -> None:
    units = pint.UnitRegistry()

    def f(x: Any) -> Any:
        speed = units.Quantity(x, "km/h").to("m/s")
        return array_namespace(x).sum((speed * speed).magnitude)

    np.testing.assert_allclose(grad(f)(X), 2.0 * X / 3.6**2)


def test_einops() -> None:
    def f(x: Any) -> Any:
        y = einops.rearrange(x, "a (b c) -> (a b) c", c=1)
        return array_namespace(x).sum(einops.reduce(y * y, "n c -> c", "sum") * 2.0)

    np.testing.assert_allclose(grad(f)(X), 4.0 * X)
    assert einops.repeat(Variable(X), "a b -> a r b", r=2).shape == (2, 2, 3)

"""Initial weights against torch's."""

from __future__ import annotations

import numpy as np
import pytest

from xpnet.initializers import normal_weights, orthogonal
from xpnet.random import Generator

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("shape", [(30, 20), (20, 6, 3, 5), (8, 4, 7)])
@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("he", lambda w: torch.nn.init.kaiming_normal_(w, nonlinearity="relu")),
        ("he_uniform", lambda w: torch.nn.init.kaiming_uniform_(w, nonlinearity="relu")),
        ("glorot", torch.nn.init.xavier_normal_),
        ("glorot_uniform", torch.nn.init.xavier_uniform_),
        ("lecun", lambda w: torch.nn.init.kaiming_normal_(w, nonlinearity="linear")),
        ("lecun_uniform", lambda w: torch.nn.init.kaiming_uniform_(w, nonlinearity="linear")),
    ],
)
def test_weights_are_as_wide(name, theirs, shape) -> None:
    """torch's linear weights lie the other way round, (M, D); its filters as here."""
    torch.manual_seed(0)
    repeated = 4000 // shape[0]
    size = shape[::-1] if len(shape) == 2 else shape
    expected = torch.stack([theirs(torch.empty(size)) for _ in range(repeated)])
    found = np.stack([normal_weights(shape, name, Generator(seed), "W") for seed in range(repeated)])
    assert np.std(found) == pytest.approx(float(expected.std()), rel=0.02)
    if "uniform" in name:
        assert np.max(np.abs(found)) == pytest.approx(float(expected.abs().max()), rel=0.01)


@pytest.mark.parametrize("shape", [(5, 5), (7, 3), (3, 7), (6, 2, 3, 3)])
def test_orthogonal_weights_are_orthogonal_along_the_same_axes(shape) -> None:
    theirs = torch.nn.init.orthogonal_(torch.empty(shape, dtype=torch.float64), gain=1.5).reshape(shape[0], -1).numpy()
    ours = orthogonal(1.5)(shape, Generator(0), "W").reshape(shape[0], -1)
    for product in (lambda w: w @ w.T, lambda w: w.T @ w):
        found, expected = (np.linalg.matrix_rank(product(w)) for w in (ours, theirs))
        assert found == expected
        near = np.abs(product(theirs) - 2.25 * np.eye(len(product(theirs)))).max() < 1e-12
        assert (np.abs(product(ours) - 2.25 * np.eye(len(product(ours)))).max() < 1e-12) == near

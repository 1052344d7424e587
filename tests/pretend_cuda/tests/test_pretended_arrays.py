"""CuPy's arrays on the pretended device against NumPy's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

rng = np.random.default_rng(0)
A, B = rng.normal(size=(5, 7)), rng.normal(size=(5, 7))
V, W = rng.normal(size=(7,)), rng.normal(size=(3, 4, 5))
K = rng.integers(-9, 9, size=(6, 5))
Z = A + 1j * B
SQUARE = A[:, :5] @ A[:, :5].T + np.eye(5)
MANY = W[:, :4, :4] @ W[:, :4, :4].swapaxes(1, 2) + np.eye(4)

Calls = dict[str, Callable[..., Any]]
ELEMENTWISE: Calls = {
    "add": lambda xp, a: a(A) + a(B),
    "broadcast": lambda xp, a: a(A) * a(V) - a(A)[:, :1] / 3,
    "power and divmod": lambda xp, a: (abs(a(A)) ** 1.5, a(K) // 4, a(K) % 4),
    "transcendental": lambda xp, a: (xp.exp(a(A)), xp.log1p(abs(a(A))), xp.tanh(a(A)), xp.arctan2(a(A), a(B))),
    "comparisons": lambda xp, a: ((a(A) > 0) & (a(B) < 1), xp.isnan(a(A)), xp.signbit(a(A))),
    "maximum fmod hypot": lambda xp, a: (xp.maximum(a(A), a(B)), xp.fmod(a(A), a(B)), xp.hypot(a(A), a(B))),
    "clip round sign": lambda xp, a: (xp.clip(a(A), -0.5, 0.5), xp.round(a(A), 1), xp.sign(a(A)), xp.floor(a(A))),
    "astype": lambda xp, a: (a(A).astype("float32"), a(A).astype("int32"), a(K).astype(bool), a(K).astype("F")),
    "complex": lambda xp, a: (xp.exp(a(Z)), abs(a(Z)), a(Z).conj(), xp.angle(a(Z))),
    "small integers": lambda xp, a: (a(K.astype("int8")) * 2, a(K.astype("uint8")) + 250, a(K) ^ 5, a(K) << 2),
    "order F": lambda xp, a: (xp.asarray(a(A), order="F") + 1, xp.array(a(A), order="F").ravel("K")),
    "empty arrays": lambda xp, a: (a(A)[:0].sum(), a(A)[:0] + 1, xp.concatenate([a(A)[:0], a(B)])),
}
REDUCTIONS: Calls = {
    "sum": lambda xp, a: (a(W).sum(), a(W).sum(0), a(W).sum((0, 2)), a(W).sum(1, keepdims=True)),
    "sum of many": lambda xp, a: a(np.arange(100000.0)).sum(),
    "mean var std": lambda xp, a: (a(W).mean(1), a(W).var(2), a(W).std()),
    "prod min max": lambda xp, a: (a(W).prod(1), a(W).min(0), a(W).max((1, 2))),
    "any all count": lambda xp, a: ((a(K) > 3).any(0), (a(K) > -9).all(1), xp.count_nonzero(a(K))),
    "argmax argmin": lambda xp, a: (a(W).argmax(1), a(W).argmin(), a(W).argmax(-1)),
    "nan": lambda xp, a: xp.nansum(xp.where(a(A) > 1, xp.nan, a(A)), axis=0),
    "cumulative": lambda xp, a: (xp.cumsum(a(W), axis=1), xp.cumprod(a(V)), xp.cumsum(a(np.arange(5000)))),
    "bincount histogram": lambda xp, a: (xp.bincount(abs(a(K)).ravel()), *xp.histogram(a(V), bins=4)),
}
SHAPES: Calls = {
    "slices": lambda xp, a: (a(W)[1:, ::2, -1], a(W)[..., ::-1], a(W)[:, None, 2]),
    "integer index": lambda xp, a: (a(W)[[0, 2, 2]], a(W)[:, [1, 3], [0, 4]], a(W)[a(np.array([[1, 0]]))]),
    "mask index": lambda xp, a: a(A)[a(A) > 0],
    "take": lambda xp, a: (xp.take(a(A), a(np.array([3, 0])), 1), xp.take_along_axis(a(A), a(A).argsort(1), 1)),
    "where nonzero": lambda xp, a: (xp.where(a(A) > 0, a(A), 0.0), *xp.nonzero(a(K) > 2)),
    "concatenate": lambda xp, a: (xp.concatenate([a(A), a(B)]), xp.concatenate([a(A) + i for i in range(12)], axis=1)),
    "stack split": lambda xp, a: (xp.stack([a(A), a(B)], axis=1), *xp.split(a(W), 2, axis=1)),
    "transposes": lambda xp, a: (a(W).T.copy(), a(W).transpose(1, 0, 2) + 1, xp.swapaxes(a(W), 0, 2).reshape(5, -1)),
    "reshape": lambda xp, a: (a(W).reshape(4, -1), a(W).T.ravel(), xp.broadcast_to(a(V), (2, 7)) + 0),
    "pad roll diff": lambda xp, a: (xp.diff(a(A)), xp.pad(a(A), ((1, 2), (0, 3))), xp.roll(a(A), 2, axis=1)),
    "made": lambda xp, a: (xp.arange(2, 20, 3), xp.linspace(0, 1, 7), xp.eye(4, k=1), xp.tri(4)),
    "triangles": lambda xp, a: (xp.tril(a(A)), xp.diag(a(V)), xp.trace(a(A)), xp.diagonal(a(W), axis1=1, axis2=2)),
    "sort": lambda xp, a: (xp.sort(a(A), axis=0), xp.sort(a(V)), xp.argsort(a(A), axis=0), xp.unique(a(K))),
    "searchsorted": lambda xp, a: xp.searchsorted(xp.sort(a(V)), a(A)),
    "beyond the last bin": lambda xp, a: (
        *(xp.searchsorted(xp.sort(a(K)[0]), a(K) + 3, side=side) for side in ("left", "right")),
        *(xp.digitize(a(K), bins) for bins in (a(np.array([-4, 0, 4])), a(np.array([4, 0, -4])))),
        xp.isin(a(K) + 3, a(K)[0]),
        xp.histogram(a(K), bins=3, range=(-2, 4))[0],
    ),
}
LIBRARIES: Calls = {
    "matmul": lambda xp, a: (a(A) @ a(B).T, a(A).T @ a(B), a(A) @ a(V), a(V) @ a(V), a(K) @ a(K).T),
    "matmul strided": lambda xp, a: a(A)[:, ::2] @ a(B)[:, ::2].T,
    "matmul stacks": lambda xp, a: (a(W) @ a(W).swapaxes(1, 2), a(W) @ a(A)),
    "matmul complex": lambda xp, a: a(Z) @ a(Z.conj()).T,
    "tensordot einsum": lambda xp, a: (
        xp.tensordot(a(W), a(W), axes=([0, 2], [0, 2])),
        xp.einsum("ijk,ijl->ikl", a(W), a(W)),
    ),
    "outer inner": lambda xp, a: (xp.outer(a(V), a(V)), xp.inner(a(A), a(B)), xp.vdot(a(V), a(V)), xp.kron(a(V), a(V))),
    "solve inv det": lambda xp, a: (
        xp.linalg.solve(a(SQUARE), a(A)),
        xp.linalg.inv(a(SQUARE)),
        xp.linalg.det(a(SQUARE)),
    ),
    "solve stacks": lambda xp, a: (xp.linalg.solve(a(MANY), a(MANY)), xp.linalg.inv(a(MANY)), xp.linalg.det(a(MANY))),
    "cholesky": lambda xp, a: (
        xp.linalg.cholesky(a(SQUARE)),
        xp.linalg.cholesky(a(MANY)),
        xp.linalg.slogdet(a(MANY))[1],
    ),
    "eigenvalues": lambda xp, a: (xp.linalg.eigvalsh(a(SQUARE)), xp.linalg.svd(a(W), compute_uv=False)),
    "norms pinv": lambda xp, a: (xp.linalg.norm(a(A), axis=1), xp.linalg.pinv(a(A)), xp.linalg.norm(a(A), 2)),
    "fft": lambda xp, a: (xp.fft.fft(a(A)), xp.fft.ifft(a(Z), axis=0), xp.fft.rfft(a(A)), xp.fft.irfft(a(Z))),
    "fftn": lambda xp, a: (xp.fft.fft2(a(W)), xp.fft.rfftn(a(W)), xp.fft.irfftn(a(W + 0j), s=(4, 6), axes=(1, 2))),
}


@pytest.mark.parametrize("name", [*ELEMENTWISE, *REDUCTIONS, *SHAPES, *LIBRARIES])
def test_what_it_gives_is_what_numpy_gives(cp, name):
    function = (ELEMENTWISE | REDUCTIONS | SHAPES | LIBRARIES)[name]
    expected, found = function(np, np.asarray), function(cp, cp.asarray)
    pairs = zip(*(r if isinstance(r, tuple) else (r,) for r in (expected, found)), strict=True)
    for want, got in pairs:
        assert (got.dtype, got.shape) == (np.asarray(want).dtype, np.shape(want))
        np.testing.assert_allclose(cp.asnumpy(got), want, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_lower_precision_is_rounded_as_numpy_rounds_it(cp, dtype):
    a, b = (cp.asarray(x, dtype=dtype) for x in (A, B))
    x, y = A.astype(dtype), B.astype(dtype)
    np.testing.assert_array_equal((a * b + a).get(), x * y + x)
    tolerance = 4 * np.finfo(dtype).eps
    np.testing.assert_allclose((a @ b.T).get(), x @ y.T, rtol=tolerance, atol=20 * tolerance)
    np.testing.assert_allclose(cp.exp(a).get(), np.exp(x), rtol=tolerance)


def test_a_product_in_bfloat16_is_summed_in_float32(cp):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    a, b = A.astype(ml_dtypes.bfloat16), B.astype(ml_dtypes.bfloat16)
    expected = (a.astype("f") @ b.astype("f").T).astype(ml_dtypes.bfloat16)
    found = cp.asarray(a) @ cp.asarray(b).T
    np.testing.assert_allclose(found.get().astype("f"), expected.astype("f"), rtol=2**-7)


def test_factors_give_the_matrix_back(cp):
    def back(x):
        return cp.asnumpy(x)

    a, square, stacked = cp.asarray(A), cp.asarray(SQUARE), cp.asarray(W)
    q, r = cp.linalg.qr(a)
    u, s, vt = cp.linalg.svd(a, full_matrices=False)
    w, e = cp.linalg.eigh(square)
    us, ss, vts = cp.linalg.svd(stacked, full_matrices=False)
    for found, expected in ((q @ r, A), (u * s @ vt, A), (e * w @ e.T, SQUARE), (us * ss[:, None] @ vts, W)):
        np.testing.assert_allclose(back(found), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("shape", [(4, 4), (3, 4, 4), (1, 1), (0, 0)])
def test_eigenvectors_of_general_matrices(cp, shape, dtype):
    parts = np.random.default_rng(0).normal(size=(2, *shape))
    a = (parts[0] + 1j * parts[1] if dtype.startswith("c") else parts[0]).astype(dtype)
    w, v = (cp.asnumpy(found) for found in cp.linalg.eig(cp.asarray(a)))
    tolerance = 100 * np.finfo(dtype).eps
    np.testing.assert_allclose(a @ v, v * w[..., None, :], atol=tolerance)
    found = cp.asnumpy(cp.linalg.eigvals(cp.asarray(a)))
    np.testing.assert_allclose(np.sort_complex(found), np.sort_complex(np.linalg.eigvals(a)), atol=tolerance)


@pytest.mark.parametrize("index", [(1, 2), (slice(None), 3), ([0, 2], [1, 1]), (slice(1, 4), [5, 0])])
def test_assignment_writes_where_numpy_writes(cp, index):
    expected, found = A.copy(), cp.asarray(A)
    expected[index], found[index] = 7.0, 7.0
    np.testing.assert_array_equal(found.get(), expected)


def test_adding_at_equal_places_adds_each(cp):
    expected, found, where = np.zeros(5), cp.zeros(5), [0, 1, 1, 4, 4, 4]
    np.add.at(expected, where, 1.5)
    cp.add.at(found, cp.asarray(where), 1.5)
    np.testing.assert_array_equal(found.get(), expected)


def test_dlpack_brings_arrays_to_the_host(cp):
    np.testing.assert_array_equal(cp.from_dlpack(cp.asarray(A)).get(), A)
    np.testing.assert_array_equal(np.from_dlpack(cp.asarray(A), device="cpu"), A)


def test_what_is_not_emulated_says_so(cp):
    with pytest.raises(NotImplementedError, match=r"pretend_cuda: cublas.strmm is not emulated"):
        cp.cuda.cublas.strmm()
    with pytest.raises(AttributeError, match="has no Nothing"):
        cp.cuda.cublas.Nothing  # noqa: B018


def test_the_device_says_that_it_is_pretended(cp):
    assert cp.cuda.runtime.getDeviceProperties(0)["name"] == b"Pretended CUDA device (CPU)"

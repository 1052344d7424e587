"""Checks of SciPy's other parts: integrate, signal, spatial.transform, fft, linalg, optimize, differentiate …"""

from __future__ import annotations

from typing import Any

import array_api_compat
import numpy as np
from foreign_checks import Check, like, positive, some
from scipy import (
    cluster,
    constants,
    differentiate,
    fft,
    integrate,
    interpolate,
    linalg,
    ndimage,
    optimize,
    signal,
    spatial,
)
from scipy.optimize import elementwise
from scipy.spatial.transform import RigidTransform, Rotation, Slerp


def check(name: str, call: Any, *points: Any) -> Check:
    return Check(name, call, points)


X, M = some(8), some(4, 3)
Q = some(2, 4) + 0.5
LINE = np.linspace(0.0, 1.0, 9)


def space(x: Any) -> Any:
    return array_api_compat.array_namespace(x)


INTEGRATE = (
    check("integrate.trapezoid", lambda y: integrate.trapezoid(y, dx=0.1), X),
    check("integrate.trapezoid over x", lambda y, x: integrate.trapezoid(y, x=x), X, np.sort(some(8, seed=1))),
    check("integrate.cumulative_trapezoid", lambda y: integrate.cumulative_trapezoid(y, dx=0.1), X),
    check("integrate.cumulative_trapezoid initial", lambda y: integrate.cumulative_trapezoid(y, dx=0.1, initial=0), X),
    check("integrate.simpson", lambda y: integrate.simpson(y, dx=0.1), X),
    check("integrate.simpson odd", lambda y: integrate.simpson(y, dx=0.1), some(9)),
    check("integrate.cumulative_simpson", lambda y: integrate.cumulative_simpson(y, dx=0.1), some(9)),
    check("integrate.romb", lambda y: integrate.romb(y, dx=0.1), some(9)),
    check(
        "integrate.fixed_quad", lambda a: integrate.fixed_quad(lambda x: x * x * a[0] + a[1], 0.0, 1.0, n=4)[0], some(2)
    ),
    check(
        "integrate.cubature",
        lambda a: integrate.cubature(lambda x: space(a).exp(-a * x[:, :1]), like(a, [0.0]), like(a, [1.0])).estimate,
        positive(2),
    ),
    check(
        "integrate.tanhsinh",
        lambda a: integrate.tanhsinh(lambda x: space(x).exp(-x * x), a, a + 1.0).integral,
        positive(2),
    ),
    check(
        "integrate.nsum",
        lambda a: integrate.nsum(lambda k, s: 1.0 / k**s, like(a, 1.0), like(a, np.inf), args=(a,)).sum,
        2.0 + positive(2),
    ),
)
SIGNAL = (
    check("signal.convolve direct", lambda a, b: signal.convolve(a, b, method="direct"), X, some(3)),
    check("signal.fftconvolve", lambda a, b: signal.fftconvolve(a, b), X, some(3)),
    check("signal.fftconvolve same", lambda a, b: signal.fftconvolve(a, b, mode="same"), X, some(3)),
    check("signal.oaconvolve", lambda a, b: signal.oaconvolve(a, b), some(20), some(3)),
    check("signal.correlate fft", lambda a, b: signal.correlate(a, b, method="fft"), X, some(3)),
    check("signal.hilbert", signal.hilbert, X),
    check("signal.hilbert2", signal.hilbert2, some(4, 4)),
    check("signal.envelope", lambda x: signal.envelope(x, bp_in=(1, None)), X),
    check("signal.detrend", signal.detrend, X),
    check("signal.detrend constant", lambda x: signal.detrend(x, type="constant"), X),
    check("signal.resample", lambda x: signal.resample(x, 12), X),
    check("signal.resample_poly", lambda x: signal.resample_poly(x, 2, 3), X),
    check("signal.upfirdn", lambda h, x: signal.upfirdn(h, x), some(3), X),
    check("signal.freqz", lambda b: signal.freqz(b, worN=8)[1], some(3)),
    check("signal.freqz of a", lambda b, a: signal.freqz(b, a, worN=8)[1], some(3), 2.0 + positive(3)),
    check("signal.freqz_zpk", lambda z: signal.freqz_zpk(z, like(z, [0.2, 0.3]), 1.0, worN=8)[1], some(2)),
    check(
        "signal.freqz_sos",
        lambda s: signal.freqz_sos(space(s).concat([s[:, :3], space(s).ones_like(s[:, :1]), s[:, 4:]], axis=1), worN=8)[
            1
        ],
        some(2, 6),
    ),
    check("signal.freqs", lambda b: signal.freqs(b, like(b, [1.0, 2.0, 3.0]), worN=like(b, LINE))[1], some(3)),
    check("signal.group_delay", lambda b: signal.group_delay((b, like(b, [1.0])), w=8)[1], 2.0 + positive(3)),
    check("signal.lfilter", lambda b, x: signal.lfilter(b, like(x, [1.0, 0.3]), x), some(3), X),
    check("signal.lfilter fir", lambda b, x: signal.lfilter(b, like(x, [1.0]), x), some(3), X),
    check("signal.sosfilt", lambda x: signal.sosfilt(like(x, [[1.0, 0.5, 0.2, 1.0, 0.3, 0.1]]), x), X),
    check("signal.filtfilt", lambda x: signal.filtfilt(like(x, [0.5, 0.5]), like(x, [1.0]), x, padlen=2), some(12)),
    check("signal.savgol_filter", lambda x: signal.savgol_filter(x, 5, 2, mode="wrap"), some(12)),
    check("signal.medfilt", lambda x: signal.medfilt(x, 3), X),
    check("signal.wiener", lambda x: signal.wiener(x, 3), X),
    check("signal.convolve2d", lambda a, b: signal.convolve2d(a, b), some(4, 4), some(2, 2)),
    check("signal.zpk2tf", lambda z: signal.zpk2tf(z, like(z, [0.2, 0.3]), 1.0)[0], some(2)),
    check("signal.tf2zpk", lambda b: signal.tf2zpk(b, like(b, [1.0, 0.2]))[2], 1.0 + positive(2)),
    check("signal.bilinear_zpk", lambda z: signal.bilinear_zpk(z, like(z, [-0.2, -0.3]), 1.0, 2.0), some(2)),
    check("signal.lp2hp_zpk", lambda z: signal.lp2hp_zpk(z, like(z, [-0.2, -0.3]), 1.0), positive(2)),
    check("signal.lp2lp_zpk", lambda z: signal.lp2lp_zpk(z, like(z, [-0.2, -0.3]), 1.0, 2.0), positive(2)),
    check("signal.lp2bp_zpk", lambda z: signal.lp2bp_zpk(z, like(z, [-0.2, -0.3]), 1.0), positive(2)),
    check("signal.lp2bs_zpk", lambda z: signal.lp2bs_zpk(z, like(z, [-0.2, -0.3]), 1.0), positive(2)),
    check("signal.vectorstrength", lambda x: signal.vectorstrength(x, 2.0), X),
    check("signal.spectral convolve", lambda a, b: signal.convolve(a, b, mode="valid", method="fft"), X, some(3)),
    check("signal.deconvolve", lambda a: signal.deconvolve(a, like(a, [1.0, 0.5]))[0], X),
    check("signal.normalize", lambda b: signal.normalize(b, like(b, [2.0, 0.5]))[0], positive(2)),
    check("signal.minimum_phase", lambda h: signal.minimum_phase(h, n_fft=32), np.asarray([0.1, 0.4, 0.9, 0.4, 0.1])),
    check("signal.general_cosine", lambda a: signal.windows.general_cosine(8, a), some(3)),
    check("signal.czt", lambda x: signal.czt(x), X),
    check("signal.stft", lambda x: signal.stft(x, nperseg=4)[2], X),
    check("signal.welch", lambda x: signal.welch(x, nperseg=4)[1], some(12)),
    check("signal.periodogram", lambda x: signal.periodogram(x)[1], X),
)
VECTORS = some(2, 3)
TRANSFORM = (
    check("Rotation.as_matrix", lambda q: Rotation.from_quat(q).as_matrix(), Q),
    check("Rotation.from_rotvec", lambda v: Rotation.from_rotvec(v).as_matrix(), VECTORS),
    check("Rotation.from_euler", lambda a: Rotation.from_euler("xyz", a).as_quat(), VECTORS),
    check(
        "Rotation.from_matrix",
        lambda m: Rotation.from_matrix(m).as_quat(),
        np.eye(3) + 0.1 * some(3, 3),
    ),
    check("Rotation.as_rotvec", lambda q: Rotation.from_quat(q).as_rotvec(), Q),
    check("Rotation.as_euler", lambda q: Rotation.from_quat(q).as_euler("xyz"), Q),
    check("Rotation.as_mrp", lambda q: Rotation.from_quat(q).as_mrp(), Q),
    check("Rotation.from_mrp", lambda v: Rotation.from_mrp(v).as_quat(), VECTORS),
    check("Rotation.apply", lambda q, v: Rotation.from_quat(q).apply(v), Q, VECTORS),
    check("Rotation.inv", lambda q: Rotation.from_quat(q).inv().as_quat(), Q),
    check("Rotation.magnitude", lambda q: Rotation.from_quat(q).magnitude(), Q),
    check("Rotation product", lambda q: (Rotation.from_quat(q) * Rotation.from_quat(q[::-1, :])).as_matrix(), Q),
    check("Rotation.mean", lambda q: Rotation.from_quat(q).mean().as_matrix(), Q),
    check("Rotation power", lambda q: (Rotation.from_quat(q) ** 0.5).as_matrix(), Q),
    check(
        "Rotation.concatenate",
        lambda q: Rotation.concatenate([Rotation.from_quat(q), Rotation.from_quat(q)]).as_matrix(),
        Q,
    ),
    check("Rotation item", lambda q: Rotation.from_quat(q)[1].as_matrix(), Q),
    check("RigidTransform.apply", lambda t, v: RigidTransform.from_translation(t).apply(v), some(3), VECTORS),
    check("RigidTransform.from_exp_coords", lambda e: RigidTransform.from_exp_coords(e).as_matrix(), some(6)),
    check("RigidTransform.as_dual_quat", lambda e: RigidTransform.from_exp_coords(e).as_dual_quat(), some(6)),
    check("Slerp", lambda q: Slerp([0.0, 1.0], Rotation.from_quat(q))(like(q, [0.3])).as_matrix(), Q),
)
FFT = (
    *(
        check(f"fft.{name}", getattr(fft, name), X)
        for name in ("fft", "ifft", "rfft", "hfft", "ihfft", "fftshift", "ifftshift")
    ),
    *(check(f"fft.{name}", getattr(fft, name), M) for name in ("fft2", "ifft2", "rfft2", "fftn", "ifftn", "rfftn")),
    check("fft.irfft", lambda x: fft.irfft(fft.rfft(x) ** 2), X),
    check("fft.dct", fft.dct, X),
    check("fft.dst", fft.dst, X),
    check("fft.fht", lambda x: fft.fht(x, 0.1, 0.5), X),
    check("fft.ifht", lambda x: fft.ifht(x, 0.1, 0.5), X),
)
REST = (
    check("linalg.block_diag", lambda a, b: linalg.block_diag(a, b), M, some(2, 2)),
    check("linalg.fiedler", linalg.fiedler, X),
    check("linalg.orthogonal_procrustes", lambda a, b: linalg.orthogonal_procrustes(a, b), M, some(4, 3, seed=1)),
    check("linalg.det", linalg.det, some(3, 3)),
    check("linalg.inv", linalg.inv, some(3, 3)),
    check("linalg.expm", linalg.expm, some(3, 3)),
    check("linalg.solve", linalg.solve, some(3, 3), some(3)),
    check("linalg.norm", linalg.norm, M),
    check("linalg.khatri_rao", lambda a, b: linalg.khatri_rao(a, b), M, some(2, 3)),
    check("optimize.rosen", optimize.rosen, some(4)),
    check("optimize.rosen_der", optimize.rosen_der, some(4)),
    check("optimize.rosen_hess", optimize.rosen_hess, some(4)),
    check("optimize.rosen_hess_prod", lambda x, p: optimize.rosen_hess_prod(x, p), some(4), some(4, seed=1)),
    check("differentiate.derivative", lambda x: differentiate.derivative(lambda x: space(x).sin(x), x).df, some(3)),
    check("differentiate.jacobian", lambda x: differentiate.jacobian(lambda x: x**3, x).df, some(3)),
    check("differentiate.hessian", lambda x: differentiate.hessian(optimize.rosen, x).ddf, some(2)),
    check(
        "optimize.elementwise.find_root",
        lambda a: elementwise.find_root(lambda x, a: x * x - a, (like(a, 0.0), like(a, 3.0)), args=(a,)).x,
        positive(3),
    ),
    check("constants.convert_temperature", lambda x: constants.convert_temperature(x, "Celsius", "Kelvin"), X),
    check("constants.lambda2nu", constants.lambda2nu, positive(4)),
    check("cluster.vq.whiten", cluster.vq.whiten, M),
    check("cluster.vq.vq", lambda a, b: cluster.vq.vq(a, b)[1], M, some(2, 3)),
    check("spatial.distance.cdist", lambda a, b: spatial.distance.cdist(a, b), M, some(2, 3)),
    check("spatial.distance.euclidean", lambda a, b: spatial.distance.euclidean(a, b), X, some(8, seed=1)),
    check(
        "interpolate.BSpline",
        lambda c: interpolate.BSpline(like(c, np.arange(12.0)), c, 3)(like(c, [4.2, 5.3])),
        some(8),
    ),
    check(
        "interpolate.CubicSpline", lambda y: interpolate.CubicSpline(like(y, np.arange(8.0)), y)(like(y, [4.2, 5.3])), X
    ),
    check(
        "interpolate.PchipInterpolator",
        lambda y: interpolate.PchipInterpolator(like(y, np.arange(8.0)), y)(like(y, [4.2, 5.3])),
        X,
    ),
    check(
        "interpolate.RegularGridInterpolator",
        lambda v: interpolate.RegularGridInterpolator((like(v, np.arange(8.0)),), v)(like(v, [[4.2], [5.3]])),
        X,
    ),
    check("ndimage.gaussian_filter", lambda x: ndimage.gaussian_filter(x, 1.0), M),
    check("ndimage.convolve", lambda a, b: ndimage.convolve(a, b), M, some(2, 2)),
    check("ndimage.sum_labels", lambda a: ndimage.sum_labels(a), M),
)
CHECKS = (*INTEGRATE, *SIGNAL, *TRANSFORM, *FFT, *REST)

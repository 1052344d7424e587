"""Checks of packages written for the array API: glass, distmarg, array-api-signal and array-api-negative-index."""

from __future__ import annotations

from typing import Any

import array_api_compat
import array_api_negative_index as negative
import array_api_signal as aps
import distmarg
import glass
import numpy as np
from foreign_checks import Check, inside, like, positive, some
from glass import arraytools, fields, galaxies, harmonics, lensing, observations, points, shells


def space(x: Any) -> Any:
    return array_api_compat.array_namespace(x)


def check(name: str, call: Any, *points: Any) -> Check:
    return Check(name, call, points)


class Universe:
    """A cosmology with distances of closed form."""

    h, Omega_m0, critical_density0, hubble_distance = 0.7, 0.3, 1.4e11, 4300.0

    def growth_factor(self, z: Any) -> Any:
        return 1.0 / (1.0 + z)

    def H_over_H0(self, z: Any) -> Any:
        return 1.0 + 0.7 * z

    def transverse_comoving_distance(self, z: Any, to: Any = None) -> Any:
        if to is None:
            return self.hubble_distance * z / (1.0 + 0.3 * z)
        return self.transverse_comoving_distance(to) - np.asarray([self.transverse_comoving_distance(one) for one in z])


def planes(a: Any, b: Any, c: Any) -> Any:
    convergence = lensing.MultiPlaneConvergence(Universe())
    for at, delta in enumerate((a, b, c)):
        convergence.add_plane(delta, 0.3 + 0.4 * at, 0.2)
    return convergence.kappa


def covariance(x: Any) -> Any:
    return x @ x.T + like(x, np.diag([1.0, 2.0, 3.0]))


def window(z: Any) -> Any:
    return shells.RadialWindow(z, like(z, [0.0, 1.0, 2.0, 1.0, 0.0]), 0.5)


X, Y, M, P = some(6), some(6, seed=1), some(3, 4), positive(6)
Z = np.linspace(0.1, 1.1, 5)
DISTANCES = np.geomspace(100.0, 5000.0, 600)
PRIOR = 2.0 * np.log(DISTANCES)
PLAIN = distmarg.DistanceMarginalization(DISTANCES, PRIOR, backend="python")
PHASED = distmarg.DistanceMarginalization(DISTANCES, PRIOR, phase_marginalization=True, backend="python")
DIRECT = distmarg.DistanceMarginalization(DISTANCES, PRIOR, quad_grid=0, backend="python")
LOUD = (np.asarray([60.0, 80.0]), np.asarray([61.0, 82.0]), np.asarray([900.0, 950.0]))
FAINT = (np.asarray([2.0, 5.0]), np.asarray([4.0, 6.0]), np.asarray([900.0, 950.0]))
QUIET = (np.asarray([0.02, 0.05]), np.asarray([0.02, 0.01]), np.asarray([900.0, 950.0]))

GLASS = (
    check("glass.nnls", lambda a, b: glass.algorithm.nnls(a, b), positive(4, 3), positive(4)),
    check("glass.cov_clip", lambda x: glass.algorithm.cov_clip(covariance(x)), some(3, 3)),
    check("glass.nearcorr", lambda x: glass.algorithm.nearcorr(0.2 * (x + x.T), niter=8, tol=1e-3), some(3, 3)),
    check("glass.cov_nearest", lambda x: glass.algorithm.cov_nearest(covariance(x), niter=8, tol=1e-3), some(3, 3)),
    check("glass.broadcast_first", lambda a, b: arraytools.broadcast_first(a, b), M, some(3)),
    check("glass.broadcast_leading_axes", lambda a, b: arraytools.broadcast_leading_axes((a, 0), (b, 1)), some(3), M),
    check("glass.cumulative_trapezoid", lambda f, x: arraytools.cumulative_trapezoid(f, x), X, np.sort(Y)),
    check("glass.ndinterp", lambda f, x: arraytools.ndinterp(x, like(x, np.arange(4.0)), f), M, 3.0 * inside(5)),
    check("glass.trapezoid_product", lambda f: arraytools.trapezoid_product((like(f, Z), f), (like(f, Z), f)), some(5)),
    check(
        "glass.iternorm", lambda x: list(fields.iternorm(list(x + like(x, [[3.0, 0.0], [3.0, 0.0]])))), 0.3 * some(2, 2)
    ),
    check("glass.cls2cov", lambda a, b, c: [m + 0.0 for m in fields.cls2cov([a, b, c], 6, 2, 1)], P, P + 1.0, P + 2.0),
    check("glass.discretized_cls", lambda a: fields.discretized_cls([a], lmax=4, ncorr=0), P),
    check("glass.cov_from_spectra", lambda a, b, c: fields.cov_from_spectra([a, b, c]), P, P + 1.0, P + 2.0),
    check("glass.effective_cls", lambda a, b, c, w: fields.effective_cls([a, b, c], w), P, P, P, some(2, 3)),
    check("glass.multalm", lambda b: harmonics.multalm(like(b, np.arange(6.0)) * (1.0 + 2.0j), b), positive(3)),
    check("glass.kappa_ia_nla", lambda d, z: galaxies._kappa_ia_nla(d, z, 1.2, Universe(), eta=0.7), X, P),
    check("glass.MultiPlaneConvergence", planes, X, Y, P),
    check("glass.deflect", lambda lon, lat, a: lensing.deflect(lon, lat, a), X, Y, some(2, 6)),
    check("glass.displace", lambda lon, lat, a: points.displace(lon, lat, a), X, Y, some(2, 6)),
    check("glass.displacement", lambda a, b, c, d: points.displacement(a, b, c, d), X, Y, X + P, Y + P),
    check("glass.linear_bias", points.linear_bias, X, Y),
    check("glass.loglinear_bias", points.loglinear_bias, P, Y),
    check("glass.position_weights", lambda d, b: points.position_weights(d, b), positive(3, 2), positive(3)),
    check("glass.effective_bias", lambda b: points.effective_bias(like(b, Z), b, window(like(b, Z))), positive(5)),
    check("glass.gaussian_nz", lambda m, s: observations.gaussian_nz(like(m, Z), m, s), positive(2), positive(2)),
    check(
        "glass.smail_nz", lambda m, a: observations.smail_nz(like(m, Z), m, a, like(m, [1.5, 1.2])), positive(2), P[:2]
    ),
    check("glass.combine", lambda w: shells.combine(like(w, Z), w, [window(like(w, Z))]), some(1)),
)
DISTMARG = (
    check("distmarg loud", PLAIN.ln_likelihood_ratio, *LOUD),
    check("distmarg faint", PLAIN.ln_likelihood_ratio, *FAINT),
    check("distmarg quiet", PLAIN.ln_likelihood_ratio, *QUIET),
    check("distmarg of phases loud", PHASED.ln_likelihood_ratio, *LOUD),
    check("distmarg of phases faint", PHASED.ln_likelihood_ratio, *FAINT),
    check("distmarg without a grid", DIRECT.ln_likelihood_ratio, *FAINT),
)
SIGNAL = (
    check("aps.trapezoid", lambda y: aps.trapezoid(y, dx=0.1), X),
    check("aps.trapezoid over x", lambda y, x: aps.trapezoid(y, x), X, np.sort(Y)),
    check("aps.simpson", lambda y: aps.simpson(y, dx=0.1), some(2, 7)),
    check("aps.simpson even", lambda y: aps.simpson(y, dx=0.1, axis=0), some(6, 2)),
    check("aps.gaussian_filter1d", lambda x: aps.gaussian_filter1d(x, 1.0, mode="constant"), some(9)),
    check("aps.convolve", lambda x, k: aps.convolve(x, k, mode="constant"), some(9), some(3)),
    check("aps.logsumexp", lambda x: aps.logsumexp(x, axis=1), M),
    check("aps.interp", lambda x, f: aps.interp(x, like(x, Z), f), np.asarray([0.2, 0.4, 0.7, 0.9]), some(5)),
    check("aps.i0e", aps.i0e, X),
    check("aps.ndtr", aps.ndtr, X),
    check("aps.hann", lambda x: x * aps.array_namespace(x).hann(6), X),
    check("aps.hamming", lambda x: x * aps.array_namespace(x).hamming(6), X),
    check("aps.tukey", lambda x: x * aps.array_namespace(x).tukey(6), X),
    check("aps.array_namespace", lambda x: aps.array_namespace(x).sum(aps.array_namespace(x).sinc(x), axis=0), M),
)
NEGATIVE = (
    check("negative.to_symmetric", negative.to_symmetric, X),
    check("negative.to_symmetric of an axis", lambda x: negative.to_symmetric(x, axis=-1, asymmetric=True), M),
    check("negative.to_symmetric conjugate", lambda x: negative.to_symmetric(x * (1.0 + 1.0j), conjugate=True), X),
    check("negative.flip_symmetric", lambda x: negative.flip_symmetric(x, axis=1), M),
    check(
        "negative.arange_asymmetric",
        lambda x: x * space(x).astype(negative.arange_asymmetric(3, xp=space(x)), x.dtype),
        some(5),
    ),
)
CHECKS = (*GLASS, *DISTMARG, *SIGNAL, *NEGATIVE)

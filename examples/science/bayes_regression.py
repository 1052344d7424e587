"""Bayesian linear regression with the distributions of SciPy's special functions: the posterior's mode and width.

``python bayes_regression.py``. Prints the coefficients with the widths of their posterior, and the true ones. Student's
t for the noise leaves outliers without weight.
"""

import argparse

import numpy as np
from scipy.optimize import minimize
from scipy.special import gammaln

import xpnet as xn

argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()

TRUE = np.asarray([1.5, -2.0, 0.5])
rng = np.random.default_rng(0)
x = rng.standard_normal((120, 3))
y = x @ TRUE + 0.2 * rng.standard_normal(120)
y[::15] += 5.0


def minus_log_posterior(w):
    """Normal priors of width 10 for w, Student's t of three degrees of freedom for the noise."""
    v, scale = 3.0, 0.2
    z = (y - x @ w) / scale
    log_t = gammaln(0.5 * (v + 1.0)) - gammaln(0.5 * v) - 0.5 * (v + 1.0) * np.log1p(z * z / v)
    return -log_t.sum() + 0.5 * (w * w).sum() / 100.0


result = minimize(*xn.for_scipy(minus_log_posterior, np.zeros(3)))
widths = np.sqrt(np.diag(np.linalg.inv(xn.hessian(minus_log_posterior)(result.x))))
for found, width, true in zip(result.x, widths, TRUE, strict=True):
    print(f"{found:6.3f} ± {width:.3f}  (true {true})")

"""The PCA of scikit-learn, differentiated: weights of measurements that let one component explain as much as it can.

``SCIPY_ARRAY_API=1 python pca.py``. Prints the share of the variance that the first component explains, with equal
weights and with the weights found.
"""

import argparse
import os

import numpy as np

os.environ["SCIPY_ARRAY_API"] = "1"  # scikit-learn asks for it

import sklearn
from sklearn.decomposition import PCA

import xpnet as xn

argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()

rng = np.random.default_rng(0)
measured = rng.standard_normal((60, 4)) * np.asarray([1.0, 2.0, 0.5, 1.5])


def share(log_weights):
    """The variance along the first component over all of it."""
    with sklearn.config_context(array_api_dispatch=True):
        variances = PCA(n_components=4, svd_solver="full").fit(measured * np.exp(log_weights)).explained_variance_
    return variances[0] / variances.sum()


log_weights = np.zeros(4)
print(f"equal weights: {float(share(xn.constant(log_weights)).value):.2f}")
for _ in range(50):
    log_weights = log_weights + 2.0 * xn.grad(share)(log_weights)
print(f"found weights: {float(share(xn.constant(log_weights)).value):.2f}")

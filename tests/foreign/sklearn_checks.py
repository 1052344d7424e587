"""Checks of scikit-learn with array API dispatch."""

from __future__ import annotations

from typing import Any

import sklearn
from foreign_checks import Check, positive, some
from sklearn import decomposition, linear_model, metrics, preprocessing
from sklearn.metrics import pairwise

X, Y, M, N = some(6), some(6, seed=1), some(5, 3), some(4, 3, seed=1)


def check(name: str, call: Any, *points: Any) -> Check:
    def dispatched(*arrays: Any) -> Any:
        with sklearn.config_context(array_api_dispatch=True):
            return call(*arrays)

    return Check(f"sklearn.{name}", dispatched, points)


CHECKS = (
    check("mean_squared_error", metrics.mean_squared_error, X, Y),
    check("root_mean_squared_error", metrics.root_mean_squared_error, X, Y),
    check("mean_absolute_error", metrics.mean_absolute_error, X, Y),
    check("mean_squared_log_error", metrics.mean_squared_log_error, positive(6), positive(6, seed=1)),
    check("mean_absolute_percentage_error", metrics.mean_absolute_percentage_error, positive(6), Y),
    check("max_error", metrics.max_error, X, Y),
    check("median_absolute_error", metrics.median_absolute_error, X, Y),
    check("mean_pinball_loss", lambda x, y: metrics.mean_pinball_loss(x, y, alpha=0.3), X, Y),
    check("r2_score", metrics.r2_score, X, Y),
    check("explained_variance_score", metrics.explained_variance_score, X, Y),
    check("d2_tweedie_score", lambda x, y: metrics.d2_tweedie_score(x, y, power=1), positive(6), positive(6, seed=1)),
    check(
        "mean_tweedie_deviance",
        lambda x, y: metrics.mean_tweedie_deviance(x, y, power=1.5),
        positive(6),
        positive(6, seed=1),
    ),
    check("mean_gamma_deviance", metrics.mean_gamma_deviance, positive(6), positive(6, seed=1)),
    check("euclidean_distances", pairwise.euclidean_distances, M, N),
    check("cosine_similarity", pairwise.cosine_similarity, M, N),
    check("cosine_distances", pairwise.cosine_distances, M, N),
    check("rbf_kernel", lambda x, y: pairwise.rbf_kernel(x, y, gamma=0.3), M, N),
    check("laplacian_kernel", lambda x, y: pairwise.laplacian_kernel(x, y, gamma=0.3), M, N),
    check("linear_kernel", pairwise.linear_kernel, M, N),
    check("polynomial_kernel", pairwise.polynomial_kernel, M, N),
    check("sigmoid_kernel", pairwise.sigmoid_kernel, M, N),
    check("chi2_kernel", lambda x, y: pairwise.additive_chi2_kernel(x, y), positive(5, 3), positive(4, 3)),
    check("MaxAbsScaler", lambda x: preprocessing.MaxAbsScaler().fit_transform(x), M),
    check("MinMaxScaler", lambda x: preprocessing.MinMaxScaler().fit_transform(x), M),
    check("StandardScaler", lambda x: preprocessing.StandardScaler().fit_transform(x), M),
    check("Normalizer", lambda x: preprocessing.Normalizer().fit_transform(x), M),
    check("PCA", lambda x: decomposition.PCA(n_components=2, svd_solver="full").fit(x).explained_variance_, M),
    check("Ridge", lambda x, y: linear_model.Ridge(solver="svd").fit(x, y).coef_, M, some(5)),
)

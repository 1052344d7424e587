"""Checks of all of scikit-learn that dispatches to the namespace of its arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import sklearn
from foreign_checks import Check, inside, like, positive, some
from sklearn import (
    calibration,
    decomposition,
    discriminant_analysis,
    kernel_approximation,
    linear_model,
    metrics,
    mixture,
    model_selection,
    naive_bayes,
    pipeline,
    preprocessing,
)
from sklearn.metrics import pairwise

X, Y, M, N, P, Q = some(6), some(6, seed=1), some(5, 3), some(4, 3, seed=1), positive(6), positive(6, seed=1)
TWO = some(6, 2), some(6, 2, seed=1)
TWO_POSITIVE = positive(6, 2), positive(6, 2, seed=1)
LABELS, THREE = [0, 1, 1, 0, 1, 0], [0, 1, 2, 2, 1, 0]


def check(name: str, call: Any, *points: Any) -> Check:
    def dispatched(*arrays: Any) -> Any:
        with sklearn.config_context(array_api_dispatch=True):
            return call(*arrays)

    return Check(f"sklearn.{name}", dispatched, points)


def labels(x: Any, values: Any) -> Any:
    """Whole numbers beside x."""
    return like(x, values).__array_namespace__().astype(like(x, values), like(x, values).__array_namespace__().int64)


# The mean over samples and outputs, which scikit-learn makes a Python number, and each output by itself, which stays.
REGRESSION: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(
        (
            *("mean_squared_error", "root_mean_squared_error", "mean_absolute_error", "median_absolute_error"),
            *("mean_pinball_loss", "r2_score", "explained_variance_score", "d2_absolute_error_score"),
            "d2_pinball_score",
        ),
        TWO,
    ),
    **dict.fromkeys(
        ("mean_squared_log_error", "root_mean_squared_log_error", "mean_absolute_percentage_error"), TWO_POSITIVE
    ),
}
PAIRWISE: dict[str, Any] = {
    "euclidean_distances": pairwise.euclidean_distances,
    "manhattan_distances": pairwise.manhattan_distances,
    "cosine_similarity": pairwise.cosine_similarity,
    "cosine_distances": pairwise.cosine_distances,
    "rbf_kernel": lambda x, y: pairwise.rbf_kernel(x, y, gamma=0.3),
    "laplacian_kernel": lambda x, y: pairwise.laplacian_kernel(x, y, gamma=0.3),
    "linear_kernel": pairwise.linear_kernel,
    "polynomial_kernel": pairwise.polynomial_kernel,
    "sigmoid_kernel": pairwise.sigmoid_kernel,
    "paired_cosine_distances": lambda x, y: pairwise.paired_cosine_distances(x[:4, :], y),
    "paired_euclidean_distances": lambda x, y: pairwise.paired_euclidean_distances(x[:4, :], y),
    "paired_manhattan_distances": lambda x, y: pairwise.paired_manhattan_distances(x[:4, :], y),
    "pairwise_distances": lambda x, y: pairwise.pairwise_distances(x, y, metric="euclidean"),
    "pairwise_kernels": lambda x, y: pairwise.pairwise_kernels(x, y, metric="rbf", gamma=0.3),
}

METRICS = (
    *(
        check(f"{name} of outputs", lambda x, y, name=name: getattr(metrics, name)(x, y, multioutput="raw_values"), *at)
        for name, at in REGRESSION.items()
    ),
    *(check(name, getattr(metrics, name), *at) for name, at in REGRESSION.items()),
    check(
        "mean_squared_error of weights",
        lambda x, y, w: metrics.mean_squared_error(x, y, sample_weight=w, multioutput="raw_values"),
        *TWO,
        P,
    ),
    check("max_error", metrics.max_error, X, Y),
    check("d2_tweedie_score", lambda x, y: metrics.d2_tweedie_score(x, y, power=1), P, Q),
    check("mean_tweedie_deviance", lambda x, y: metrics.mean_tweedie_deviance(x, y, power=1.5), P, Q),
    check("mean_poisson_deviance", metrics.mean_poisson_deviance, P, Q),
    check("mean_gamma_deviance", metrics.mean_gamma_deviance, P, Q),
    check("log_loss", lambda p: metrics.log_loss(labels(p, LABELS), p), inside(6)),
    check("brier_score_loss", lambda p: metrics.brier_score_loss(labels(p, LABELS), p), inside(6)),
    check("roc_curve", lambda p: metrics.roc_curve(labels(p, LABELS), p, drop_intermediate=False)[2][1:], inside(6)),
    check("precision_recall_curve", lambda p: metrics.precision_recall_curve(labels(p, LABELS), p)[2], inside(6)),
    check("det_curve", lambda p: metrics.det_curve(labels(p, LABELS), p)[2], inside(6)),
    check("roc_auc_score", lambda p: metrics.roc_auc_score(labels(p, LABELS), p) * p, inside(6)),
    check("calinski_harabasz_score", lambda x: metrics.calinski_harabasz_score(x, labels(x, LABELS)), some(6, 3)),
    check("davies_bouldin_score", lambda x: metrics.davies_bouldin_score(x, labels(x, LABELS)), some(6, 3)),
    *(check(name, call, M, N) for name, call in PAIRWISE.items()),
    check("additive_chi2_kernel", lambda x, y: pairwise.additive_chi2_kernel(x, y), positive(5, 3), positive(4, 3)),
    check("chi2_kernel", lambda x, y: pairwise.chi2_kernel(x, y), positive(5, 3), positive(4, 3)),
)


def there_and_back(scaler: Any) -> Any:
    def call(x: Any, z: Any) -> Any:
        return scaler.fit_transform(x), scaler.inverse_transform(z)

    return call


SCALED = (M, some(2, 3, seed=3))
PREPROCESSING = (
    check("MaxAbsScaler", there_and_back(preprocessing.MaxAbsScaler()), *SCALED),
    check("MinMaxScaler", there_and_back(preprocessing.MinMaxScaler()), *SCALED),
    check("MinMaxScaler with a range", there_and_back(preprocessing.MinMaxScaler((-2, 3), clip=True)), *SCALED),
    check("StandardScaler", there_and_back(preprocessing.StandardScaler()), *SCALED),
    check("StandardScaler without a scale", there_and_back(preprocessing.StandardScaler(with_std=False)), *SCALED),
    check(
        "StandardScaler by weights",
        lambda x, w: preprocessing.StandardScaler().fit(x, sample_weight=w).transform(x),
        M,
        positive(5),
    ),
    *(
        check(f"Normalizer {norm}", lambda x, norm=norm: preprocessing.Normalizer(norm=norm).fit_transform(x), M)
        for norm in ("l1", "l2", "max")
    ),
    *(check(name, getattr(preprocessing, name), M) for name in ("scale", "minmax_scale", "maxabs_scale", "normalize")),
    check("Binarizer", lambda x: x * preprocessing.Binarizer(threshold=0.1).fit_transform(x), M),
    check("KernelCenterer", lambda x: preprocessing.KernelCenterer().fit_transform(x @ x.T), M),
    check("PolynomialFeatures", lambda x: preprocessing.PolynomialFeatures(2).fit_transform(x), M),
    check(
        "PolynomialFeatures of pairs",
        lambda x: preprocessing.PolynomialFeatures(3, interaction_only=True).fit_transform(x),
        M,
    ),
    check(
        "LabelBinarizer",
        lambda x: x * like(x, np.ones(6)) * preprocessing.LabelBinarizer().fit_transform(labels(x, THREE))[:, 0],
        X,
    ),
    check("LabelEncoder", lambda x: x * preprocessing.LabelEncoder().fit_transform(labels(x, THREE)), X),
)


def fitted(estimator: Any, *names: str, target: Any = None) -> Any:
    """The attributes of a fitted estimator."""

    def call(x: Any, *y: Any) -> Any:
        estimator.fit(x, *y, *(() if target is None else (labels(x, target),)))
        return [getattr(estimator, name) for name in names]

    return call


S, T = some(6, 3), some(6, seed=2)
ESTIMATORS = (
    check(
        "PCA", fitted(decomposition.PCA(2, svd_solver="full"), "explained_variance_", "mean_", "singular_values_"), S
    ),
    check(
        "PCA by eigh",
        fitted(decomposition.PCA(2, svd_solver="covariance_eigh"), "explained_variance_", "noise_variance_"),
        S,
    ),
    check("PCA transform", lambda x: decomposition.PCA(2, svd_solver="full").fit(x).transform(x), S),
    check("PCA transform by eigh", lambda x: decomposition.PCA(2, svd_solver="covariance_eigh").fit(x).transform(x), S),
    check("PCA whitened", lambda x: decomposition.PCA(2, svd_solver="full", whiten=True).fit_transform(x), S),
    check(
        "PCA there and back",
        lambda x: (lambda p: p.inverse_transform(p.transform(x)))(decomposition.PCA(2, svd_solver="full").fit(x)),
        S,
    ),
    check("PCA covariance", lambda x: decomposition.PCA(2, svd_solver="full").fit(x).get_covariance(), S),
    check("PCA precision", lambda x: decomposition.PCA(2, svd_solver="full").fit(x).get_precision(), S),
    check(
        "PCA randomized",
        fitted(
            decomposition.PCA(2, svd_solver="randomized", power_iteration_normalizer="QR", random_state=0),
            "explained_variance_",
        ),
        S,
    ),
    check("Ridge", fitted(linear_model.Ridge(solver="svd"), "coef_", "intercept_"), S, T),
    check("Ridge without intercept", fitted(linear_model.Ridge(2.0, solver="svd", fit_intercept=False), "coef_"), S, T),
    check("Ridge predict", lambda x, y: linear_model.Ridge(solver="svd").fit(x, y).predict(x), S, T),
    check("Ridge of outputs", fitted(linear_model.Ridge(solver="svd"), "coef_"), S, some(6, 2)),
    check(
        "Ridge by weights", lambda x, y, w: linear_model.Ridge(solver="svd").fit(x, y, sample_weight=w).coef_, S, T, P
    ),
    check("RidgeCV", fitted(linear_model.RidgeCV(alphas=(0.5, 1.0, 2.0)), "coef_"), S, T),
    check("RidgeClassifier", fitted(linear_model.RidgeClassifier(solver="svd"), "coef_", target=LABELS), S),
    check("RidgeClassifierCV", fitted(linear_model.RidgeClassifierCV(alphas=(0.5, 1.0)), "coef_", target=LABELS), S),
    check("LogisticRegression", fitted(linear_model.LogisticRegression(), "coef_", target=LABELS), S),
    check("PoissonRegressor", fitted(linear_model.PoissonRegressor(), "coef_"), S, P),
    check(
        "LinearDiscriminantAnalysis",
        fitted(discriminant_analysis.LinearDiscriminantAnalysis(solver="svd"), "coef_", "means_", target=LABELS),
        S,
    ),
    check(
        "LinearDiscriminantAnalysis transform",
        lambda x: (
            discriminant_analysis.LinearDiscriminantAnalysis().fit_transform(x, labels(x, LABELS)) ** 2
        ),  # up to sign
        S,
    ),
    check("GaussianNB", lambda x: naive_bayes.GaussianNB().fit(x, labels(x, LABELS)).predict_proba(x), S),
    check("GaussianNB fitted", fitted(naive_bayes.GaussianNB(), "theta_", "var_", target=LABELS), S),
    check(
        "Nystroem",
        lambda x: kernel_approximation.Nystroem(gamma=0.3, n_components=3, random_state=0).fit_transform(x),
        S,
    ),
    check(
        "GaussianMixture",
        fitted(mixture.GaussianMixture(2, init_params="random_from_data", random_state=0, max_iter=3), "means_"),
        some(12, 2),
    ),
    check(
        "pipeline",
        lambda x: pipeline.make_pipeline(
            preprocessing.MaxAbsScaler(), decomposition.PCA(2, svd_solver="full")
        ).fit_transform(x),
        S,
    ),
    check("train_test_split", lambda x: model_selection.train_test_split(x, random_state=0), S),
    check(
        "cross_val_predict",
        lambda x, y: model_selection.cross_val_predict(linear_model.Ridge(solver="svd"), x, y, cv=2),
        S,
        T,
    ),
    check("temperature scaling", lambda x: calibration._TemperatureScaling().fit(x, labels(x, LABELS)).beta_, S),
)
CHECKS = (*METRICS, *PREPROCESSING, *ESTIMATORS)

"""Networks as estimators of scikit-learn: its own checks, pipelines, searches, weights, pickles and other libraries."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn")

import sklearn
from named_numbers import normal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import xpnet as xn
from xpnet.backend import to_numpy
from xpnet.errors import ArgumentError, DtypeError
from xpnet.interop.sklearn import XpnetClassifier, XpnetRegressor
from xpnet.layers import Affine, MeanSquaredError, SoftmaxWithLoss, Tanh
from xpnet.networks import Sequential
from xpnet.optimizers import Momentum

SMALL = {"hidden": (16,), "learning_rate": 0.03, "max_iter": 60}
X = normal("x", 60, 3)
NAMES = np.asarray(["hen", "cat", "dog"])[np.argmax(X, axis=1)]
Y = X @ np.asarray([3.0, -2.0, 0.5]) + 100.0


def classifier(**options) -> XpnetClassifier:
    return XpnetClassifier(**SMALL | {"random_state": 0} | options)


def regressor(**options) -> XpnetRegressor:
    return XpnetRegressor(**SMALL | {"random_state": 0} | options)


@parametrize_with_checks([XpnetClassifier(**SMALL), XpnetRegressor(**SMALL)])
def test_every_check_of_scikit_learn_passes(estimator, check) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(estimator)


def test_labels_and_numbers_are_learnt() -> None:
    model = classifier().fit(X, NAMES)
    assert model.score(X, NAMES) > 0.95
    assert model.classes_.tolist() == ["cat", "dog", "hen"]
    shares = model.predict_proba(X)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    assert model.classes_[shares.argmax(axis=1)].tolist() == model.predict(X).tolist()
    assert regressor().fit(X, Y).score(X, Y) > 0.95
    both = regressor().fit(X, np.stack([Y, -Y], axis=1))
    assert both.predict(X).shape == (60, 2)


def test_scaled_data_do_not_change_what_is_learnt() -> None:
    near, far = regressor().fit(X, Y), regressor().fit(1e6 * X + 1e7, 1e-3 * Y)
    np.testing.assert_allclose(far.predict(1e6 * X + 1e7), 1e-3 * near.predict(X), rtol=1e-5)


def test_pipelines_searches_and_frames() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=["a", "b", "c"])
    pipe = make_pipeline(StandardScaler(), classifier(max_iter=20)).set_output(transform="pandas")
    search = GridSearchCV(pipe, {"xpnetclassifier__hidden": [(2,), (16,)]}, cv=2).fit(frame, NAMES)
    assert search.best_score_ > 0.7
    assert search.best_estimator_[-1].feature_names_in_.tolist() == ["a", "b", "c"]


def test_weights_count_as_repeated_rows() -> None:
    weights = np.arange(60) % 3
    again = np.repeat(np.arange(60), weights)
    for make, y in ((classifier, NAMES), (regressor, Y)):
        weighted, repeated = make().fit(X, y, sample_weight=weights), make().fit(X[again], y[again])
        method = "predict_proba" if make is classifier else "predict"
        np.testing.assert_allclose(getattr(weighted, method)(X), getattr(repeated, method)(X), rtol=1e-6)


def test_weights_of_classes() -> None:
    heavy = classifier(class_weight={"hen": 50.0}).fit(X, NAMES).predict_proba(X)[:, 2]
    even = classifier(class_weight="balanced").fit(X, NAMES).predict_proba(X)[:, 2]
    assert heavy.mean() > even.mean()
    counts = np.asarray([np.sum(name == NAMES) for name in ("cat", "dog", "hen")])
    own = classifier().fit(X, NAMES, sample_weight=(60 / (3 * counts))[np.unique(NAMES, return_inverse=True)[1]])
    np.testing.assert_allclose(own.predict_proba(X)[:, 2], even, rtol=1e-6)
    with pytest.raises(ArgumentError, match="class_weight must be of classes among"):
        classifier(class_weight={"cow": 2.0}).fit(X, NAMES)


def test_weights_are_routed() -> None:
    with sklearn.config_context(enable_metadata_routing=True):
        model = classifier(max_iter=5).set_fit_request(sample_weight=True).set_score_request(sample_weight=False)
        found = cross_validate(model, X, NAMES, cv=2, params={"sample_weight": np.ones(60)})
    assert len(found["test_score"]) == 2


def test_training_goes_on_in_parts() -> None:
    model = classifier(batch_size=10)
    for _ in range(20):
        for part in (slice(0, 30), slice(30, 60)):
            model.partial_fit(X[part], NAMES[part], classes=["cat", "dog", "hen"])
    assert model.n_iter_ == 40
    assert model.score(X, NAMES) > 0.9
    with pytest.raises(ArgumentError, match="labels must be among the classes of the first call"):
        model.partial_fit(X[:2], ["cow", "cat"])
    numbers = regressor(batch_size=10)
    for _ in range(60):
        numbers.partial_fit(X, Y)
    assert numbers.score(X, Y) > 0.9


def test_training_ends_early() -> None:
    noise = np.asarray(["a", "b"])[(normal("noise", 60) > 0.0).astype(int)]
    model = classifier(early_stopping=True, n_iter_no_change=3, max_iter=200, validation_fraction=0.3).fit(X, noise)
    assert 3 < model.n_iter_ < 200
    assert len(model.loss_curve_) == model.n_iter_


def test_copies_and_pickles_predict_alike() -> None:
    model = classifier(network=Sequential(Affine.create(3, 5), Tanh(), Affine.create(5, 3), loss=SoftmaxWithLoss()))
    model.fit(X, NAMES)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    fresh = clone(model)
    assert not hasattr(fresh, "network_")
    np.testing.assert_array_equal(fresh.fit(X, NAMES).predict_proba(X), model.predict_proba(X))


def test_a_network_and_an_optimizer_of_ones_own() -> None:
    def make(inputs, outputs, rng):
        layers = Affine.create(inputs, 7, rng=rng), Tanh(), Affine.create(7, outputs, rng=rng)
        return Sequential(*layers, loss=MeanSquaredError())

    model = regressor(network=make, optimizer=Momentum(0.05)).fit(X, Y)
    assert model.network_.params["Affine1.W"].shape == (3, 7)
    assert model.score(X, Y) > 0.9
    given = Sequential(Affine.create(3, 1), loss=MeanSquaredError())
    before = to_numpy(given.params["Affine1.W"]).copy()
    regressor(network=given).fit(X.astype(np.float32), Y)
    np.testing.assert_array_equal(to_numpy(given.params["Affine1.W"]), before)


@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        ({"optimizer": "newton"}, ArgumentError, "optimizer must be one of sgd, .*, got 'newton'"),
        ({"network": 5}, DtypeError, "network must be a Network, or a function that makes one, got int"),
        ({"network": lambda *_: 5}, DtypeError, "must return a Network, got int"),
        ({"max_iter": 0}, ValueError, "max_iter == 0, must be >= 1"),
    ],
)
def test_options_that_do_not_fit(options: dict, kind: type, text: str) -> None:
    with pytest.raises(kind, match=text):
        classifier(**options).fit(X, NAMES)


@pytest.mark.parametrize("library", ["torch", "cupy"])
def test_arrays_of_other_libraries_stay_there(library: str, needs, monkeypatch: pytest.MonkeyPatch) -> None:
    needs(library)
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")
    t = np.argmax(X, axis=1)
    wanted = classifier().fit(X, t).predict_proba(X)
    with xn.use_backend(library, dtype="float64") as there:
        x, labels, y = there.asarray(X), there.asarray(t), there.asarray(Y)
    with sklearn.config_context(array_api_dispatch=True):
        model = classifier().fit(x, labels)
        for found in (model.predict_proba(x), model.predict(x), model.classes_, regressor().fit(x, y).predict(x)):
            assert type(found) is type(x)
        np.testing.assert_allclose(to_numpy(model.predict_proba(x)), wanted, rtol=1e-6)
        with pytest.raises(ArgumentError, match="rows must use the same namespace and device as in fit, got numpy for"):
            model.predict(X)

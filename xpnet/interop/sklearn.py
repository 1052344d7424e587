"""Networks as estimators of scikit-learn, for its pipelines and searches: ``XpnetClassifier``, ``XpnetRegressor``."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from xpnet.backend import array_namespace, backend_of, dtype_kind, to_numpy
from xpnet.errors import ArgumentError
from xpnet.interop.sklearn_base import (
    ClassifierMixin,
    RegressorMixin,
    XpnetEstimator,
    check_classification_targets,
    scales,
    validate_data,
)
from xpnet.layers import MeanSquaredError, SoftmaxWithLoss
from xpnet.networks.answering import probabilities
from xpnet.training.class_weights import np_backend, weighted


class XpnetClassifier(ClassifierMixin, XpnetEstimator):
    """A classifier of scikit-learn by a network, ``softmax(network((x - mean) / scale))``.

    ``hidden`` are the units of its layers; ``network`` is a network of one's own, which is copied, or a function of
    inputs, outputs and a Generator that makes one. ``optimizer`` is a name or an Optimizer. With ``early_stopping``
    training ends when ``n_iter_no_change`` epochs have not lowered the loss on a ``validation_fraction`` of the rows.
    ``class_weight`` maps classes to weights, or is ``"balanced"``. Columns are scaled by those of the first rows.

    Rows may be arrays of CuPy or torch where ``sklearn.set_config(array_api_dispatch=True)``; the network then trains
    there, and gives such arrays.

    Raises: ``ValueError`` for data that scikit-learn refuses, and for a single class.

    >>> X, y = np.array([[-2.0], [-1.0], [1.0], [2.0]] * 5), np.array(["low", "low", "high", "high"] * 5)
    >>> model = XpnetClassifier(hidden=(4,), max_iter=30, random_state=0).fit(X, y)
    >>> model.predict([[-3.0], [3.0]])
    array(['low', 'high'], dtype='<U4')
    """

    classes_: Any

    def __init__(
        self,
        hidden: Any = (64,),
        network: Any = None,
        optimizer: Any = "adam",
        learning_rate: float = 0.01,
        batch_size: int = 200,
        max_iter: int = 100,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        class_weight: Any = None,
        random_state: Any = None,
    ) -> None:
        training = optimizer, learning_rate, batch_size, max_iter, early_stopping, validation_fraction, n_iter_no_change
        super().__init__(hidden, network, *training, random_state)
        self.class_weight = class_weight

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on rows and their labels."""
        x, labels, weights = self._checked(X, y, sample_weight, True)
        self._classes(x, np.unique(labels), labels, weights)
        weights = self._with_classes(labels, weights)
        self._begin(x, len(self._names), SoftmaxWithLoss(), weights)
        self._train(x, self._indices(x, labels), weights, self.max_iter, self.early_stopping)
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Train for one epoch on rows and their labels; the first call must name all ``classes``, or have them."""
        first = not hasattr(self, "network_")
        x, labels, weights = self._checked(X, y, sample_weight, first)
        if first:
            self._classes(x, np.unique(labels if classes is None else classes), labels, None)
        if unknown := sorted(set(labels.tolist()) - set(self._names.tolist())):
            must = f"labels must be among the classes of the first call, {self._names.tolist()}"
            raise ArgumentError(type(self).__name__, must, unknown[0], "name all classes in the first call")
        weights = self._with_classes(labels, weights)
        if first:
            self._begin(x, len(self._names), SoftmaxWithLoss(), weights)
        self._train(x, self._indices(x, labels), weights, 1, False)
        return self

    def predict(self, X: Any) -> Any:
        """Return the labels with the highest scores, ``(N,)``."""
        scores = self._scores(X, "predict")
        xp = array_namespace(scores)
        places = xp.argmax(scores, axis=1)
        if isinstance(self.classes_, np.ndarray):
            return self.classes_[to_numpy(places)]
        return xp.take(self.classes_, places, axis=0)

    def predict_proba(self, X: Any) -> Any:
        """Return the probabilities of the classes in the order of ``classes_``, ``(N, K)``."""
        scores = self._scores(X, "predict_proba")
        return probabilities(type(self).__name__, self.network_.last_layer, scores)

    def _checked(self, X: Any, y: Any, sample_weight: Any, reset: bool) -> tuple[Any, Any, Any]:
        X, y = validate_data(self, X, y, reset=reset)
        labels = y if isinstance(y, np.ndarray) else to_numpy(y)
        check_classification_targets(labels)
        return self._floating(X), labels, self._weights(X, sample_weight)

    def _classes(self, x: Any, names: Any, labels: Any, weights: Any) -> None:
        present = names if weights is None else np.unique(labels[weights > 0.0])
        if len(present) < 2:
            who = type(self).__name__
            raise ArgumentError(who, "rows must be of two classes or more", "one class", "add rows of another class")
        numeric = names.dtype.kind in "iuf" and not isinstance(x, np.ndarray)
        self.classes_ = backend_of(x).asarray(names, str(names.dtype)) if numeric else names

    @property
    def _names(self) -> Any:
        """The classes on the host."""
        return self.classes_ if isinstance(self.classes_, np.ndarray) else to_numpy(self.classes_)

    def _indices(self, x: Any, labels: Any) -> Any:
        return backend_of(x).asarray(np.searchsorted(self._names, labels).astype(np.int64))

    def _with_classes(self, labels: Any, weights: Any) -> Any:
        """Return the weights of rows times those of their classes."""
        if self.class_weight is None:
            return weights
        given = self.class_weight
        t = np.searchsorted(self._names, labels)
        if not isinstance(given, str):
            names = self._names.tolist()
            if unknown := [label for label in given if label not in names]:
                must = f"class_weight must be of classes among {names}"
                raise ArgumentError(type(self).__name__, must, repr(unknown[0]), "write each class as it is in y")
            given = {names.index(label): float(weight) for label, weight in given.items()}
            given |= {k: 1.0 for k in range(len(names)) if k not in given}
        return weighted(type(self).__name__, np_backend(), t, weights, given, None)


class XpnetRegressor(RegressorMixin, XpnetEstimator):
    """A regressor of scikit-learn by a network that learns ``(y - mean) / scale``; see ``XpnetClassifier``.

    Shapes: ``y (N,)`` or ``(N, M)``.

    >>> X = np.linspace(-1.0, 1.0, 20)[:, None]
    >>> model = XpnetRegressor(hidden=(8,), max_iter=50, random_state=0).fit(X, 3.0 * X[:, 0])
    >>> model.score(X, 3.0 * X[:, 0]) > 0.9
    True
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on rows and their numbers."""
        x, numbers, weights = self._checked(X, y, sample_weight, True)
        self._begin_numbers(x, numbers, weights)
        targets = (numbers - self.target_mean_) / self.target_scale_
        self._train(x, targets, weights, self.max_iter, self.early_stopping)
        return self

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train for one epoch on rows and their numbers; the scales are those of the first call."""
        first = not hasattr(self, "network_")
        x, numbers, weights = self._checked(X, y, sample_weight, first)
        if first:
            self._begin_numbers(x, numbers, weights)
        self._train(x, (numbers - self.target_mean_) / self.target_scale_, weights, 1, False)
        return self

    def predict(self, X: Any) -> Any:
        """Return numbers, ``(N,)`` or ``(N, M)``."""
        found = self._scores(X, "predict") * self.target_scale_ + self.target_mean_
        return found[:, 0] if self._flat else found

    def _checked(self, X: Any, y: Any, sample_weight: Any, reset: bool) -> tuple[Any, Any, Any]:
        X, y = validate_data(self, X, y, reset=reset, multi_output=True, y_numeric=True)
        x = self._floating(X)
        numbers = backend_of(x).asarray(y, x.dtype) if dtype_kind(y) != "real" or y.dtype != x.dtype else y
        self._flat = numbers.ndim == 1
        if self._flat:
            numbers = array_namespace(numbers).reshape(numbers, (-1, 1))
        return x, numbers, self._weights(X, sample_weight)

    def _begin_numbers(self, x: Any, numbers: Any, weights: Any) -> None:
        self.target_mean_, self.target_scale_ = scales(numbers, weights)
        self._begin(x, numbers.shape[1], MeanSquaredError(), weights)

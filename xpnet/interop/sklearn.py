"""Networks as estimators of scikit-learn, for its pipelines and searches: ``XpnetClassifier``, ``XpnetRegressor``."""

from __future__ import annotations

import copy
from typing import Any, Self

import numpy as np

from xpnet.backend import array_namespace, backend_of, dtype_kind, dtype_name, to_numpy, use_backend
from xpnet.errors import ArgumentError, BackendError, DtypeError
from xpnet.layers import Affine, Layer, MeanSquaredError, Relu, SoftmaxWithLoss
from xpnet.networks import Network, Sequential
from xpnet.networks.answering import probabilities
from xpnet.optimizers import SGD, AdaGrad, Adam, AdamW, Lion, Momentum, Nesterov, Optimizer, RMSprop
from xpnet.random import Generator
from xpnet.training import Trainer
from xpnet.training.class_weights import weighted

try:
    from sklearn import get_config
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.utils import check_random_state, check_scalar
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_array, check_consistent_length, check_is_fitted, validate_data
except ImportError:
    raise BackendError(
        "xpnet.interop.sklearn", "scikit-learn must be installed", "none", "pip install xpnet[sklearn]"
    ) from None

OPTIMIZERS = {kind.__name__.lower(): kind for kind in (SGD, Momentum, Nesterov, AdaGrad, RMSprop, Adam, AdamW, Lion)}


class XpnetEstimator(BaseEstimator):
    """The part of an estimator that both kinds share: the network, its training, and the scales of columns."""

    hidden: Any
    network: Any
    optimizer: Any
    learning_rate: float
    batch_size: int
    max_iter: int
    early_stopping: bool
    validation_fraction: float
    n_iter_no_change: int
    random_state: Any

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.array_api_support = True
        return tags

    def _floating(self, X: Any) -> Any:
        """Return rows as floating numbers, in float32 if they have it, with their library and device."""
        if dtype_name(X.dtype) in ("float32", "float64"):
            return np.asarray(X) if isinstance(X, np.ndarray) else X
        return backend_of(X, "float64").asarray(X, "float64")

    def _weights(self, X: Any, sample_weight: Any) -> Any:
        """Return the weights of rows on the host, or None.

        Raises: ``ValueError`` unless there is one for each row.
        """
        if sample_weight is None:
            return None
        given = sample_weight if isinstance(sample_weight, list | tuple | np.ndarray) else as_host(sample_weight)
        weights = check_array(given, ensure_2d=False, dtype=np.float64, input_name="sample_weight")
        if weights.ndim != 1:
            raise ValueError(f"Sample weights must be 1D array or scalar, got {weights.ndim} dimensions")
        check_consistent_length(X, weights)
        if (weights < 0.0).any() or not (weights > 0.0).any():
            must, remedy = "sample_weight must not be negative, and not all zero", "give 0 to rows that do not count"
            raise ArgumentError(type(self).__name__, must, "other weights", remedy)
        return weights

    def _begin(self, x: Any, outputs: int, loss: Layer, weights: Any) -> None:
        """Make the network and the scales of columns."""
        check_scalar(self.max_iter, "max_iter", int, min_val=1)
        check_scalar(self.batch_size, "batch_size", int, min_val=1)
        self._seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        self.mean_, self.scale_ = scales(x, weights)
        rng = Generator(self._seed)
        with use_backend(backend_of(x)):
            self.network_ = self._made(x.shape[1], outputs, loss, rng)
        self._optimizer = self._own_optimizer()
        self.n_iter_ = 0
        self.loss_curve_: list[float] = []

    def _made(self, inputs: int, outputs: int, loss: Layer, rng: Generator) -> Network:
        """Return the network: a copy of one that was given, or the result of a function, or one of Affine and ReLU."""
        who = type(self).__name__
        if self.network is None:
            layers: list[Layer] = []
            sizes = self.hidden if isinstance(self.hidden, tuple | list) else (self.hidden,)
            width = inputs
            for units in sizes:
                layers += [Affine.create(width, units, rng=rng), Relu()]
                width = units
            return Sequential(*layers, Affine.create(width, outputs, init="lecun", rng=rng), loss=loss)
        made = copy.deepcopy(self.network) if isinstance(self.network, Network) else self.network
        if not isinstance(made, Network):
            if not callable(made):
                must, remedy = "network must be a Network, or a function that makes one", "write network=make"
                raise DtypeError(who, must, type(made).__name__, remedy)
            made = made(inputs, outputs, rng)
        if not isinstance(made, Network):
            must = "network(inputs, outputs, rng) must return a Network"
            raise DtypeError(who, must, type(made).__name__, "return one, such as Sequential(…)")
        if made.last_layer is None:
            made.last_layer = loss
        return made

    def _own_optimizer(self) -> Optimizer:
        """Return the optimizer, by its name or as a copy of one that was given."""
        if not isinstance(self.optimizer, str):
            made: Optimizer = copy.deepcopy(self.optimizer)
            return made
        if self.optimizer not in OPTIMIZERS:
            must = f"optimizer must be one of {', '.join(OPTIMIZERS)}, or an Optimizer"
            raise ArgumentError(type(self).__name__, must, repr(self.optimizer), "choose one")
        return OPTIMIZERS[self.optimizer](self.learning_rate)

    def _train(self, x: Any, t: Any, weights: Any, epochs: int, stops: bool) -> None:
        """Train for some epochs on rows of positive weight, in batches of equal importance."""
        if weights is not None:
            kept = np.flatnonzero(weights > 0.0)
            x, t, weights = taken(x, kept), taken(t, kept), weights[kept]
            weights = backend_of(x).asarray(weights, x.dtype)
        data = (self._scaled(x), t) if weights is None else (self._scaled(x), t, weights)
        apart = self.validation_fraction if stops else None
        rng = Generator(self._seed + self.n_iter_)
        size = min(self.batch_size, x.shape[0])
        measured = None if stops else 1
        with use_backend(backend_of(x)):
            trainer = Trainer(self.network_, self._optimizer, data, apart, size, rng, evaluate_rows=measured)
            history = trainer.fit(epochs, patience=self.n_iter_no_change if stops else None)
        self.n_iter_ += len(history)
        self.loss_curve_ += [record.loss for record in history]
        self.network_.forget_batch()

    def _scaled(self, x: Any) -> Any:
        return (x - self.mean_) / self.scale_

    def _scores(self, X: Any, method: str) -> Any:
        """Return the scores of rows, in the library of the network.

        Raises: ``ArgumentError`` for rows of another library or device, where scikit-learn takes those of any.
        """
        check_is_fitted(self)
        x = self._floating(validate_data(self, X, reset=False))
        own, given = backend_of(self.mean_), backend_of(x)
        if get_config()["array_api_dispatch"] and (own.library, own.device) != (given.library, given.device):
            who, must = f"{type(self).__name__}.{method}()", "rows must use the same namespace and device as in fit"
            raise ArgumentError(who, must, f"{given.name} for {own.name}", "move them, or fit it again")
        return self.network_.predict(self._scaled(own.asarray(x, self.mean_.dtype)))


class XpnetClassifier(ClassifierMixin, XpnetEstimator):
    """A classifier of scikit-learn by a network, ``softmax(network((x - mean) / scale))``.

    ``hidden`` are the units of its layers; ``network`` is a network of one's own, which is copied, or a function of
    inputs, outputs and a Generator that makes one. ``optimizer`` is a name or an Optimizer. With ``early_stopping``
    training ends when ``n_iter_no_change`` epochs have not lowered the loss on a ``validation_fraction`` of the rows.
    ``class_weight`` maps classes to weights, or is ``"balanced"``. Columns are scaled by those of the first rows.

    Rows may be arrays of CuPy or torch where ``sklearn.set_config(array_api_dispatch=True)``; the network then trains
    there, and gives such arrays.

        make_pipeline(OneHotEncoder(), XpnetClassifier(hidden=(32,))).fit(X, y)

    Raises: ``ValueError`` for data that scikit-learn refuses, and for a single class.
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
        self.hidden = hidden
        self.network = network
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.class_weight = class_weight
        self.random_state = random_state

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
        x = np.zeros((len(t), 1))
        return weighted(type(self).__name__, x, t, weights, given, None)


class XpnetRegressor(RegressorMixin, XpnetEstimator):
    """A regressor of scikit-learn by a network that learns ``(y - mean) / scale``; see ``XpnetClassifier``.

    Shapes: ``y (N,)`` or ``(N, M)``.
    """

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
        random_state: Any = None,
    ) -> None:
        self.hidden = hidden
        self.network = network
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.random_state = random_state

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


def scales(x: Any, weights: Any) -> tuple[Any, Any]:
    """Return the weighted mean and standard deviation of each column, with 1 for one that does not vary."""
    xp = array_namespace(x)
    if weights is None:
        mean = xp.mean(x, axis=0)
        variance = xp.mean((x - mean) ** 2, axis=0)
    else:
        w = backend_of(x).asarray(weights / weights.sum(), x.dtype)[:, None]
        mean = xp.sum(w * x, axis=0)
        variance = xp.sum(w * (x - mean) ** 2, axis=0)
    scale = xp.sqrt(variance)
    varies = scale > 1e-7 * (xp.abs(mean) + 1e-30)
    return mean, xp.where(varies, scale, xp.ones_like(scale))


def taken(array: Any, rows: Any) -> Any:
    """Return some rows of an array, by their indices on the host."""
    return array_namespace(array).take(array, backend_of(array).asarray(rows), axis=0)


def as_host(values: Any) -> Any:
    """Return an array of any library, or an object that NumPy can read, on the host."""
    try:
        return to_numpy(values)
    except (TypeError, ValueError):
        return np.asarray(values)

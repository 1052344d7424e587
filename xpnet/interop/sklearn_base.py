"""The base of the estimators for scikit-learn: the network, its training, and the scales of columns."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from xpnet.backend import array_namespace, backend_of, dtype_name, to_numpy, use_backend
from xpnet.errors import ArgumentError, BackendError, DtypeError
from xpnet.layers import Affine, Layer, Relu
from xpnet.networks import Network, Sequential
from xpnet.optimizers import Optimizer
from xpnet.optimizers.by_name import OPTIMIZERS
from xpnet.random import Generator
from xpnet.training import Trainer

try:
    from sklearn import get_config
    from sklearn.base import BaseEstimator
    from sklearn.base import ClassifierMixin as ClassifierMixin
    from sklearn.base import RegressorMixin as RegressorMixin
    from sklearn.utils import check_random_state, check_scalar
    from sklearn.utils.multiclass import check_classification_targets as check_classification_targets
    from sklearn.utils.validation import check_array, check_consistent_length, check_is_fitted
    from sklearn.utils.validation import validate_data as validate_data
except ImportError:
    raise BackendError(
        "xpnet.interop.sklearn", "scikit-learn must be installed", "none", "pip install xpnet[sklearn]"
    ) from None


class XpnetEstimator(BaseEstimator):
    """The part of an estimator that both kinds share: the network, its training, and the scales of columns."""

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

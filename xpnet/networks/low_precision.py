"""Forward and backward of a network in float16 or bfloat16."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf
from typing import Any

import numpy as np

from xpnet import capturing
from xpnet.backend import (
    array_namespace,
    backend_of,
    device_of,
    dtype_kind,
    dtype_name,
    is_array,
    library_name,
    library_of,
)
from xpnet.backend.moving import Change, Destination, Movable
from xpnet.errors import ArgumentError, BackendError, DivergenceError, DtypeError, StateError
from xpnet.layers.checks import is_number
from xpnet.layers.row_gradient import on_values, values_of
from xpnet.networks.across import Across
from xpnet.typing import Array

DTYPES = ("float16", "bfloat16")
FIRST_SCALE, SMALLEST_SCALE, LARGEST_SCALE = 2.0**16, 2.0**-24, 2.0**24
GOOD_STEPS = 2000
BAD_STEPS = 50  # in a row, enough for the largest scale to fall to its floor
LOOK_EVERY = 64  # steps, on a device where reading a value waits


class Gradients(dict[str, Array]):
    """Gradients by name, and whether all are finite: a step is to be left out if one has overflowed.

    ``finite`` is a 0-d boolean on their device. Gradients that are made from others, such as clipped ones, keep it by
    ``changed``. If each of several processes has a part of the values, ``across`` adds numbers over all parts, and
    finds the largest.
    """

    def __init__(self, gradients: Mapping[str, Array], finite: Array | None, across: Any = None) -> None:
        super().__init__(gradients)
        self.finite = finite
        self.across = across


def changed(grads: Mapping[str, Array], made: dict[str, Array]) -> dict[str, Array]:
    """Return a dict made from gradients as Gradients too, with their ``finite`` and ``across``."""
    return Gradients(made, grads.finite, grads.across) if isinstance(grads, Gradients) else made


class LowPrecision(Movable):
    """Gradients computed in low precision for weights of high precision, ``dW = (∂ s L / ∂W₁₆) / s``.

    s is ``loss_scale``: None for no scale, a number, or an array that adapts: it halves after a gradient that is not
    finite, and doubles after 2000 steps with finite ones, which ``good_steps`` counts. It stays on the device.
    ``bad_steps`` counts the latest steps in a row with a gradient that was not finite. After 50 of them, or with the
    scale at its minimum, no scale will help.

    Raises: as ``Network.compute_in``; ``DivergenceError`` from ``backward`` where no scale helps, at once where that
    can be seen without stalling a device, elsewhere within 64 steps.
    Source: Micikevicius et al., 2018, "Mixed precision training", section 3.
    """

    def __init__(self, network: Any, dtype: str, loss_scale: float | str | None) -> None:
        who = f"{type(network).__name__}.compute_in"
        W = check_masters(who, network)
        check_dtype(who, dtype, W)
        self.dtype = dtype
        self.good_steps: Any = None
        self.bad_steps: Any = 0
        self.finite: Any = None
        self.hopeless: Any = False
        self.unseen = 0
        self.loss_scale: Any = loss_scale
        if loss_scale == "dynamic" or (loss_scale is None and dtype == "float16"):
            xp = array_namespace(W)
            self.loss_scale = xp.full((), FIRST_SCALE, dtype=xp.float32, device=device_of(W))
            self.good_steps = xp.zeros_like(self.loss_scale)
        elif loss_scale is not None and not (is_number(loss_scale) and 0.0 < loss_scale < inf):
            must = 'loss_scale must be above 0 and finite, "dynamic" or None'
            raise ArgumentError(who, must, repr(loss_scale), "leave it out for the default of the dtype")
        elif loss_scale is not None:
            self.loss_scale = float(loss_scale)  # a NumPy number would promote the gradients

    def forward(self, network: Any, x: Any, run: Callable[[Any], Any]) -> Any:
        """Return the scores in the dtype of the weights, computed in ``dtype`` by ``run``."""
        W = next(iter(network.params.values()))
        self.low = {name: self._cast(array) for name, array in network.params.items()}
        with network.using(self.low):
            y = run(self._cast(x))
        return array_namespace(y).astype(y, W.dtype)

    def backward(self, network: Any, dout: Any, run: Callable[[Any], Any], across: Across | None = None) -> None:
        """Assign each layer its gradients in the dtype of its weights, or zeros if a scaled one is not finite.

        If other processes have other rows, a gradient that is not finite on any of them counts.
        """
        scale = 1.0 if self.loss_scale is None else self.loss_scale
        with np.errstate(over="ignore", invalid="ignore"), network.using(self.low):
            run(self._cast(dout * scale))
        params = network.params
        xp = array_namespace(dout)

        def unscaled(name: str, gradient: Any) -> Any:
            of_loss = params.place(name)[0] is network.last_layer  # computed before the loss was scaled
            return on_values(gradient, lambda d: xp.astype(d, params[name].dtype) / (1.0 if of_loss else scale))

        gradients = {name: unscaled(name, d) for name, d in network.grads.items()}
        if self.loss_scale is not None and gradients:
            finite = xp.all(xp.stack([xp.all(xp.isfinite(values_of(d))) for d in gradients.values()]))
            self.finite = finite = finite if across is None else across.agree(finite)
            gradients = {
                name: on_values(d, lambda d: xp.where(finite, d, xp.zeros_like(d))) for name, d in gradients.items()
            }
            floor = self.good_steps is not None and self.loss_scale <= SMALLEST_SCALE
            if self.good_steps is not None:
                self._adapt(finite)
            if capturing.current is None:
                self._look(finite, floor)
        for name, gradient in gradients.items():
            layer, attribute = params.place(name)
            setattr(layer, "d" + attribute, gradient)

    def _adapt(self, finite: Array) -> None:
        if capturing.current is not None:
            must, remedy = "a step must not adapt a loss scale", "give a number, or compute in float32 or bfloat16"
            raise StateError(capturing.WHO, must, 'loss_scale="dynamic"', remedy)
        xp, scale = array_namespace(finite), self.loss_scale
        zero = xp.zeros_like(scale)
        good = xp.where(finite, self.good_steps + 1.0, zero)
        full = good >= GOOD_STEPS
        larger, smaller = xp.minimum(2.0 * scale, zero + LARGEST_SCALE), xp.maximum(0.5 * scale, zero + SMALLEST_SCALE)
        self.loss_scale = xp.where(full, larger, xp.where(finite, scale, smaller))
        self.good_steps = xp.where(full, zero, good)

    def changes(self, destination: Destination) -> list[Change]:
        if destination.backend is not None:
            check_dtype("compute_in", self.dtype, destination.backend.asarray(np.ones(1)))
        return destination.changes(vars(self), leave=("low",))  # the casts of the last forward

    def _look(self, finite: Array, floor: Any) -> None:
        """Raise DivergenceError if a gradient has overflowed too often, or at the smallest scale."""
        xp = array_namespace(finite)
        one = xp.ones((), dtype=xp.float32, device=device_of(finite))
        self.bad_steps = xp.where(finite, 0.0 * one, self.bad_steps + one)
        hopeless = xp.logical_not(finite) & ((self.bad_steps >= BAD_STEPS) | floor)
        self.hopeless = hopeless if self.unseen == 0 else hopeless | self.hopeless
        self.unseen += 1
        if library_of(xp).readable(finite) or self.unseen >= LOOK_EVERY:
            self.unseen = 0
            if bool(self.hopeless):
                must, got = "a loss scale must exist at which gradients are finite", f"none down to {self._lowest()}"
                remedy = "look for NaN in the data, for values beyond the range of float16, or compute in bfloat16"
                raise DivergenceError("compute_in", must, got, remedy)

    def _lowest(self) -> str:
        return f"{float(self.loss_scale):.3g}"

    @property
    def places(self) -> dict[str, tuple[Any, str]]:
        """The places of the state that lasts from step to step."""
        names = () if self.good_steps is None else ("loss_scale", "good_steps")
        return {f"precision/{name}": (self, name) for name in names}

    def home_of(self, _: str) -> dict[str, Any]:
        """Return the dict that holds an attribute, for a capture."""
        return vars(self)

    def _cast(self, value: Any) -> Any:
        if type(value) is tuple:
            return tuple(map(self._cast, value))
        if not is_array(value) or dtype_kind(value) != "real":
            return value
        xp = array_namespace(value)
        return xp.astype(value, getattr(xp, self.dtype))

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "low"} | {
            "finite": None,
            "hopeless": False,
            "unseen": 0,
        }


_NOT_REAL: set[tuple[type, Any]] = set()  # types of arrays with dtypes that are not real, such as those of labels


def cast_like(like: Any, value: Any) -> Any:
    """Return floating values in the dtype of others of their library; return anything else unchanged."""
    dtype = getattr(value, "dtype", None)
    if dtype is getattr(like, "dtype", None) or (type(value), dtype) in _NOT_REAL:
        return value
    if dtype is not None and not hasattr(type(value), "differentiates") and dtype_kind(value) != "real":
        _NOT_REAL.add((type(value), dtype))
    if type(value) is tuple:
        return tuple([cast_like(like, each) for each in value])
    if not is_array(value) or dtype_kind(value) != "real" or not is_array(like) or dtype_kind(like) != "real":
        return value
    xp = array_namespace(value)
    if library_name(xp) != library_name(array_namespace(like)):
        return value
    return xp.astype(value, like.dtype, copy=False)


def check_masters(who: str, network: Any) -> Array:
    """Return the first parameter, after a check that all are master weights of high precision.

    Raises: ``DtypeError``.
    """
    for name, W in network.params.items():
        if dtype_name(W.dtype) in DTYPES:
            remedy = "make the network in float32: its own parameters are the master weights"
            raise DtypeError(who, f"{name} must be float32 or float64", dtype_name(W.dtype), remedy)
    first: Array | None = next(iter(network.params.values()), None)
    if first is None:
        raise ArgumentError(who, "the network must have parameters", "none", "leave it as it is")
    return first


def check_dtype(who: str, dtype: str, W: Array) -> None:
    """Raise unless the library of W has the dtype and its device can multiply in it.

    Raises: ``ArgumentError``, ``BackendError``.
    """
    xp = array_namespace(W)
    library = library_of(xp)
    there = [name for name in DTYPES if hasattr(xp, name) and name not in library.unfit]
    if dtype not in there:
        must = f"dtype must be {' or '.join(DTYPES)}, of which {library.name} has {' and '.join(there) or 'none'}"
        got = repr(dtype) + (f" ({library.unfit[dtype]})" if dtype in library.unfit else "")
        raise ArgumentError(who, must, got, "choose another, or stay in float32")
    try:
        one = backend_of(W, dtype).asarray(np.ones((2, 2)))
        one @ one
    except Exception as error:
        must = f"{dtype} products must work on {device_of(W)}"
        raise BackendError(who, must, error, "choose another dtype or device") from error

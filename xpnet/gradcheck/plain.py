"""The targets of a plain network, whose loss reads its parameters in place."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from typing import Any

from xpnet.backend import backend_of, dtype_kind, to_numpy
from xpnet.errors import DtypeError, NameUnknownError
from xpnet.gradcheck.subjects import Target, accumulation, on_host, written_to
from xpnet.layers.plain import same_numbers
from xpnet.typing import Array

WHO = "gradient_check"


def plain_network_targets(network: Any, x: Any, t: Any) -> list[Target]:
    """Return a target for each of a plain network's ``params``, which are changed in place and restored.

    It runs on a copy of the network, and numbers drawn from NumPy's global generator are the same in each call.
    """
    network, seeded = copy.deepcopy(network), same_numbers()
    before = {"x": to_numpy(x).copy(), "t": to_numpy(t).copy()}
    loss = seeded(trained_loss(network))
    gradient = seeded(network.gradient)
    first = {name: on_host(d) for name, d in gradient(x, t).items()}
    again = {name: on_host(d) for name, d in gradient(x, t).items()}
    written = written_to(before, {"x": x, "t": t})
    unknown = sorted(map(str, first.keys() - network.params.keys()))
    if unknown:
        must, remedy = "gradient(x, t) must have the names of params", "name each gradient after its parameter"
        raise NameUnknownError(WHO, must, ", ".join(unknown), remedy)
    targets = []
    for name, W in network.params.items():
        if dtype_kind(W) != "real":
            raise DtypeError(WHO, f"{name} must be a floating array", W.dtype, "make it an array of floats")

        def loss_at(array: Array, name: str = name) -> Any:
            live: Any = network.params[name]
            value = to_numpy(live).copy()
            try:
                write(name, live, array)
                return loss(x, t)
            finally:
                write(name, live, backend_of(live).asarray(value))

        at = backend_of(W).asarray(to_numpy(W).copy())
        analytic, second = first.get(name), again.get(name)
        causes = [*written, *accumulation(analytic, second, 2.0)]
        targets.append(Target(name, at, loss_at, analytic, batch=x.shape[0], causes=causes))
    return targets


def trained_loss(network: Any) -> Callable[[Any, Any], Any]:
    """Return the loss that ``gradient`` differentiates: with the book's flag, ``train_flg=True``."""
    if "train_flg" in inspect.signature(network.loss).parameters:
        return lambda x, t: network.loss(x, t, train_flg=True)
    loss: Callable[[Any, Any], Any] = network.loss
    return loss


def write(name: str, live: Any, array: Array) -> None:
    """Write into an array that the layers of the network may hold.

    Raises: ``DtypeError`` where it cannot be written to.
    """
    try:
        live[...] = array
    except (TypeError, ValueError) as error:
        got = f"{type(live).__module__}.{type(live).__name__}: {error}"
        must, remedy = f"{name} must be an array that can be written to", "derive the class from xpnet.networks.Network"
        raise DtypeError(WHO, must, got, remedy) from error

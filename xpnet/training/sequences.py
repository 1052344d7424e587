"""Layers whose state continues from batch to batch: it is reset for each epoch and each measurement."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from xpnet.errors import ArgumentError
from xpnet.layers.base import leaves
from xpnet.layers.recurrence import Recurrent
from xpnet.networks import Network


def going_on(network: Network) -> dict[str, Recurrent]:
    """Return the layers inside whose state continues, by their paths."""
    found = {name: layer for name, layer in leaves(network).items() if isinstance(layer, Recurrent)}
    return {name: layer for name, layer in found.items() if layer.stateful}


def refuse_shuffled(who: str, network: Network, shuffle: bool) -> None:
    """Raise ArgumentError if batches in random order would be taken for parts of one sequence."""
    if shuffle and (names := going_on(network)):
        must = f"batches must come in order, because the state of {', '.join(names)} continues from one to the next"
        raise ArgumentError(who, must, "shuffled batches", "give shuffle=False, or make the layers with stateful=False")


def reset(network: Network) -> None:
    """Reset the state of all these layers to zeros."""
    for layer in going_on(network).values():
        layer.reset_state()


@contextmanager
def started_anew(network: Network) -> Iterator[None]:
    """Enter a context in which these layers start from zeros; their state is restored at its end."""
    layers = going_on(network).values()
    before = [(layer, name, getattr(layer, name)) for layer in layers for name in layer.state]
    reset(network)
    try:
        yield
    finally:
        for layer, name, value in before:
            setattr(layer, name, value)

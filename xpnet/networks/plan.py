"""Plan: the bodies that the layers of a network run as on a library, chosen once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from operator import is_not
from typing import Any

from xpnet.layers.bodies import LONGEST, Body, body_for, libraries_for
from xpnet.layers.container import Container, layers_without_dx
from xpnet.layers.stage import ContainerStage, InferenceStage, Stage
from xpnet.networks.across import Across, TellingStage
from xpnet.typesetting import aligned, as_html

REMEMBERED = 8  # signatures that a door knows


class Door:
    """The entry of a plan, which checks only arrays unlike those that have passed before.

    Training and inference have one each, so that they may run in two threads.
    """

    def __init__(self, stages: list[Any]) -> None:
        self.stages = stages
        self.passed: list[Any] = []
        self.signature: Any = None
        self.checked = False

    def enter(self, arrays: tuple[Any, ...], parameters: Any) -> None:
        """Let the stages check their inputs, unless arrays and parameters like these have passed."""
        like = [(type(a), a.shape, a.dtype, a.device) for a in arrays if hasattr(a, "device")]
        self.signature = (like, parameters)
        unseen = self.signature not in self.passed
        if unseen or self.checked:
            self._check(unseen)

    def leave(self) -> None:
        """Remember the arrays that entered as passed."""
        if self.checked:
            self.passed = [*self.passed[1 - REMEMBERED :], self.signature]

    def _check(self, checked: bool) -> None:
        self.checked = checked
        for stage in self.stages:
            stage.checked = checked


class Plan:
    """The bodies and equations that a network runs on a library; ``print(net.plan())`` shows them.

    ``training`` and ``inference`` are the network's containers over stages in place of layers, with unchanged code;
    ``loss`` is the stage of the loss. ``runs`` is True if any stage has a faster body. ``across`` is told when
    gradients are final.
    """

    def __init__(self, network: Any, libraries: tuple[str, ...], across: Across | None = None) -> None:
        self.libraries = libraries
        self.across = across
        self.layers = network.layers
        self.stages: list[Stage] = []
        self.rows: list[tuple[str, str]] = []
        self.containers: list[tuple[Any, Any]] = []
        self.watched: list[tuple[Any, str, Any]] = []
        spare = {id(layer) for layer in layers_without_dx(network)}
        self.training: Any = self._over(network, spare, "")
        self.last_layer = network.last_layer
        self.loss = None if self.last_layer is None else self._stage([self.last_layer], set(), "loss")
        self.inference_stages: list[InferenceStage] = []
        self.inference: Any = self._in_inference(self.training)
        self.trained, self.inferred = Door(self.stages), Door(self.inference_stages)
        self.places = list(network.params.places.values())
        self.owners = list({id(layer): layer for layer, _ in self.places}.values())
        self.frozen = [layer.frozen for layer in self.owners]
        self.arrays: list[Any] = []
        self.kinds: list[Any] = []
        self.home = False
        self.runs = any(stage.kind for stage in self.stages)

    def _watch(self, kind: type[Body] | None, layers: list[Any]) -> None:
        """Note the methods that a body replaces."""
        if kind is not None:
            for layer, methods in zip(layers, kind.watched, strict=True):
                self.watched += [(layer, name, method) for name, method in methods]

    def _over(self, container: Container, spare: set[int], path: str) -> Any:
        """Return a copy of a container over stages, and over such copies of the containers in it."""
        kind = body_for((container,), self.libraries)
        if kind is not None:
            self.rows.append((path, what(kind)))
            self._watch(kind, [container])
        if path:
            self.containers.append((container, container.layers))
        made: dict[str, Any] = {}
        rows = container.rows_of_names()
        in_rows = {name for row in rows for name in row}
        for row in [*rows, *[[name] for name in container.layers if name not in in_rows]]:
            while row:
                taken = self._taken([container.layers[name] for name in row])
                names, row = row[:taken], row[taken:]
                layers = [container.layers[name] for name in names]
                key = "+".join(names)
                where = f"{path}.{key}" if path else key
                inner: Any = layers[0]
                if (
                    inner.is_container
                    and inner.runs_by_plan
                    and not (inner.has_own("forward") or inner.has_own("backward"))
                ):
                    made[key] = self._over(inner, spare, where)
                else:
                    made[key] = self._stage(layers, spare, where)
        inside = container.with_layers(made, needs_dx=id(container) not in spare)
        return inside if kind is None else ContainerStage(inside, kind)

    def _taken(self, layers: list[Any]) -> int:
        """Return how many of the first layers run as one."""
        for count in range(min(LONGEST, len(layers)), 1, -1):
            if body_for(layers[:count], self.libraries):
                return count
        return 1

    def _stage(self, layers: list[Any], spare: set[int], where: str) -> Stage:
        kind = body_for(layers, self.libraries)
        made = Stage if self.across is None else partial(TellingStage, self.across)
        stage = made(tuple(layers), kind, needs_dx=id(layers[0]) not in spare)
        self.stages.append(stage)
        self.rows.append((where, what(kind)))
        self._watch(kind, layers)
        return stage

    def _in_inference(self, container: Any) -> Any:
        made: dict[str, Any] = {}
        for name, inner in container.layers.items():
            if inner.is_container:
                made[name] = self._in_inference(inner)
            else:
                made[name] = InferenceStage(inner)
                self.inference_stages.append(made[name])
        copy = container.with_layers(made, container.needs_dx)
        copy.in_inference = True
        return copy

    def holds(self, network: Any) -> bool:
        """Return whether layers, methods and frozen layers are still those for which the plan was made."""
        if network.last_layer is not self.last_layer or network.layers is not self.layers:
            return False
        if [layer.frozen for layer in self.owners] != self.frozen:
            return False
        for container, layers in self.containers:
            if container.layers is not layers:
                return False
        for layer, name, method in self.watched:  # noqa: SIM110 (a generator takes twice as long)
            if getattr(getattr(layer, name), "__func__", None) is not method:
                return False
        return True

    def at_home(self) -> bool:
        """Return whether all parameters are plain arrays of the library, and note their kinds."""
        arrays = [getattr(layer, name) for layer, name in self.places]
        if any(map(is_not, arrays, self.arrays)) or len(arrays) != len(self.arrays):
            self.home = all(libraries_for(type(array)) == self.libraries for array in arrays)
            self.kinds = [(type(a), a.shape, a.dtype, a.device) for a in arrays] if self.home else []
            self.arrays = arrays
        return self.home

    def predict(self, x: Any) -> Any:
        """Return the scores of a batch in inference."""
        given = x if type(x) is tuple else (x,)
        self.inferred.enter(given, self.kinds)
        y = self.inference.forward(*given)
        self.inferred.leave()
        return y

    def forward(self, x: Any, *others: Any) -> Any:
        """Return the scores of a batch in training; ``others`` are the targets and weights for the loss."""
        given = x if type(x) is tuple else (x,)
        self.trained.enter((*given, *others), self.kinds)
        return self.training.forward(*given)

    def __repr__(self) -> str:
        return "\n".join(aligned(self.rows))

    def _repr_html_(self) -> str:
        return as_html("Plan", [("layers", "run as"), *self.rows])


def what(kind: type[Body] | None) -> str:
    """Return the name of the body for a row of the plan."""
    return "its equations" if kind is None else f"{kind.__module__[11:]}.{kind.__name__}"


class Unplanned:
    """A network that runs its own methods, and the reason."""

    def __init__(self, who: str, why: str) -> None:
        self.who, self.why = who, why

    def __repr__(self) -> str:
        return f"{self.who} runs as it reads: {self.why}"


PLANNED = ("loss", "compute_scores", "grads")
"""The methods of a network, besides forward and backward, that a plan replaces unless a subclass overrides them."""


def own_way(network: Any, own: Mapping[str, Any], written: Mapping[str, Any]) -> str:
    """Return the reason that no plan may replace the network's methods, given those of the base, or "" if one may.

    ``own`` are the attributes of the network itself.
    """
    kind = type(network)
    if not network.runs_by_plan or "forward" in own or "backward" in own:
        return "it has a forward or backward of its own"
    for name, method in written.items():
        if getattr(kind, name) is not method or name in own:
            return f"it has a {name} of its own"
    return ""

"""The base of every network: predict, loss, accuracy, gradient; its parameters are named arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

from xpnet import capturing
from xpnet.autodiff import Variable
from xpnet.backend.several import first_of
from xpnet.errors import ArgumentError, DtypeError, StateError
from xpnet.gradcheck import network_gradient
from xpnet.initializers import check_size
from xpnet.layers import Layer
from xpnet.layers.bodies import is_plain, libraries_for
from xpnet.layers.container import without_dx
from xpnet.layers.named import NamedArrays, NamedStates
from xpnet.networks.answering import Answering
from xpnet.networks.given import check_flag, in_parts, run
from xpnet.networks.low_precision import Gradients, LowPrecision, cast_like
from xpnet.networks.measures import Metric, measure_for, own_measure
from xpnet.networks.plan import PLANNED, Plan, Unplanned, own_way
from xpnet.networks.summary import count as count
from xpnet.networks.summary import table_for, table_of, table_rows
from xpnet.typesetting import as_html
from xpnet.typing import Array


class Network(Answering):
    """Layers one after another and a loss, ``L = loss(layerₙ(… layer₁(x)), t)``, or another graph of them.

    It has no parameters, state or cache of its own: it passes values on to its layers.

    ``layers`` maps names to layers, ``last_layer`` is the loss (None in a network that is part of another). The arrays
    of a loss that has some, such as ``NegativeSamplingLoss``, are named ``loss.W``.
    ``forward`` trains, ``predict`` infers. A subclass with its own ``forward`` needs no backward, which comes from the
    tape. Its layers may be called many times, and so share their weights: one layer, one name, and a gradient that is
    the sum over the calls.

    Raises: ``DtypeError`` for anything but a layer; ``ArgumentError`` as ``Sequential``.

    >>> class Shared(Network):
    ...     def __init__(self):
    ...         super().__init__({"affine": Affine.create(2, 2)}, loss=MeanSquaredError())
    ...
    ...     def forward(self, x):
    ...         affine = self.layers["affine"]
    ...         return affine(affine(x))  # the same weights twice
    >>> net, x = Shared(), np.eye(2, dtype="float32")
    >>> xn.gradient_check(net, x, x).ok, list(net.gradient(x, x))
    (True, ['affine.W', 'affine.b'])
    """

    last_layer: Layer | None = None
    precision: LowPrecision | None = None
    _stepping = False

    def __init__(self, *layers: Layer | Mapping[str, Layer], loss: Layer | None = None) -> None:
        super().__init__(*layers)
        who, kind = type(self).__name__, type(loss).__name__
        if loss is not None and not isinstance(loss, Layer):
            raise DtypeError(who, "loss must be a layer", kind, "give an instance of Layer")
        needed = [] if loss is None else [name for name in loss.inputs if name not in loss.optional]
        if loss is not None and len(needed) < 2:
            must, got = "loss must compare scores with targets, forward(x, t)", f"{kind} of {', '.join(needed)}"
            raise ArgumentError(who, must, got, "try SoftmaxWithLoss()")
        self.last_layer = loss

    def predict(self, x: Any, batch_size: int = 1024) -> Any:
        """Return the scores of any number of rows, computed ``batch_size`` rows at a time.

        x may be a tuple of the arguments of ``forward``, each with a row for a sample, or None.

        Shapes: ``x (N, ...)``, result ``(N, K)``.
        Raises: ``ArgumentError`` for a batch size below 1.
        """
        check_size(type(self).__name__, "batch_size", batch_size)
        self._register()
        return in_parts(self.inference_of(x), x, batch_size)

    def inference_of(self, x: Any) -> Callable[[Any], Any]:
        """Return the function that computes the scores of some rows in inference."""
        plan = self._plan_for(x)
        if plan is None:
            return self.inferring().compute_scores
        W = next(iter(self.params.values()))
        precision = self.precision
        if precision is None:
            return lambda rows: plan.predict(cast_like(W, rows))

        def predict(low: Any) -> Any:
            plan.at_home()  # the parameters are casts now
            return plan.predict(low)

        return lambda rows: precision.forward(self, rows, predict)

    def plan(self) -> Plan | Unplanned:
        """Return the plan for training and inference, ``print(net.plan())``, on the library of the parameters.

        Layers in a row for which the library has a faster body run as that body; values that it does not support, and
        all other layers, run by their equations, and so does everything ``with xn.plain():``. Layers that are called
        outside of a network run by their equations, and by bodies as nodes of a graph.
        """
        W = next(iter(self.params.values()), None)
        why = own_way(self, vars(self), WRITTEN)
        return Unplanned(type(self).__name__, why) if why else self._planned(libraries_for(type(W)))

    def _planned(self, libraries: tuple[str, ...]) -> Plan:
        plan = getattr(self, "_plan", None)
        if plan is None or plan.libraries != libraries or not plan.holds(self):
            plan = self._plan = Plan(self, libraries, getattr(self, "_shared", None))
        return plan

    def _plan_for(self, x: Any) -> Plan | None:
        """Return the plan that runs for arrays like x, or None to run the equations."""
        libraries = libraries_for(type(first_of(x)))
        if not libraries or is_plain() or own_way(self, vars(self), WRITTEN):
            return None
        plan = self._planned(libraries)
        return plan if plan.runs and plan.at_home() else None

    @contextmanager
    def _training_step(self) -> Iterator[None]:
        """Let ``loss`` change the state within this context."""
        self._stepping = True
        try:
            yield
        finally:
            del self._stepping

    def _loss_layer(self) -> Layer:
        if self.last_layer is None:
            raise StateError(type(self).__name__, "a loss layer must end it", "none", "build it with loss=…")
        return self.last_layer

    def loss(self, x: Any, t: Any, predict: bool = False, weights: Any = None) -> Array:
        """Return the loss on a batch, as trained, which is what ``gradient`` differentiates, or as ``predict`` sees it.

        x may be a tuple of the arguments of ``forward``, such as padded sequences and their mask, ``((x, mask), t)``.
        The loss itself changes no state: running statistics, and the steps that name the masks of dropout, change only
        in a training step, which is ``gradient``, a loss in Variables, or the ``backward`` of the loss layer after
        this. ``weights`` are those of the samples, for the loss layer (see ``Loss``).
        """
        last = self._loss_layer()
        check_flag(type(self).__name__, predict)
        self._register()
        before = None if predict or self._steps_now() else dict(self.states)
        y = self.predict(x) if predict else self.compute_scores(x)
        targets = [cast_like(y, array) for array in ((t,) if weights is None else (t, weights))]
        loss: Array = last.predict(y, *targets) if predict else last(y, *targets)
        if before:
            move_on, call = self.states.go_back(before), last.last_call
            if call is not None:  # the backward of the loss layer makes this a training step
                call.then = move_on
        return self.penalized(loss)

    def penalized(self, loss: Array) -> Array:
        """Return the loss plus the terms that a network adds to it; none here."""
        return loss

    def _steps_now(self) -> bool:
        """Return whether this is a training step: by ``gradient``, or because parameters are Variables."""
        return self._stepping or any(type(W) is Variable for W in self.params.values())

    def _register(self) -> None:
        """Register the arrays that a replay computes with, if a capture is running."""
        if capturing.current is not None:
            for arrays in (self.params, self.states):
                for name in arrays:
                    arrays.register(capturing.current, name)

    def compute_scores(self, x: Any) -> Any:
        """Return the scores of a batch as ``forward`` computes them, in the precision of the network."""
        if self.precision is not None:
            return self.precision.forward(self, x, lambda low: run(self.forward, low))
        W = next(iter(self.params.values()), None)
        return run(self.forward, cast_like(W, x))

    def accuracy(self, x: Any, t: Any, batch_size: int | None = None) -> float:
        """Return the share of rows whose highest score is at the label, ``Σₙ [argmax y = t] / N``.

        Under ``SigmoidWithLoss`` it is the share of scores that are above 0 exactly where t is 1, over rows and labels.
        Rows whose label is the ``ignore_index`` of the loss are left out, also of N; if all are ignored, it is NaN. A
        NaN among scores is wrong. ``batch_size`` is that of ``predict``. ``measure`` takes another metric.

        Shapes: ``t (N,)`` class indices or ``(N, K)`` one-hot; under ``SigmoidWithLoss`` as the scores.
        Raises: ``ArgumentError`` for numbers as targets, which are not right or wrong, and for a single class;
        ``ShapeError``, ``DtypeError`` for targets that do not fit.
        """
        return self.measure(x, t, batch_size=batch_size)

    def measure(self, x: Any, t: Any, metric: Metric | None = None, batch_size: int | None = None) -> float:
        """Return ``metric(y, t)`` for the scores of ``predict``; without a metric, the measure of ``accuracy``.

        Raises: ``DtypeError`` for a metric that is not a function, or does not return a number; as ``accuracy``.
        """
        who = type(self).__name__
        own = None if metric is None else own_measure(who, metric)
        y = self.predict(x) if batch_size is None else self.predict(x, batch_size)
        measured: float = (own or measure_for(who, self.last_layer, y, t)).of(y, t)
        return measured

    def gradient(self, x: Any, t: Any, weights: Any = None) -> dict[str, Array]:
        """Return the gradient of ``loss(x, t, weights=weights)`` by backpropagation, name -> array."""
        return self.loss_and_gradient(x, t, weights)[1]

    def loss_and_gradient(self, x: Any, t: Any, weights: Any = None) -> tuple[Array, dict[str, Array]]:
        """Return the loss on a batch and its gradient, from one forward and one backward."""
        last = self._loss_layer()
        plan = self._plan_for(x)
        if plan is not None:
            return self._by_plan(plan, x, t, weights)
        with without_dx(self), self._training_step():
            loss = self.loss(x, t) if weights is None else self.loss(x, t, weights=weights)
            loss = self.pulled(loss, last, self.backward)
        return loss, self.grads

    def _by_plan(self, plan: Plan, x: Any, t: Any, weights: Any) -> tuple[Array, dict[str, Array]]:
        last: Any = plan.loss
        if capturing.current is not None:
            self._register()
        given = (t,) if weights is None else (t, weights)
        if self.precision is None:
            y = plan.forward(cast_like(plan.arrays[0], x) if plan.arrays else x, *given)
        else:

            def forward(low: Any) -> Any:
                plan.at_home()  # the parameters are casts now
                return plan.forward(low, *given)

            y = self.precision.forward(self, x, forward)
        loss: Array = last(y, *[cast_like(y, array) for array in given])
        loss = self.pulled(loss, last, plan.training.backward)
        plan.trained.leave()
        return self.penalized(loss), self.grads

    def compute_in(self, dtype: str, loss_scale: float | str | None = None) -> Self:
        """Compute ``predict``, ``loss`` and ``gradient`` in ``"float16"`` or ``"bfloat16"`` from now on; return self.

        ``params`` do not change, they are the master weights: optimizers, files and plots see float32, and so do
        ``astype`` and the checks of gradients. Forward and backward run on casts of them and of a floating x. The loss
        is computed in float32, because the sums of a softmax or a mean overflow in float16; so are the statistics of
        normalizations. ``dtype="float32"`` ends it.

        Float16 rounds gradients below 3e-8 to 0, so ``loss_scale`` multiplies the loss before the backward, and the
        gradients are divided by it: a number, or ``"dynamic"``, which starts at 2¹⁶, halves after a gradient that is
        not finite, doubles after 2000 steps with finite ones, and is saved with the state. All gradients of a step with
        one that is not finite become 0, and ``grads.finite`` tells the optimizers, which skip the step; after 50 such
        steps in a row, or one at the smallest scale, ``gradient`` raises. On a device this is checked every 64 steps,
        and nothing else is read on the host. None is the default of the dtype: ``"dynamic"``, or no scale for bfloat16.

        Raises: ``ArgumentError`` for a dtype that the library lacks or a loss scale that is not above 0;
        ``BackendError`` where the device cannot multiply in it; ``DtypeError`` for parameters of low precision;
        ``gradient`` then ``DivergenceError`` where no loss scale makes gradients finite.
        Source: Micikevicius et al., 2018, "Mixed precision training", section 3.
        """
        self.precision = None if dtype == "float32" else LowPrecision(self, dtype, loss_scale)
        return self

    @property
    def grads(self) -> dict[str, Array]:
        """The gradients from the last ``backward``, name -> array."""
        finite = None if self.precision is None else self.precision.finite
        gradients = self.params.gradients()
        return gradients if finite is None else Gradients(gradients, finite)

    def _places(self, named: Callable[[Layer], NamedArrays]) -> dict[str, tuple[Layer, str]]:
        found = super()._places(named)
        if self.last_layer is not None:
            found |= {f"loss.{name}": place for name, place in named(self.last_layer).places.items()}
        return found

    @property
    def states(self) -> NamedStates:
        """The live state of the layers that lasts but is not trained, name -> value, and that of a low precision."""
        own = {} if self.precision is None else self.precision.places
        return NamedStates({**super().states.places, **own})

    def numerical_gradient(self, x: Any, t: Any) -> dict[str, Array]:
        """Return the gradient by numerical differentiation in float64, name -> array: slow, and right by definition."""
        return network_gradient(self, x, t)

    def astype(self, dtype: Any) -> Self:
        copy = super().astype(dtype)
        copy.precision = None
        copy.last_layer = None if self.last_layer is None else self.last_layer.astype(dtype)
        return copy

    def summary(self, x: Any = None) -> str:
        """Return a table of the layers with the shapes and numbers of their parameters; inner layers are indented.

        With a batch x, it shows each layer's output shape, parameters, memory of the output and multiply-adds.

        Raises: ``DtypeError`` for an x that is not an array.
        """
        return table_of(self) if x is None else table_for(self, x)

    def _repr_html_(self) -> str:
        return as_html(type(self).__name__, table_rows(self), right=1)

    def _inside(self) -> list[str]:
        return [*super()._inside(), *([] if self.last_layer is None else [f"loss={self.last_layer!r}"])]


WRITTEN = {name: getattr(Network, name) for name in PLANNED}

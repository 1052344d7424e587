"""Optimizer: updates of named parameters by named gradients; its options, groups and state."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from numbers import Real
from typing import Any, TypeAlias

from xpnet import capturing
from xpnet.backend import array_namespace, device_of, is_array, library_of
from xpnet.backend.halves import widened
from xpnet.backend.moving import Movable
from xpnet.errors import ArgumentError, DtypeError, StateError
from xpnet.layers.named import NamedArrays
from xpnet.layers.row_gradient import RowGradient
from xpnet.optimizers.clipping import check_gradients
from xpnet.optimizers.fitting import check_names, fitting
from xpnet.optimizers.groups import Groups, Options, check_groups, checked_options, options_by_name
from xpnet.optimizers.state import check_slot, copied, names_in_state
from xpnet.optimizers.steps import moved, moved_if, moved_rows
from xpnet.typing import Array

Rate: TypeAlias = float | Callable[[int], float]
"""A learning rate, or a schedule: the rate as a function of the updates done, from 0."""


class Optimizer(Movable):
    """The base of all optimizers, ``W, *slots ← step(W, dW, *slots, *numbers)`` for every parameter.

    A subclass names the arrays that it keeps for each parameter in ``slots``, gives its options to
    ``super().__init__``, lr first, and writes its formula as ``step``, which returns the new W, or the new W and slots
    if there are any. The slots of 16-bit parameters are float32, because squares and sums of gradients soon leave the
    range of float16. The numbers are the options in the given order, or the result of ``numbers``. Options are
    attributes too: ``optimizer.lr = 0.01`` holds from the next update on.

    ``lr`` is a number or a schedule, a function of the number of updates done, such as those of ``xpnet.schedules``.
    ``groups`` gives options to the parameters whose names match a pattern, ``{"*.b *.gamma": {"weight_decay": 0.0}}``
    (see ``options_by_name``). ``steps`` counts the updates, and ``skipped`` those of them that were left out.

    Of a table whose gradient is a ``RowGradient``, only its rows are updated, with their slots and all options, by the
    same formula: the others keep W and slots as they are. The numbers count all steps. That needs ``elementwise``.

    Raises: ``ArgumentError`` for options out of range.

    >>> class Signs(Optimizer):
    ...     def __init__(self, lr=0.01):
    ...         super().__init__(lr=lr)
    ...
    ...     def step(self, W, dW, lr):
    ...         return W - lr * np.sign(dW)
    >>> params = {"W": np.array([1.0, 1.0])}
    >>> Signs(lr=0.1).update(params, {"W": np.array([5.0, -0.001])})
    >>> params["W"]
    array([0.9, 1.1])
    """

    slots: tuple[str, ...] = ()
    live: int = 1
    """The number of leading numbers that change in every step."""
    elementwise: bool = False
    """Whether the formula treats every value by itself, and may be given pieces of the arrays."""
    takes_rows: bool = True
    """Whether a gradient of rows may move these rows alone, if the formula is elementwise."""
    step: Callable[..., Any]
    lr: Rate

    def __init__(self, groups: Groups | None = None, **options: Any) -> None:
        who = type(self).__name__
        self.options = tuple(options)
        for name, value in checked_options(who, self.options, options).items():
            setattr(self, name, value)
        check_groups(who, groups)
        self.groups: dict[Any, Options | None] = {
            pattern: None if own is None else checked_options(f"{who}, group {pattern!r}", self.options, own)
            for pattern, own in (groups or {}).items()
        }
        if any(hasattr((own or {}).get("lr"), "observe") for own in self.groups.values()):
            must = "the lr of a group must be a number or a function of the step alone"
            raise ArgumentError(who, must, "one that watches the loss", "give it to the optimizer as lr")
        self.steps = 0
        self.skipped: Any = 0
        self._given: dict[str, Any] = {}
        self._kept_slots: dict[str, list[Array]] = {}
        self._names: tuple[str, ...] | None = None
        self._own: dict[str, Options | None] = {}

    def update(self, params: MutableMapping[str, Array], grads: Mapping[str, Array]) -> None:
        """Update every parameter by one step, except those of frozen layers (see ``Layer.freeze``).

        On NumPy the arrays themselves are written to, so that all who hold them see the training; elsewhere params
        receive new arrays. A gradient of another floating dtype is cast to that of its parameter.

        If a gradient of a network in float16 has overflowed, ``grads.finite``, the step is skipped: parameters and
        slots do not change, and the step counts only for schedules. On a device this reads nothing on the host.

        Raises: ``NameUnknownError``, ``ShapeError``, ``DtypeError``, ``LibraryError`` for gradients that do not belong
        to the parameters, ``ArgumentError`` for a pattern that matches nothing; nothing is moved then.
        """
        moving = self._matched(params, grads)
        shared = self._checked_options()
        if capturing.current is not None:
            self._register(capturing.current, params, [name for name, *_ in moving])
        finite = getattr(grads, "finite", None)
        if finite is not None and self._leaves_out(finite):
            self.steps += 1
            return
        numbers: dict[Any, tuple[Any, ...]] = {}  # options and dtype -> numbers
        given = []
        for name, W, dW, own in moving:
            key = tuple(own.items()) if own else None, W.dtype
            if key not in numbers:
                numbers[key] = self._numbers_beside(W, own, shared)
            given.append((W, dW, *self._kept_slots.get(name, ()), *numbers[key]))
        self.steps += 1
        whole = [one for one in given if type(one[1]) is not RowGradient]
        found = iter(moved(self, whole) if finite is None else moved_if(self, finite, whole))
        results = [next(found) if type(one[1]) is not RowGradient else moved_rows(self, finite, *one) for one in given]
        for (name, W, *_), result in zip(moving, results, strict=True):
            if self.slots:
                new, *self._kept_slots[name][:] = result
            else:
                new = result
            if new is not W:
                params[name] = new

    def numbers(self, count: Any, **options: Any) -> tuple[Any, ...]:  # noqa: ARG002
        """Return the numbers that the formula takes after the arrays and slots, at a step counted from 1."""
        return tuple(options.values())

    def _numbers_beside(self, W: Array, own: Options | None, shared: dict[str, Any]) -> tuple[Any, ...]:
        """Return the numbers of this step for a parameter with its options; in a capture, the live ones are arrays."""
        now = self._numbers_after(self.steps, W, {**shared, **(own or {})})
        capture = capturing.current
        if capture is None:
            return now

        def live(steps: int) -> tuple[Any, ...]:
            return self._numbers_after(steps, W, self._options(own))[: self.live]

        return (*capture.numbers(vars(self), "steps", live, widened(W)), *now[self.live :])

    def _options(self, own: Options | None = None) -> dict[str, Any]:
        """Return the current options, overridden by those of a parameter."""
        return {**{name: getattr(self, name) for name in self.options}, **(own or {})}

    def _numbers_after(self, steps: int, W: Array, options: dict[str, Any]) -> tuple[Any, ...]:
        """Return the numbers of the step after that many updates."""
        if "lr" in options:
            options["lr"] = self._rate(options["lr"], steps)
        taken = steps + 1 - self.skipped
        if type(taken) is not int and is_array(taken):  # skipped steps are counted on the device
            xp = array_namespace(taken)
            taken = xp.astype(xp.maximum(taken, xp.ones_like(taken)), widened(W).dtype)
        return self.numbers(taken, **options)

    def _leaves_out(self, finite: Array) -> bool:
        """Return whether to skip a step, whose gradients may not be finite; on a device, the choice is made there."""
        if capturing.current is not None:
            who, must = type(self).__name__, "a captured step must have gradients that do not overflow"
            raise StateError(who, must, "those of a network in float16", "compute in float32 or bfloat16")
        xp = array_namespace(finite)
        if library_of(xp).readable(finite):
            self.skipped += 0 if finite else 1
            return not finite
        self.skipped = self.skipped + xp.astype(xp.logical_not(finite), xp.float32)
        return False

    @property
    def state(self) -> dict[str, Any]:
        """The live state that lasts from step to step: ``steps``, and for each parameter its slots, ``"W1.m"``.

        It has ``skipped`` if a step may have been skipped. A schedule with a memory, such as ``Plateau``, adds its
        numbers, ``"lr.best"``. Assigning copies.
        """
        numbers = {f"lr.{name}": value for name, value in getattr(self.lr, "state", {}).items()}
        arrays = {
            f"{name}.{slot}": array
            for name, held in self._kept_slots.items()
            for slot, array in zip(self.slots, held, strict=True)
        }
        skipped = {"skipped": self.skipped} if is_array(self.skipped) or self.skipped else {}
        return {"steps": self.steps, **skipped, **numbers, **arrays}

    @state.setter
    def state(self, state: Mapping[str, Any]) -> None:
        schedule = {f"lr.{name}" for name in getattr(self.lr, "state", ())}
        names = names_in_state(type(self).__name__, state, self.slots, schedule)
        self.steps, self.skipped = state["steps"], state.get("skipped", 0)
        if schedule:
            self.lr.state = {name[3:]: state[name] for name in schedule}  # type: ignore[union-attr]
        self._kept_slots = {name: [copied(state[f"{name}.{slot}"]) for slot in self.slots] for name in names}
        self._names = None

    def observe(self, loss: float) -> None:
        """Tell a schedule that watches the loss, such as ``Plateau``, the loss of an epoch."""
        if hasattr(self.lr, "observe"):
            self.lr.observe(loss)

    def _matched(
        self, params: MutableMapping[str, Array], grads: Mapping[str, Array]
    ) -> list[tuple[str, Array, Array, Options]]:
        """Return name, parameter, gradient and own options of every array to update, after the checks."""
        try:
            pairs = params.pairs() if type(params) is NamedArrays else list(params.items())
        except AttributeError:
            who, must = type(self).__name__, "params must map names to arrays"
            raise DtypeError(who, must, type(params).__name__, "give it net.params") from None
        names = tuple([name for name, _ in pairs])
        first = names != self._names
        if first:
            self._names = None
            self._own = options_by_name(type(self).__name__, self.groups, params)
        check_gradients(type(self).__name__, grads)
        frozen = params.frozen if type(params) is NamedArrays or isinstance(params, NamedArrays) else ()
        if first or tuple(grads) != names:
            unmoved = {name for name in names if self._own[name] is None or name in frozen}
            check_names(type(self).__name__, params, grads, unmoved)
        moving = []
        for name, W in pairs:
            own = self._own[name]
            if own is not None and name not in frozen:
                dW = grads[name]
                if first or getattr(dW, "shape", None) != W.shape or dW.dtype != W.dtype or isinstance(dW, RowGradient):
                    dW = fitting(self, name, W, dW)
                if self.slots and not first:
                    held = self._kept_slots[name][0] if name in self._kept_slots else None
                    if held is None or held.shape != W.shape or type(held) is not type(W):
                        self._begin(name, W, own)  # refuses the parameters of another network, or library
                moving.append((name, W, dW, own))
        if first:
            for name, W, _, own in moving:
                self._begin(name, W, own)
            self._names = names
        return moving

    def slot_shapes(self, W: Array, **options: Any) -> list[tuple[int, ...]]:  # noqa: ARG002
        """Return the shapes of the slots of a parameter with its options; that of W for each, if not overridden."""
        return [W.shape for _ in self.slots]

    def first_slots(self, W: Array, **options: Any) -> list[Array]:
        """Return the slots of a parameter before its first step: zeros, if not overridden."""
        xp, like = array_namespace(W), widened(W)
        shapes = self.slot_shapes(W, **options)
        return [xp.zeros(shape, dtype=like.dtype, device=device_of(like)) for shape in shapes]

    def shapes_of_state(self, params: Mapping[str, Array]) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the arrays in the state of these parameters, ``"W1.m"`` → ``(D, M)``."""
        every = options_by_name(type(self).__name__, self.groups, params)
        return {
            f"{name}.{slot}": shape
            for name, W in params.items()
            for slot, shape in zip(self.slots, self.slot_shapes(W, **self._options(every[name])), strict=True)
        }

    def _begin(self, name: str, W: Array, own: Options) -> None:
        """Make the slots of a parameter that has none yet, and check those that it has."""
        if not self.slots:
            return
        options = self._options(own)
        if name not in self._kept_slots:
            if capturing.current is not None:
                raise capturing.TooEarlyError
            self._kept_slots[name] = self.first_slots(W, **options)
        shapes = self.slot_shapes(W, **options)
        for slot, array, shape in zip(self.slots, self._kept_slots[name], shapes, strict=True):
            check_slot(type(self).__name__, slot, array, shape, name, W)

    def _checked_options(self) -> dict[str, Any]:
        """Return the options with the learning rate of this step; those assigned since the last update are checked."""
        given = self._options()
        if given != self._given:
            checked_options(type(self).__name__, self.options, {n: v for n, v in given.items() if n != "lr"})
            self._given = dict(given)
        if "lr" in given:
            given["lr"] = self._rate(given["lr"], self.steps)
        return given

    def _rate(self, lr: Rate, steps: int) -> float:
        rate: Any = lr(steps) if callable(lr) else lr
        if not (type(rate) is float or isinstance(rate, Real)) or not 0.0 <= float(rate) < float("inf"):
            must = "the learning rate must be at least 0 and finite"
            raise ArgumentError(type(self).__name__, must, f"{rate!r} in step {steps}", "look at the schedule")
        found: float = rate if rate is lr else float(rate)
        return found

    def _register(self, capture: capturing.Capture, params: Mapping[str, Array], names: Sequence[str]) -> None:
        """Register the arrays and options that last between updates with a capture, except for the learning rate."""
        capture.lasts(vars(self), "steps", "skipped", "_kept_slots", *[name for name in self.options if name != "lr"])
        for name in names:
            if isinstance(params, NamedArrays):
                params.register(capture, name)
            else:
                capture.lasts(params, name)
            capture.lasts(self._kept_slots.get(name), *range(len(self.slots)))

    def __repr__(self) -> str:
        values = ((name, getattr(self, name)) for name in self.options)
        shown = [f"{name}={value:g}" if isinstance(value, float) else f"{name}={value!r}" for name, value in values]
        return f"{type(self).__name__}({', '.join(shown + ([f'groups={self.groups!r}'] if self.groups else []))})"


def decayed(W: Array, dW: Array, weight_decay: float) -> Array:
    """Return the gradient plus the weight decay, ``dW + λ W``."""
    return dW + weight_decay * W if weight_decay else dW

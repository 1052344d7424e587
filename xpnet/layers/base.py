"""Layer: a node of the computational graph, and the named arrays it owns."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from numbers import Integral
from typing import Any, ClassVar, Self

from xpnet.autodiff import Variable, call_layer
from xpnet.backend import array_namespace, dtype_kind, is_array
from xpnet.errors import ArgumentError, DtypeError
from xpnet.layers import checks
from xpnet.layers.door import entered_by, half_of, left_by
from xpnet.layers.moving import MovableLayer
from xpnet.layers.named import NamedArrays, NamedStates, State
from xpnet.layers.options import unusual_options
from xpnet.layers.spec import Accepted, Call, Spec, arguments_of
from xpnet.layers.stage import Stage, stage_of
from xpnet.typing import Array


class Layer(MovableLayer):
    """A node of the computational graph: ``y = forward(*inputs)``, ``dx = backward(dout)``.

    A subclass writes both as the equations of the book; ``forward`` keeps on ``self`` whatever ``backward`` needs.
    Around them are the checks that all layers share (``layers/checks.py``): library, device, dtype and shape on entry,
    and the shape of ``dout`` on return.

    ``parameters`` names the trained arrays: the gradient of ``W`` is ``dW``.
    ``optional_parameters`` names those that may be None, such as a bias: the number 0 then takes their place in the
    equations, and they are not among the parameters of that layer.
    ``state`` names the attributes that last from step to step but are not trained, such as running statistics. A layer
    shares them with its copies, and they are saved with its parameters. ``forward`` updates them in training only:
    where the attribute ``training`` is False it computes as ``predict`` does, and ``backward`` is the derivative of
    that.
    ``differentiable`` names the inputs whose gradients ``backward`` returns, in order (default: all). An input with the
    default None may be left out.
    ``shapes`` declares axis sizes by letter, ``{"x": "N D", "W": "D M"}``; ``...`` stands for any leading axes.
    ``flattens`` makes rows ``(N, D)`` of an input ``x (N, ...)``, and returns ``dx`` in the shape of x.
    ``holomorphic`` declares that ``forward`` is analytic, so that the complex step can check it.
    ``takes_numbers`` allows Python numbers as inputs.
    ``takes_a_number`` passes a number to ``backward`` unchanged if y has no axes, instead of making an array of it.
    ``broadcasts`` declares that the inputs broadcast against each other.
    ``in_float32`` converts arrays of 16 bits to float32 for the equations, in which exponentials and sums keep their
    digits; y, dx and dW have the dtype of x and W again.
    ``units`` names the axis of each parameter that belongs to the output units: unit j depends on index j of it alone,
    so that the gradient check may try many values of one unit side by side.
    ``channels`` is the number of channels that images must have, if it is fixed.
    ``is_container`` declares that it is made of layers, and has no arrays of its own.

    >>> class Square(Layer):
    ...     def forward(self, x):
    ...         self.x = x
    ...         return x * x
    ...
    ...     def backward(self, dout):
    ...         return 3 * dout * self.x  # 2 would be right
    >>> report = xn.gradient_check(Square(), np.array([1.0, -2.0]))
    >>> report.ok, report.rows[0].causes
    (False, ('it is 1.5 times the right one everywhere: a constant factor (an ignored or doubled dout?)',))
    """

    parameters: tuple[str, ...] = ()
    optional_parameters: ClassVar[tuple[str, ...]] = ()
    state: ClassVar[tuple[str, ...]] = ()
    differentiable: ClassVar[tuple[str, ...]] = ()
    shapes: ClassVar[dict[str, str]] = {}
    flattens: ClassVar[bool] = False
    holomorphic: ClassVar[bool] = False
    takes_numbers: ClassVar[bool] = False
    takes_a_number: ClassVar[bool] = False
    broadcasts: ClassVar[bool] = False
    in_float32: ClassVar[bool] = False
    units: ClassVar[dict[str, int]] = {}
    is_container: ClassVar[bool] = False

    inputs: ClassVar[tuple[str, ...]] = ()
    optional: ClassVar[tuple[str, ...]] = ()
    spec: ClassVar[Spec]
    cache_names: ClassVar[set[str]] = set()
    layers: Mapping[str, Layer]
    training: bool = True
    frozen: bool = False
    needs_dx = True
    channels: int | None = None
    last_call: Call | None = None
    accepted: Accepted
    lasting_state: dict[str, Any]

    forward: Callable[..., Any]
    backward: Callable[..., Any]

    def __init_subclass__(cls) -> None:
        own = cls.__dict__
        if "forward" in own:
            if "inputs" not in own:
                cls.inputs, cls.optional = arguments_of(cls.forward)
            if "differentiable" not in own:
                cls.differentiable = cls.inputs
            if not cls.is_container:
                cls.forward = entered_by(cls.forward)
        if "backward" in own and not cls.is_container:
            cls.backward = left_by(cls.backward)
        cls.spec = Spec.of(cls)
        cls.cache_names = set()  # the attributes that forward adds, noted at its first run
        for name in own.get("state", ()):
            lasting = State()
            lasting.__set_name__(cls, name)
            setattr(cls, name, lasting)

    def __new__(cls, *arrays: Any, **_: Any) -> Self:
        if cls.parameters and arrays and isinstance(arrays[0], Integral) and hasattr(cls, "create"):
            first = list(inspect.signature(cls.__init__).parameters)[1:2]
            if first in (["arrays"], [cls.parameters[0]]):
                who, must = cls.__name__, f"it must be given arrays {', '.join(cls.parameters)}"
                raise DtypeError(who, must, ", ".join(map(repr, arrays)), f"for sizes use {who}.create")
        layer = object.__new__(cls)
        layer.accepted = Accepted()  # shared with its shallow copies
        layer.lasting_state = {}  # also shared with them
        return layer

    def __init__(self, *arrays: Array | None) -> None:
        if len(arrays) != len(self.parameters):
            raise ArgumentError(
                type(self).__name__,
                f"it must be given {', '.join(self.parameters) or 'no arrays'}",
                f"{len(arrays)} arguments",
                "give one array for each name",
            )
        for name, array in zip(self.parameters, arrays, strict=True):
            spared = array is None and name in self.optional_parameters
            setattr(self, name, 0.0 if spared else array)
            if spared:
                self.parameters = tuple([other for other in self.parameters if other != name])
        checks.check_arrays(self.spec, {}, self.parameter_arrays())

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        """Run ``forward``; if any input or parameter is a Variable, record the call as one node of the graph."""
        if named:
            inputs = checks.in_order(self.spec, inputs, named)
        return call_layer(self, inputs) if self.is_traced(inputs) else self.forward(*inputs)

    def is_traced(self, inputs: tuple[Any, ...]) -> bool:
        """Return whether any input or parameter is a Variable."""
        for array in inputs:
            if type(array) is Variable:
                return True
        for name in self.parameters:  # noqa: SIM110 (a generator takes twice as long)
            if type(getattr(self, name)) is Variable:
                return True
        return False

    def parameter_arrays(self) -> dict[str, Any]:
        """Return the parameters as they are now, name -> array."""
        return {name: getattr(self, name) for name in self.parameters}

    def check_inputs(self, inputs: tuple[Any, ...], x_shape: tuple[int, ...] | None = None) -> int | None:
        """Check inputs and parameters, unless the layer has just accepted arrays of their kind; return ``half``.

        Raises: ``LibraryError``, ``DtypeError``, ``ShapeError``.
        """
        found = checks.signature((*inputs, *[getattr(self, name) for name in self.parameters]))
        accepted = self.accepted
        if found is None or found != accepted.signature:
            named = dict(zip(self.spec.inputs, inputs, strict=True))
            checks.check_arrays(self.spec, named, self.parameter_arrays(), self.channels, x_shape)
            accepted.signature, accepted.half = found, half_of(self.spec, inputs)
        return accepted.half

    def stage_for_node(self, arrays: tuple[Any, ...]) -> Stage | None:
        """Return the body that runs one call of this copy for a node of a graph, or None to run the equations."""
        return stage_of(self, arrays)

    def home_of(self, attribute: str) -> dict[str, Any]:
        """Return the dict that holds an attribute: the layer's own, or that of the state shared with its copies."""
        return vars(self) if attribute in vars(self) else self.lasting_state

    def has_own(self, attribute: str) -> bool:
        """Return whether an attribute is set on this layer itself, rather than on its class."""
        return attribute in vars(self)

    def forget_batch(self) -> None:
        """Forget the last batch and the notes about its arrays."""
        self.last_call, self.accepted = None, Accepted()

    def predict(self, *inputs: Any) -> Any:
        """Run ``forward`` for inference, on a shallow copy: nothing stays cached and no state changes."""
        return self.inferring().forward(*inputs)

    def inferring(self) -> Self:
        """Return a shallow copy for inference, whose caches are dropped with it."""
        copy = self.copy()
        copy.training = copy.needs_dx = False
        return copy

    def freeze(self, frozen: bool = True) -> Self:
        """Keep the layer, and all inside it, as it is, ``net.layers["Convolution1"].freeze()``; return self.

        ``forward`` computes as ``predict`` does, with running statistics that stay as they are and without dropout;
        gradients pass through it as the derivative of that, if anything below it is trained. The gradients of its
        parameters are not computed: ``gradient`` leaves them out, and optimizers do not update them. ``freeze(False)``
        ends it. To keep only the running statistics, set ``training = False``; to keep the parameters of some names,
        give an optimizer a group of None.

        Raises: ``DtypeError`` unless ``frozen`` is True or False.
        """
        checks.check_flags(f"{type(self).__name__}.freeze", frozen=frozen)
        self.frozen, self.training = bool(frozen), not frozen
        return self

    @property
    def trains(self) -> bool:
        """True if a backward writes gradients on the layer: it has parameters and is not frozen."""
        return bool(self.parameters) and not self.frozen

    def copy(self) -> Self:
        """Return a shallow copy: the same arrays, but its own caches."""
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        return copy

    @contextmanager
    def using(self, params: Mapping[str, Any]) -> Iterator[None]:
        """Bind other arrays (Variables too) to names within a block: ``with net.using(params): net.loss(x, t)``."""
        live = self.params
        before = [(*live.place(name), live[name]) for name in params]
        try:
            for name, array in params.items():
                live.bind(name, array)
            yield
        finally:
            for layer, attribute, array in before:
                setattr(layer, attribute, array)

    def __getstate__(self) -> dict[str, Any]:
        """Return the arrays and settings, without the caches of the last batch."""
        left_out = {
            "accepted",
            "last_call",
            *type(self).cache_names,
            *[f"d{name}" for name in type(self).parameters],
        }
        return {name: value for name, value in vars(self).items() if name not in left_out} | {"accepted": Accepted()}

    def astype(self, dtype: Any) -> Self:
        """Return a layer of its own with parameters and state in another dtype, ``layer.astype("float64")``.

        Raises: ``DtypeError`` for a dtype that is not floating, or that the library lacks.
        """
        copy = self.copy()
        copy.lasting_state = {name: _cast(value, dtype) for name, value in self.lasting_state.items()}
        for name in self.parameters:
            setattr(copy, name, _cast(getattr(self, name), dtype))
        return copy

    @property
    def params(self) -> NamedArrays:
        """The live parameters, name -> array."""
        return NamedArrays({name: (self, name) for name in self.parameters})

    @property
    def states(self) -> NamedStates:
        """The live state that lasts but is not trained, name -> value."""
        return NamedStates({name: (self, name) for name in self.state})

    @property
    def grads(self) -> dict[str, Array]:
        """The gradients from the last ``backward``, name -> array."""
        return self.params.gradients()

    def __repr__(self) -> str:
        options = unusual_options(type(self).__init__, self.constructor_options())
        return f"{type(self).__name__}({', '.join([*self._inside(), *options])})"

    def _inside(self) -> list[str]:
        """Return the parameters for the repr, such as ``W (784, 50)``."""
        return [f"{name} {tuple(array.shape)}" for name, array in self.params.items()]

    def constructor_options(self) -> Mapping[str, Any]:
        """Return the constructor's options as the attributes hold them, name -> value."""
        return {name: value for name, value in vars(self).items() if name not in type(self).parameters}


Layer.spec = Spec.of(Layer)


def _cast(value: Any, dtype: Any) -> Any:
    """Return a floating array in another dtype, as a copy; return anything else unchanged."""
    if not is_array(value) or dtype_kind(value) not in ("real", "complex"):
        return value
    xp = array_namespace(value)
    wanted = getattr(xp, dtype, None) if isinstance(dtype, str) else dtype
    cast = None if wanted is None else xp.astype(value, wanted, copy=True)
    if cast is None or dtype_kind(cast) not in ("real", "complex"):
        raise DtypeError("astype", "dtype must be floating", repr(dtype), 'give "float32" or "float64"')
    return cast


def leaves(layer: Layer, path: str = "") -> dict[str, Layer]:
    """Return the layers inside a layer that own no layers themselves, in the order of computation, by path."""
    if not layer.is_container:
        return {path: layer}
    found: dict[str, Layer] = {}
    for name, inner in layer.layers.items():
        found |= leaves(inner, f"{path}.{name}" if path else name)
    return found

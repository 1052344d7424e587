"""Layers whose weights are normalized before each use."""

from __future__ import annotations

from typing import Any

from xpnet.arguments import is_whole
from xpnet.autodiff.record import base
from xpnet.backend import array_namespace, backend_of
from xpnet.errors import ArgumentError
from xpnet.initializers import check_size
from xpnet.layers.base import Layer
from xpnet.layers.checks import in_order
from xpnet.layers.container import Container
from xpnet.layers.containers import checked_layers
from xpnet.layers.row_gradient import RowGradient
from xpnet.random import Generator, generator_of
from xpnet.typing import Array

TINY = 1e-12


class Normalized(Container):
    """The base of containers that run a layer with another array in place of one of its parameters, ``y = f(x; W̄)``.

    ``layer`` is f, and ``scale`` the layer that makes W̄ of W. Its inputs are those of f, such as a mask.
    """

    inputs = ("x",)

    def __init__(self, layer: Layer, scale: Layer, parameter: str) -> None:
        self.parameter = parameter
        self.layers = checked_layers(type(self).__name__, {"layer": layer, "scale": scale})
        vars(self).update({name: getattr(layer, name) for name in ("inputs", "optional", "differentiable")})

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        return super().__call__(*in_order(self.layers["layer"].spec, inputs, named))

    def first_for_dx(self) -> list[Layer]:
        return [self.layers["layer"]]

    def forward(self, *inputs: Any, **named: Any) -> Any:
        layer, scale = self.layers["layer"], self.layers["scale"]
        inputs = in_order(layer.spec, inputs, named)
        scale.y = scale(getattr(layer, self.parameter))  # type: ignore[attr-defined]  # in 16 bits, if W has them
        with layer.using({self.parameter: scale.y}):  # type: ignore[attr-defined]
            return layer(*inputs)

    def backward(self, dout: Any = 1.0, *others: Any) -> Any:
        layer, scale = self.layers["layer"], self.layers["scale"]
        with layer.using({self.parameter: scale.y}):  # type: ignore[attr-defined]
            dx = layer.backward(dout, *others)
        if layer.trains:
            name = f"d{self.parameter}"
            dW = getattr(layer, name)
            setattr(layer, name, scale.backward(dW.dense() if isinstance(dW, RowGradient) else dW))
        return dx


class WeightNormalization(Normalized):
    """A layer whose weights have a learned length, ``y = f(x; W̄)`` with ``W̄ = g W / ‖W‖``.

    There is a length for each index of ``axis``, by default that of the outputs of the layer, over whose weights the
    norm is; it begins as ‖W‖, so that W̄ is W. W is the parameter of that name of the layer, and g is named ``scale.g``.

    Backward: ``dg = Σ dW̄ W / ‖W‖``, ``dW = g / ‖W‖ (dW̄ - W Σ(dW̄ W) / ‖W‖²)``.
    Raises: ``ArgumentError`` for a name or an axis that the layer does not have.
    Source: Salimans and Kingma, 2016, section 2.

    >>> layer = WeightNormalization(Affine(np.array([[3.0], [4.0]])))
    >>> layer.params["scale.g"]  # the length of W
    array([5.])
    >>> layer.params["scale.g"] = np.array([1.0])
    >>> layer.forward(np.eye(2))
    array([[0.6],
           [0.8]])
    """

    def __init__(self, layer: Layer, parameter: str = "W", axis: int | None = None) -> None:
        who = type(self).__name__
        W = weights_of(who, layer, parameter)
        axis = axis_of_outputs(layer, parameter) if axis is None else axis
        if axis is None or not is_whole(axis) or not -W.ndim <= axis < W.ndim:
            must = f"axis must be one of the {W.ndim} axes of {parameter}, that of the output units"
            raise ArgumentError(who, must, repr(axis), "for Affine it is 1, for Convolution 0")
        axis = int(axis) % W.ndim
        xp = array_namespace(W)
        others = tuple(i for i in range(W.ndim) if i != axis)
        super().__init__(layer, LengthAndDirection(xp.sqrt(xp.sum(W * W, axis=others)), axis), parameter)


class LengthAndDirection(Layer):
    """Weights of a given length, ``y = g W / ‖W‖``.

    Shapes: ``W, y (..., M, ...)`` with M along ``axis``, ``g (M,)``.
    Backward: as ``WeightNormalization``.
    """

    parameters = ("g",)
    in_float32 = True

    g: Array

    def __init__(self, g: Array, axis: int) -> None:
        super().__init__(g)
        self.axis = axis

    def forward(self, W: Array) -> Array:
        xp = array_namespace(W, self.g)
        self.others = tuple(i for i in range(W.ndim) if i != self.axis)
        self.norm = xp.sqrt(xp.sum(W * W, axis=self.others, keepdims=True))
        self.direction = W / self.norm
        y: Array = self.length(W.ndim) * self.direction
        self.y = y
        return y

    def backward(self, dout: Array) -> Array:
        xp = array_namespace(dout, self.direction)
        along = xp.sum(dout * self.direction, axis=self.others, keepdims=True)
        self.dg = xp.reshape(along, self.g.shape)
        dW: Array = self.length(dout.ndim) / self.norm * (dout - self.direction * along)
        return dW

    def length(self, ndim: int) -> Array:
        shape = tuple(self.g.shape[0] if i == self.axis else 1 for i in range(ndim))
        return array_namespace(self.g).reshape(self.g, shape)  # type: ignore[no-any-return]


class SpectralNormalization(Normalized):
    """A layer whose weights have the spectral norm 1, ``y = f(x; W̄)`` with ``W̄ = W / σ`` and ``σ = uᵀ W v``.

    W, with all axes but the first as one, is a matrix; u and v follow its first singular vectors by ``iterations`` of
    the power method in each call in training, after 20 at the start. They are constants in backward, and saved as
    state. W is the parameter of that name of the layer.

    Backward: ``dW = (dW̄ - Σ(dW̄ W̄) u vᵀ) / σ``.
    Raises: ``ArgumentError`` for a name that the layer does not have, or iterations below 1.
    Source: Miyato et al., 2018, section 2.1 and algorithm 1.

    >>> layer = SpectralNormalization(MatMul(np.array([[3.0, 0.0], [0.0, 1.0]])))
    >>> layer.forward(np.eye(2))
    array([[1.    , 0.    ],
           [0.    , 0.3333]])
    """

    def __init__(self, layer: Layer, parameter: str = "W", iterations: int = 1, rng: Generator | None = None) -> None:
        who = type(self).__name__
        check_size(who, "iterations", iterations)
        W, rng = weights_of(who, layer, parameter), generator_of(who, rng)
        u = rng.normal((W.shape[0],), rng.next_name(who))
        scale = SpectralScale(backend_of(W).asarray(u, W.dtype), iterations=iterations)
        scale.follow(W, 20)
        super().__init__(layer, scale, parameter)


class SpectralScale(Layer):
    """Weights of the spectral norm 1, ``y = W / σ`` with ``σ = uᵀ W v``.

    Backward: as ``SpectralNormalization``.
    """

    state = ("u", "v")
    in_float32 = True

    u: Array
    v: Array

    def __init__(self, u: Array | None = None, v: Array | None = None, iterations: int = 1) -> None:
        super().__init__()
        self.iterations = int(iterations)
        if u is not None:
            self.u = u
        if v is not None:
            self.v = v

    def forward(self, W: Array) -> Array:
        if self.training:
            self.follow(W, self.iterations)
        xp = array_namespace(W)
        self.outer = xp.reshape(self.u[:, None] * self.v[None, :], W.shape)
        self.sigma = xp.sum(W * self.outer)
        y: Array = W / self.sigma
        self.y = y
        return y

    def backward(self, dout: Array) -> Array:
        dW: Array = (dout - array_namespace(dout).sum(dout * self.y) * self.outer) / self.sigma
        return dW

    def follow(self, W: Array, iterations: int) -> None:
        """Move u and v towards the first singular vectors of W."""
        W = base(W)
        xp = array_namespace(W)
        u = xp.astype(base(self.u), W.dtype, copy=False)
        matrix = xp.reshape(W, (W.shape[0], -1))
        for _ in range(iterations):
            v = matrix.T @ u
            v = v / (xp.sqrt(xp.sum(v * v)) + TINY)
            u = matrix @ v
            u = u / (xp.sqrt(xp.sum(u * u)) + TINY)
        self.u, self.v = u, v


def axis_of_outputs(layer: Layer, parameter: str) -> int | None:
    """Return the axis of weights that belongs to the outputs of their layer, or None if its shapes do not tell.

    It is the axis that a bias has, too; or in a product ``x W`` without a bias, that which x does not have.
    """
    if parameter in layer.units:
        return layer.units[parameter]
    shapes = {name: letters.split() for name, letters in layer.shapes.items()}
    axes = shapes.get(parameter, [])
    biases = [letters for name, letters in shapes.items() if name in type(layer).parameters and len(letters) == 1]
    of_bias = [axis for axis, letter in enumerate(axes) if [letter] in biases]
    if of_bias:
        return of_bias[-1]
    return 1 if len(axes) == 2 and axes[:1] == shapes.get("x", [])[-1:] else None


def weights_of(who: str, layer: Layer, parameter: str) -> Array:
    """Return a parameter of a layer.

    Raises: ``ArgumentError`` unless the layer has one of that name, with two axes or more.
    """
    if parameter not in getattr(layer, "parameters", ()):
        must = f"parameter must be one of {', '.join(getattr(layer, 'parameters', ())) or 'the layer, which has none'}"
        raise ArgumentError(who, must, repr(parameter), "wrap a layer with weights, and name them")
    W: Array = getattr(layer, parameter)
    if W.ndim < 2:
        raise ArgumentError(who, f"{parameter} must have two axes or more", tuple(W.shape), "name the weights")
    return W

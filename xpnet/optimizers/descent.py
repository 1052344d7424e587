"""Optimizers, from the simplest on.

η is ``lr``, a number or a schedule. λ is ``weight_decay``: all but ``AdamW`` and ``Lion`` add ``λ W`` to dW first. ε is
``eps``, added to the root and never under it, after the root is corrected for its start at zero. In all of this they
agree with torch to rounding. State starts at zero, and all operations are element-wise.
"""

from __future__ import annotations

from xpnet import kernels
from xpnet.optimizers.base import Optimizer, Rate
from xpnet.optimizers.groups import Groups


class SGD(Optimizer):
    """Stochastic gradient descent, ``W ← W - η dW``.

    Raises: ``ArgumentError`` for options out of range, such as a learning rate that is not above 0.
    Source: Deep Learning from Scratch, section 6.1.2.
    """

    step = staticmethod(kernels.sgd)

    def __init__(self, lr: Rate = 0.01, weight_decay: float = 0.0, groups: Groups | None = None) -> None:
        super().__init__(groups, lr=lr, weight_decay=weight_decay)


class Momentum(Optimizer):
    """A ball that rolls with friction, ``v ← μ v + dW``, ``W ← W - η v``; μ is ``momentum``.

    The book's v is ``-η`` times this one: for a constant η the two are the same. Here a change of η acts at once.

    Raises: ``ArgumentError`` for options out of range.
    Source: Polyak, 1964; Deep Learning from Scratch, section 6.1.4.
    """

    slots = ("v",)
    step = staticmethod(kernels.momentum)

    def __init__(
        self, lr: Rate = 0.01, momentum: float = 0.9, weight_decay: float = 0.0, groups: Groups | None = None
    ) -> None:
        super().__init__(groups, lr=lr, momentum=momentum, weight_decay=weight_decay)


class Nesterov(Momentum):
    """Momentum that looks one step ahead, ``v ← μ v + dW``, ``W ← W - η (dW + μ v)``; μ is ``momentum``.

    Raises: ``ArgumentError`` for options out of range.
    Source: Nesterov, 1983, in the form of Sutskever et al., 2013, section 2.
    """

    step = staticmethod(kernels.nesterov)


class AdaGrad(Optimizer):
    """A rate for each value, which shrinks as it moves, ``h ← h + dW²``, ``W ← W - η dW / (√h + ε)``.

    The book has ε = 1e-7.

    Raises: ``ArgumentError`` for options out of range.
    Source: Duchi et al., 2011; Deep Learning from Scratch, section 6.1.5.
    """

    slots = ("h",)
    step = staticmethod(kernels.adagrad)

    def __init__(
        self, lr: Rate = 0.01, eps: float = 1e-10, weight_decay: float = 0.0, groups: Groups | None = None
    ) -> None:
        super().__init__(groups, lr=lr, eps=eps, weight_decay=weight_decay)


class RMSprop(Optimizer):
    """AdaGrad that forgets, ``h ← ρ h + (1 - ρ) dW²``, ``W ← W - η dW / (√h + ε)``; ρ is ``decay_rate``.

    The book has ε = 1e-7.

    Raises: ``ArgumentError`` for options out of range.
    Source: Tieleman and Hinton, 2012, lecture 6.5.
    """

    slots = ("h",)
    step = staticmethod(kernels.rmsprop)

    def __init__(
        self,
        lr: Rate = 0.01,
        decay_rate: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        groups: Groups | None = None,
    ) -> None:
        super().__init__(groups, lr=lr, decay_rate=decay_rate, eps=eps, weight_decay=weight_decay)


class Adam(Optimizer):
    """Momentum and RMSprop in one, ``m ← β₁ m + dW``, ``v ← β₂ v + dW²``, ``W ← W - η m̂ / (√v̂ + ε)``.

    ``m̂`` and ``v̂`` are means over the steps, with weights ``1, β, β² …`` back from the newest. The paper writes the
    same with ``1 - β`` inside m and v. The book adds its ε of 1e-7 before v is corrected for its start at zero: in its
    first steps it is larger than here.

    Raises: ``ArgumentError`` for options out of range.
    Source: Kingma and Ba, 2015, algorithm 1; Deep Learning from Scratch, section 6.1.6.
    """

    slots = ("m", "v")
    counts = True
    step = staticmethod(kernels.adam)

    def __init__(
        self,
        lr: Rate = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        groups: Groups | None = None,
    ) -> None:
        super().__init__(groups, lr=lr, beta1=beta1, beta2=beta2, eps=eps, weight_decay=weight_decay)


class AdamW(Adam):
    """Adam with a weight decay of its own, ``W ← (1 - η λ) W - η m̂ / (√v̂ + ε)``.

    Raises: ``ArgumentError`` for options out of range.
    Source: Loshchilov and Hutter, 2019, algorithm 2, with λ scaled by η alone.
    """

    step = staticmethod(kernels.adamw)

    def __init__(
        self,
        lr: Rate = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        weight_decay: float = 0.01,
        groups: Groups | None = None,
    ) -> None:
        super().__init__(lr, beta1, beta2, eps, weight_decay, groups)


class Lion(Optimizer):
    """The sign of a momentum, ``W ← (1 - η λ) W - η sign(β₁ m + (1 - β₁) dW)``, ``m ← β₂ m + (1 - β₂) dW``.

    It keeps half of what Adam keeps; its rate is usually three to ten times smaller, and λ as much larger.

    Raises: ``ArgumentError`` for options out of range.
    Source: Chen et al., 2023, algorithm 2.
    """

    slots = ("m",)
    step = staticmethod(kernels.lion)

    def __init__(
        self,
        lr: Rate = 1e-4,
        beta1: float = 0.9,
        beta2: float = 0.99,
        weight_decay: float = 0.0,
        groups: Groups | None = None,
    ) -> None:
        super().__init__(groups, lr=lr, beta1=beta1, beta2=beta2, weight_decay=weight_decay)

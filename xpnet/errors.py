"""The errors of xpnet, which say who, what must hold, what came instead, and what to do."""

from __future__ import annotations


class XpnetError(Exception):
    """An error of xpnet, ``who: must, got …; remedy``.

    Every kind is also the builtin exception that a caller would catch. The message of an OSError is shown without its
    number and path: ``No such file or directory``.

    >>> affine = Affine(np.ones((4, 10)), np.zeros(10))
    >>> affine.forward(np.ones((2, 3)))
    Traceback (most recent call last):
        ...
    xpnet.errors.ShapeError: Affine: x must be (N, 4), got (2, 3); give each row 4 values, over as many axes as you like
    >>> try:
    ...     affine.forward(np.ones((2, 3)))
    ... except ValueError as error:  # whoever expects the builtin catches it too
    ...     print(type(error).__name__)
    ShapeError
    """

    def __init__(self, who: str, must: str, got: object, remedy: str) -> None:
        if isinstance(got, OSError) and got.strerror:
            got = got.strerror
        self.who = who
        self.must = must
        self.got = got
        self.remedy = remedy
        super().__init__(f"{who}: {must}, got {got}; {remedy}")

    def set_who(self, who: str) -> None:
        """Replace the ``who`` of the error by a more exact one."""
        self.who = who
        self.args = (f"{who}: {self.must}, got {self.got}; {self.remedy}",)

    def __str__(self) -> str:
        return str(self.args[0])

    def __reduce__(self) -> tuple[type[XpnetError], tuple[str, str, object, str]]:
        return type(self), (self.who, self.must, self.got, self.remedy)


class ArgumentError(XpnetError, ValueError):
    """A value that is not allowed.

    >>> SGD(lr=-1.0)
    Traceback (most recent call last):
        ...
    xpnet.errors.ArgumentError: SGD: lr must be above 0 and finite, got -1.0; leave it out for the usual value
    """


class ShapeError(ArgumentError):
    """An array of the wrong shape.

    >>> Affine(np.ones((4, 10))).forward(np.ones((2, 3)))
    Traceback (most recent call last):
        ...
    xpnet.errors.ShapeError: Affine: x must be (N, 4), got (2, 3); give each row 4 values, over as many axes as you like
    """


class DtypeError(XpnetError, TypeError):
    """An array or value of the wrong type.

    >>> Relu().forward([1.0, 2.0])
    Traceback (most recent call last):
        ...
    xpnet.errors.DtypeError: Relu: x must be an array, got list; make one with xn.asarray(x)
    """


class LibraryError(XpnetError, TypeError):
    """Arrays of two libraries, or of one library's two devices, in one operation.

    >>> Affine(np.ones((2, 3))).forward(torch.ones((1, 2), dtype=torch.float64))  # doctest: +SKIP
    Traceback (most recent call last):
        ...
    xpnet.errors.LibraryError: Affine: W and x must be on one library, got numpy and torch; convert x with ...
    """


class BackendError(XpnetError, RuntimeError):
    """A backend or device that this machine cannot provide.

    >>> xn.set_backend("cupy")  # doctest: +SKIP
    Traceback (most recent call last):
        ...
    xpnet.errors.BackendError: backend cupy: a CUDA device and its driver must be present, got no usable ...
    """


class StateError(XpnetError, RuntimeError):
    """A call out of order, such as ``backward`` before ``forward``.

    >>> Relu().backward(np.ones(2))
    Traceback (most recent call last):
        ...
    xpnet.errors.StateError: Relu: forward must run before backward, got no forward; call forward first
    """


class DerivativeError(XpnetError, NotImplementedError):
    """A derivative for which there is no rule.

    >>> xn.grad(lambda x: xn.pure_callback(np.sum, x))(np.ones(2))
    Traceback (most recent call last):
        ...
    xpnet.errors.DerivativeError: pure_callback: a differentiated function must have a rule, got sum; call it ...
    """


class RuleMissingError(XpnetError, AttributeError):
    """A function for which there is no rule.

    >>> xn.grad(np.histogram)(np.ones(2))
    Traceback (most recent call last):
        ...
    xpnet.errors.RuleMissingError: Variable: a function of Variables must have a rule, got histogram; give it ...
    """


class NameUnknownError(XpnetError, KeyError):
    """A name under which nothing is found.

    >>> TwoLayerNet(4, 3, 2).params["W3"]
    Traceback (most recent call last):
        ...
    xpnet.errors.NameUnknownError: params: name must be one of W1, b1, W2, b2, got 'W3'; choose one
    """


class MemberError(XpnetError, AttributeError):
    """An attribute that an object does not have.

    >>> xn.Variable(np.ones(2)).ctypes
    Traceback (most recent call last):
        ...
    xpnet.errors.MemberError: Variable: its attributes must be of the standard, got ctypes; take the bare ...
    """


class DataError(XpnetError, OSError):
    """A file or directory that cannot be read, written or trusted.

    >>> xn.load("nothing.safetensors", TwoLayerNet(4, 3, 2))
    Traceback (most recent call last):
        ...
    xpnet.errors.DataError: load: nothing.safetensors must be a readable safetensors file, got No such file or ...
    """


class GradientError(XpnetError, AssertionError):
    """A gradient that numerical differentiation contradicts.

    >>> class Wrong(Relu):
    ...     def backward(self, dout):
    ...         return -dout
    >>> xn.gradient_check(Wrong(), np.array([1.0, 2.0])).raise_if_failed()
    Traceback (most recent call last):
        ...
    xpnet.errors.GradientError: Wrong: backward must agree with numerical differentiation (x), got x: backward ...
    """


class DivergenceError(XpnetError, ArithmeticError):
    """A training whose loss is no longer a finite number.

    >>> net = Sequential(Affine.create(1, 1), loss=MeanSquaredError())
    >>> x = t = np.array([[1.0], [2.0]])
    >>> Trainer(net, SGD(1e30), (x, t), batch_size=1).fit(1)
    Traceback (most recent call last):
        ...
    xpnet.errors.DivergenceError: Trainer: the loss must stay finite, got inf in epoch 1, step 2, first in the ...
    """

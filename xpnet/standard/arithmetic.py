"""The element-wise functions of numbers: arithmetic, powers, logarithms, circular and hyperbolic functions."""

from __future__ import annotations

from typing import Protocol

from xpnet.typing import Array, Operand


class Arithmetic(Protocol):
    """Sums, products, powers and the functions of a real or complex variable."""

    @staticmethod
    def abs(x: Array, /) -> Array:
        """``y = |x|``; ``dx = dout sign(x)``."""

    @staticmethod
    def acos(x: Array, /) -> Array:
        """``y = arccos x``; ``dx = -dout / √(1 - x²)``."""

    @staticmethod
    def acosh(x: Array, /) -> Array:
        """``y = arcosh x``; ``dx = dout / √(x² - 1)``."""

    @staticmethod
    def add(x1: Operand, x2: Operand, /) -> Array:
        """``y = x1 + x2``; ``dx1 = dx2 = dout``."""

    @staticmethod
    def asin(x: Array, /) -> Array:
        """``y = arcsin x``; ``dx = dout / √(1 - x²)``."""

    @staticmethod
    def asinh(x: Array, /) -> Array:
        """``y = arsinh x``; ``dx = dout / √(x² + 1)``."""

    @staticmethod
    def atan(x: Array, /) -> Array:
        """``y = arctan x``; ``dx = dout / (1 + x²)``."""

    @staticmethod
    def atan2(x1: Operand, x2: Operand, /) -> Array:
        """Return the angle of ``(x2, x1)``; ``dx1 = dout x2 / r²``, ``dx2 = -dout x1 / r²``, ``r² = x1² + x2²``."""

    @staticmethod
    def atanh(x: Array, /) -> Array:
        """``y = artanh x``; ``dx = dout / (1 - x²)``."""

    @staticmethod
    def conj(x: Array, /) -> Array:
        """Return the complex conjugate ``y`` of x; ``dx`` is the conjugate of dout."""

    @staticmethod
    def copysign(x1: Operand, x2: Operand, /) -> Array:
        """Return ``y``, the magnitude of x1 with the sign of x2; ``dx1 = dout sign(x1) sign(y)``, ``dx2 = 0``."""

    @staticmethod
    def cos(x: Array, /) -> Array:
        """``y = cos x``; ``dx = -dout sin x``."""

    @staticmethod
    def cosh(x: Array, /) -> Array:
        """``y = cosh x``; ``dx = dout sinh x``."""

    @staticmethod
    def divide(x1: Operand, x2: Operand, /) -> Array:
        """``y = x1 / x2``; ``dx1 = dout / x2``, ``dx2 = -dout y / x2``."""

    @staticmethod
    def exp(x: Array, /) -> Array:
        """``y = eˣ``; ``dx = dout y``."""

    @staticmethod
    def expm1(x: Array, /) -> Array:
        """``y = eˣ - 1``, exact near 0; ``dx = dout (y + 1)``."""

    @staticmethod
    def hypot(x1: Operand, x2: Operand, /) -> Array:
        """``y = √(x1² + x2²)``; ``dx1 = dout x1 / y``, ``dx2 = dout x2 / y``."""

    @staticmethod
    def imag(x: Array, /) -> Array:
        """Return the imaginary part of x; ``dx = i dout``."""

    @staticmethod
    def log(x: Array, /) -> Array:
        """``y = log x``; ``dx = dout / x``."""

    @staticmethod
    def log10(x: Array, /) -> Array:
        """``y = log₁₀ x``; ``dx = dout / (x log 10)``."""

    @staticmethod
    def log1p(x: Array, /) -> Array:
        """``y = log(1 + x)``, exact near 0; ``dx = dout / (1 + x)``."""

    @staticmethod
    def log2(x: Array, /) -> Array:
        """``y = log₂ x``; ``dx = dout / (x log 2)``."""

    @staticmethod
    def logaddexp(x1: Operand, x2: Operand, /) -> Array:
        """``y = log(exp x1 + exp x2)``; ``dx1 = dout exp(x1 - y)``, ``dx2 = dout exp(x2 - y)``."""

    @staticmethod
    def maximum(x1: Operand, x2: Operand, /) -> Array:
        """Return the larger of x1 and x2; ``dout`` goes to the larger, one half to each where they are equal."""

    @staticmethod
    def minimum(x1: Operand, x2: Operand, /) -> Array:
        """Return the smaller of x1 and x2; ``dout`` goes to the smaller, one half to each where they are equal."""

    @staticmethod
    def multiply(x1: Operand, x2: Operand, /) -> Array:
        """``y = x1 x2``; ``dx1 = dout x2``, ``dx2 = dout x1``."""

    @staticmethod
    def negative(x: Array, /) -> Array:
        """``y = -x``; ``dx = -dout``."""

    @staticmethod
    def positive(x: Array, /) -> Array:
        """``y = x``; ``dx = dout``."""

    @staticmethod
    def pow(x1: Operand, x2: Operand, /) -> Array:
        """``y = x1 ** x2``; ``dx1 = dout x2 x1 ** (x2 - 1)``, ``dx2 = dout y log x1``."""

    @staticmethod
    def real(x: Array, /) -> Array:
        """Return the real part of x; ``dx = dout``."""

    @staticmethod
    def reciprocal(x: Array, /) -> Array:
        """``y = 1 / x``; ``dx = -dout y²``."""

    @staticmethod
    def remainder(x1: Operand, x2: Operand, /) -> Array:
        """``y = x1 - x2 ⌊x1 / x2⌋``; ``dx1 = dout``, ``dx2 = -dout ⌊x1 / x2⌋``."""

    @staticmethod
    def sign(x: Array, /) -> Array:
        """``y = x / |x|``, 0 at 0; ``dx = 0`` for real x."""

    @staticmethod
    def sin(x: Array, /) -> Array:
        """``y = sin x``; ``dx = dout cos x``."""

    @staticmethod
    def sinh(x: Array, /) -> Array:
        """``y = sinh x``; ``dx = dout cosh x``."""

    @staticmethod
    def sqrt(x: Array, /) -> Array:
        """``y = √x``; ``dx = dout / 2y``."""

    @staticmethod
    def square(x: Array, /) -> Array:
        """``y = x²``; ``dx = 2 dout x``."""

    @staticmethod
    def subtract(x1: Operand, x2: Operand, /) -> Array:
        """``y = x1 - x2``; ``dx1 = dout``, ``dx2 = -dout``."""

    @staticmethod
    def tan(x: Array, /) -> Array:
        """``y = tan x``; ``dx = dout (1 + y²)``."""

    @staticmethod
    def tanh(x: Array, /) -> Array:
        """``y = tanh x``; ``dx = dout (1 - y²)``."""

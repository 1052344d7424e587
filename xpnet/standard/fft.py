"""The extension ``fft``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from xpnet.typing import Array, Axis, Device, Dtype

Norm = Literal["backward", "ortho", "forward"]


class Fft(Protocol):
    """The discrete Fourier transforms."""

    @staticmethod
    def fft(x: Array, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Array:
        """``yₖ = Σ xⱼ exp(-2πi jk / n)``; ``dx`` is the transform of dout with the opposite sign."""

    @staticmethod
    def fftfreq(n: int, /, *, d: float = 1.0, dtype: Dtype = None, device: Device = None) -> Array:
        """Return the frequencies of ``fft``; a constant."""

    @staticmethod
    def fftn(
        x: Array, /, *, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: Norm = "backward"
    ) -> Array:
        """Apply ``fft`` over several axes; ``dx`` is as there."""

    @staticmethod
    def fftshift(x: Array, /, *, axes: Axis = None) -> Array:
        """Return x with frequency 0 in the middle; ``dx`` is dout moved back."""

    @staticmethod
    def hfft(x: Array, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Array:
        """Return the real transform of a signal with Hermitian symmetry; ``dx`` is as for ``irfft`` of ``conj(x)``."""

    @staticmethod
    def ifft(x: Array, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Array:
        """``yⱼ = Σ xₖ exp(2πi jk / n) / n``; ``dx`` is the transform of dout with the opposite sign."""

    @staticmethod
    def ifftn(
        x: Array, /, *, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: Norm = "backward"
    ) -> Array:
        """Apply ``ifft`` over several axes; ``dx`` is as there."""

    @staticmethod
    def ifftshift(x: Array, /, *, axes: Axis = None) -> Array:
        """Return x with frequency 0 at the start; ``dx`` is dout moved back."""

    @staticmethod
    def ihfft(x: Array, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Array:
        """Return the inverse of ``hfft``; ``dx`` is as for ``rfft``, conjugated."""

    @staticmethod
    def irfft(x: Array, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Array:
        """Return the real inverse of ``rfft``; ``dx`` is the ``rfft`` of dout, twice where a frequency is double."""

    @staticmethod
    def irfftn(
        x: Array, /, *, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: Norm = "backward"
    ) -> Array:
        """Apply ``ifft`` over the first axes and ``irfft`` over the last; ``dx`` is as there."""

    @staticmethod
    def rfft(x: Array, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Array:
        """Return ``yₖ`` of ``fft`` for ``k ≤ n / 2`` and real x; ``dx`` is the real part of the transform of dout."""

    @staticmethod
    def rfftfreq(n: int, /, *, d: float = 1.0, dtype: Dtype = None, device: Device = None) -> Array:
        """Return the frequencies of ``rfft``; a constant."""

    @staticmethod
    def rfftn(
        x: Array, /, *, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: Norm = "backward"
    ) -> Array:
        """Apply ``rfft`` over the last axis and ``fft`` over the others; ``dx`` is as there."""

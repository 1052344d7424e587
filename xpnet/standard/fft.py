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
        """``yₖ = Σ xⱼ exp(-2πi jk / n)``; ``dx``, the transform of dout with the sign turned."""

    @staticmethod
    def fftfreq(n: int, /, *, d: float = 1.0, dtype: Dtype = None, device: Device = None) -> Array:
        """The frequencies of ``fft``; a constant."""

    @staticmethod
    def fftn(
        x: Array, /, *, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: Norm = "backward"
    ) -> Array:
        """``fft`` over several axes; ``dx`` as there."""

    @staticmethod
    def fftshift(x: Array, /, *, axes: Axis = None) -> Array:
        """``y``, x with frequency 0 in the middle; ``dx``, dout moved back."""

    @staticmethod
    def hfft(x: Array, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Array:
        """The real transform of a signal with Hermitian symmetry; ``dx`` as of ``irfft`` of ``conj(x)``."""

    @staticmethod
    def ifft(x: Array, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Array:
        """``yⱼ = Σ xₖ exp(2πi jk / n) / n``; ``dx``, the transform of dout with the sign turned."""

    @staticmethod
    def ifftn(
        x: Array, /, *, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: Norm = "backward"
    ) -> Array:
        """``ifft`` over several axes; ``dx`` as there."""

    @staticmethod
    def ifftshift(x: Array, /, *, axes: Axis = None) -> Array:
        """``y``, x with frequency 0 at the start; ``dx``, dout moved back."""

    @staticmethod
    def ihfft(x: Array, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Array:
        """The inverse of ``hfft``; ``dx`` as of ``rfft``, conjugated."""

    @staticmethod
    def irfft(x: Array, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Array:
        """The inverse of ``rfft``, real; ``dx``, the ``rfft`` of dout, twice where a frequency counts for two."""

    @staticmethod
    def irfftn(
        x: Array, /, *, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: Norm = "backward"
    ) -> Array:
        """``ifft`` over the first axes, ``irfft`` over the last; ``dx`` as there."""

    @staticmethod
    def rfft(x: Array, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Array:
        """``yₖ`` of ``fft`` for ``k ≤ n / 2``, x real; ``dx``, the real part of the transform of dout."""

    @staticmethod
    def rfftfreq(n: int, /, *, d: float = 1.0, dtype: Dtype = None, device: Device = None) -> Array:
        """The frequencies of ``rfft``; a constant."""

    @staticmethod
    def rfftn(
        x: Array, /, *, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: Norm = "backward"
    ) -> Array:
        """``rfft`` over the last axis, ``fft`` over the others; ``dx`` as there."""

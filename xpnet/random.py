"""Randomness that is the same everywhere: named counter-based streams on Philox4x64-10.

A stream is named by (seed, name, step, use). Its numbers are computed on the host with operations that IEEE 754
rounds correctly, from raw integers that NumPy keeps stable, so they are equal bit for bit on every backend,
machine and library version.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import ceil
from typing import Any, TypeAlias

import numpy as np

from xpnet.arguments import is_whole
from xpnet.errors import ArgumentError, DtypeError

__all__ = ["Generator"]

Floats: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"
Shape: TypeAlias = "tuple[int, ...]"


class Generator:
    """Random numbers by name, ``u = philox(key=hash(seed, name), counter=(0, use, step, 0))``.

    The state is two integers, ``seed`` and ``index``: a stream has no position.

    Source: Salmon et al., 2011, "Parallel random numbers: as easy as 1, 2, 3".

    >>> rng = Generator(seed=1)
    >>> rng.uniform((2,), "weights")
    array([0.1539, 0.1377])
    >>> rng.uniform((2,), "weights", step=1)
    array([0.2117, 0.5586])
    >>> Generator(seed=1).uniform((2,), "weights")  # a name and a step are a place, and not a state that moves on
    array([0.1539, 0.1377])
    """

    def __init__(self, seed: Any = 0) -> None:
        if not is_whole(seed, 0) or int(seed) >= 2**64:
            raise ArgumentError("Generator", "seed must be an integer from 0 to 2**64 - 1", repr(seed), "choose one")
        self.seed: int = int(seed)
        self.index = 0
        self._lock = threading.Lock()

    def next_name(self, kind: str) -> str:
        """Return a name that this Generator has not given yet: ``Affine1``, ``Affine2`` …"""
        with self._lock:
            self.index += 1
            return f"{kind}{self.index}"

    def raw(
        self, count: int, name: str, step: int = 0, use: int = 0, start: int = 0
    ) -> np.ndarray[Any, np.dtype[np.uint64]]:
        """Return ``count`` 64-bit integers of a stream from number ``start`` on, without drawing the earlier ones."""
        if min(count, step, use, start) < 0:
            got = f"{count}, {step}, {use}, {start}"
            raise ArgumentError("Generator", "count, step, use and start must not be negative", got, "count from 0")
        before = start % 4  # each counter gives four
        counter = np.asarray([start // 4, use, step, 0], dtype=np.uint64)
        return np.random.Philox(key=self.key(name), counter=counter).random_raw(before + count)[before:]

    def key(self, name: str) -> np.ndarray[Any, np.dtype[np.uint64]]:
        """Return the two 64-bit words of Philox's key for a name."""
        digest = hashlib.blake2b(f"{self.seed}/{name}".encode(), digest_size=16).digest()
        return np.frombuffer(digest, dtype="<u8").astype(np.uint64)

    def uniform(self, shape: Shape, name: str, step: int = 0, use: int = 0, start: int = 0) -> Floats:
        """Return uniform numbers in [0, 1), ``u = (raw >> 11) * 2**-53``, from number ``start`` of the stream on."""
        bits = self.raw(int(np.prod(shape, dtype=np.int64)), name, step, use, start)
        return np.reshape((bits >> np.uint64(11)) * 2.0**-53, shape)

    def normal(self, shape: Shape, name: str, step: int = 0, use: int = 0, start: int = 0) -> Floats:
        """Return standard normal numbers, ``z = Φ⁻¹(((raw >> 12) + 1/2) * 2**-52)``, from number ``start`` on."""
        bits = self.raw(int(np.prod(shape, dtype=np.int64)), name, step, use, start)
        return normal_quantile(np.reshape(((bits >> np.uint64(12)) + 0.5) * 2.0**-52, shape))

    def integers(
        self, high: int, shape: Shape, name: str, step: int = 0, use: int = 0
    ) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Return integers from 0 to ``high - 1``, with repetition, ``⌊high u⌋``."""
        return np.floor(high * self.uniform(shape, name, step, use)).astype(np.int64)

    def mask(
        self, shape: Shape, keep: float, name: str, step: int = 0, use: int = 0, start: int = 0
    ) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Return True with probability ``keep``, ``u < keep`` for 24-bit u, of which each raw integer has two.

        ``start`` is the number of values of the stream that stand before the first.
        """
        count, before = int(np.prod(shape, dtype=np.int64)), start % 2
        words = self.raw((before + count + 1) // 2, name, step, use, start // 2)
        halves = words.astype("<u8", copy=False).view("<u4")[before : before + count]
        least = kept_below(keep)
        return np.reshape(halves < np.uint32(least) if least < 2**32 else np.ones(count, bool), shape)

    def permutation(self, count: int, name: str, step: int = 0, use: int = 0) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Return the integers below ``count`` in random order, by a stable sort of random keys."""
        keys, places = self.raw(count, name, step, use), np.arange(count, dtype=np.uint64)
        bits = np.uint64(count.bit_length())
        # sorting numbers takes less time than argsort, so that places stand in for the last bits of the keys
        packed = np.sort(keys >> bits << bits | places)
        order = (packed & ~(~np.uint64(0) << bits)).astype(np.int64)
        packed >>= bits
        tied = np.flatnonzero(packed[1:] == packed[:-1])
        if tied.size:  # keys that differ in the last bits alone, or not at all
            some = np.union1d(tied, tied + 1)
            order[some] = order[some][np.argsort(keys[order[some]], kind="stable")]
        return order

    def __getstate__(self) -> dict[str, int]:
        return {"seed": self.seed, "index": self.index}

    def __setstate__(self, state: dict[str, int]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Generator({self.seed})"


def kept_below(keep: float) -> int:
    """Return the number below which 32 bits, of which the upper 24 are u, mean ``u < keep``."""
    return min(max(ceil(keep * 2.0**24), 0), 2**24) << 8


_part: ContextVar[tuple[int, int]] = ContextVar("xpnet_part", default=(0, 0))


@contextmanager
def part_of_a_batch(first: int, count: int) -> Iterator[None]:
    """Draw, in this context, for ``count`` rows that follow ``first`` other rows of their batch.

    The masks for the parts of a batch are then the parts of its mask, and no process draws the whole.
    """
    token = _part.set((first, count))
    try:
        yield
    finally:
        _part.reset(token)


def drawn_before(size: int) -> int:
    """Return how many values of a batch come before the ``size`` values of the part that is drawn for."""
    first, count = _part.get()
    return first * (size // count) if count else 0


DEFAULT = Generator(0)
"""The default Generator of layers; there is one per process."""


def generator_of(who: str, rng: Generator | None) -> Generator:
    """Return the Generator that was given, or the default one for None.

    Raises: ``DtypeError`` for anything else, such as a seed or a generator of NumPy's.
    """
    if rng is None:
        return DEFAULT
    if not isinstance(rng, Generator):
        raise DtypeError(who, "rng must be a Generator of xpnet", kind_of(rng), "pass xpnet.random.Generator(seed)")
    return rng


def kind_of(value: object) -> str:
    """Return the full name of a type: NumPy has a Generator, too."""
    return f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")


# The coefficients of PPND16, lowest power first: numerator and denominator.
# fmt: off
_MIDDLE = (
    (3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
     4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3),
    (1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
     2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3),
)
_TAIL = (
    (1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
     1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4),
    (1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
     1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9),
)
_FAR_TAIL = (
    (6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1,
     2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7),
    (1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
     7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15),
)
# fmt: on


def normal_quantile(u: Floats) -> Floats:
    """Return the inverse of the normal distribution function, ``z = Φ⁻¹(u)`` for 0 < u < 1, to 16 digits.

    It uses only sums, products, quotients and square roots, because libraries round ``log`` and ``cos`` in different
    ways.

    Source: Wichura, 1988, "Algorithm AS 241: the percentage points of the normal distribution".
    """
    q = u - 0.5
    middle = q * _ratio(_MIDDLE, 0.180625 - q * q)
    r = np.sqrt(-_log(np.minimum(u, 1.0 - u)))
    tail = np.where(r <= 5.0, _ratio(_TAIL, r - 1.6), _ratio(_FAR_TAIL, r - 5.0))
    return np.where(np.abs(q) <= 0.425, middle, np.where(q < 0.0, -tail, tail))


def _ratio(coefficients: tuple[tuple[float, ...], tuple[float, ...]], x: Floats) -> Floats:
    numerator, denominator = (np.zeros_like(x), np.zeros_like(x))
    for above, below in zip(*(reversed(part) for part in coefficients), strict=True):
        numerator = numerator * x + above
        denominator = denominator * x + below
    return numerator / denominator


def _log(x: Floats) -> Floats:
    """Return the natural logarithm, ``log(m 2ᵉ) = 2 artanh((m - 1) / (m + 1)) + e log 2``."""
    m, e = np.frexp(x)
    low = m < np.sqrt(0.5)
    m = np.where(low, 2.0 * m, m)
    e = np.where(low, e - 1, e)
    s = (m - 1.0) / (m + 1.0)
    square, series = s * s, np.zeros_like(s)
    for power in range(21, 0, -2):
        series = series * square + 1.0 / power
    return 2.0 * s * series + e * 0.6931471805599453

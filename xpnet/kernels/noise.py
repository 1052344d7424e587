"""The mask of dropout, which the standard lacks, as it has no random numbers."""

from __future__ import annotations

from xpnet.backend import array_namespace, backend_of, size_of
from xpnet.kernels.dispatch import kernel
from xpnet.random import Generator, drawn_before
from xpnet.typing import Array


@kernel(1)
def dropout_mask(x: Array, rng: Generator, name: str, step: int | Array, keep: float) -> Array:
    """Return for each value of x ``1 / keep`` with probability ``keep``, else 0; the bits are those of ``rng.mask``.

    If x is a part of a batch (see ``part_of_a_batch``), this is the same part of the mask of the whole batch.

    Shapes: result as ``x``, in its dtype.

    >>> dropout_mask(np.ones(6), Generator(0), "Dropout1", 0, 0.5)
    array([0., 2., 2., 2., 0., 2.])
    """
    start = drawn_before(size_of(x))
    chosen = backend_of(x).asarray(rng.mask(tuple(x.shape), keep, name, int(step), start=start))
    mask: Array = array_namespace(chosen).astype(chosen, x.dtype) / keep
    return mask

"""Faster bodies of kernels on NumPy."""

from xpnet.fast.numpy.choice import compiled
from xpnet.kernels.dispatch import BEFORE
from xpnet.kernels.numpy import activation, affine, embedding, loss, reduction

__all__ = ["activation", "affine", "embedding", "loss", "reduction"]

BEFORE["numpy"] = compiled

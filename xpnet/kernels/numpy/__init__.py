"""Faster bodies of kernels on NumPy."""

from xpnet.fast.numpy.choice import compiled
from xpnet.kernels.dispatch import BEFORE
from xpnet.kernels.numpy import activation, affine, attention, embedding, loss, normalization, reduction

__all__ = ["activation", "affine", "attention", "embedding", "loss", "normalization", "reduction"]

BEFORE["numpy"] = compiled

"""The first layers of chapter 5."""

from xpnet.layers import AddLayer, MulLayer

__all__ = ["AddLayer", "MulLayer"]

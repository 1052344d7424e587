"""MNIST, the book's ``dataset.mnist``; ``XPNET_DATA`` names a folder that has its four files."""

from xpnet.datasets import load_mnist

__all__ = ["load_mnist"]

"""Data: the digits that ship with xpnet, MNIST, and mini-batches of any arrays."""

from xpnet.datasets.check import check_data
from xpnet.datasets.digits import load_digits
from xpnet.datasets.loader import Batches
from xpnet.datasets.mnist import load_mnist

__all__ = ["Batches", "check_data", "load_digits", "load_mnist"]

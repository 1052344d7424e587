"""The book's functions, those of the first volume."""

from xpnet.book.functions import cross_entropy_error, relu, sigmoid, softmax
from xpnet.book.sequel.np import __getattr__ as __getattr__

__all__ = ["GPU", "cross_entropy_error", "np", "relu", "sigmoid", "softmax"]

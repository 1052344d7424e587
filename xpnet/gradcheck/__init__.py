"""The gradient check: backward against numerical differentiation."""

from xpnet.gradcheck.check import gradient_check, network_gradient
from xpnet.gradcheck.gradient import numerical_gradient
from xpnet.gradcheck.report import Report, Row

__all__ = ["Report", "Row", "gradient_check", "network_gradient", "numerical_gradient"]

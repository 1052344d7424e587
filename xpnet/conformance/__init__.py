"""The test of an array library on all that backpropagation needs: ``conform(namespace)`` tries it and reports."""

from xpnet.conformance.check import conform
from xpnet.conformance.report import Report
from xpnet.conformance.rows import Row

__all__ = ["Report", "Row", "conform"]

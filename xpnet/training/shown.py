"""Losses and metrics as a reader sees them."""

from __future__ import annotations

HUGE = 1e5
"""Numbers from this size on are written with an exponent."""

SHARES = ("accuracy", "precision", "recall", "f1")
"""The endings of the names of metrics that are written as percentages."""


def number(value: float) -> str:
    """Return a loss in few digits."""
    return f"{value:.4f}" if abs(value) < HUGE else f"{value:.4e}"


def digits(value: float) -> str:
    """Return a number in four digits; integers of more digits are not shortened."""
    return f"{value:,.0f}" if 1000.0 <= abs(value) < 1e9 else f"{value:.4g}"


def measured(name: str, value: float) -> str:
    """Return a metric in its usual form, ``91.20%``."""
    return f"{value:.2%}" if name.endswith(SHARES) or name == "accuracy of each label" else number(value)

"""Rules of the orthogonal polynomials, by their argument; by their degree there is no derivative.

Source: NIST Digital Library of Mathematical Functions, 2025, chapter 18.
"""

from __future__ import annotations

from typing import Any

from xpnet.autodiff.rules.special import call, slopes


def _legendre(n: Any, x: Any) -> Any:
    return n * (x * call("eval_legendre", n, x) - call("eval_legendre", n - 1, x)) / (x * x - 1.0)


def _second_kind(n: Any, x: Any) -> Any:
    return ((n + 1) * call("eval_chebyt", n + 1, x) - x * call("eval_chebyu", n, x)) / (x * x - 1.0)


slopes("eval_legendre", None, _legendre)
slopes("eval_chebyt", None, lambda n, x: n * call("eval_chebyu", n - 1, x))
slopes("eval_chebyu", None, _second_kind)
slopes("eval_hermite", None, lambda n, x: 2.0 * n * call("eval_hermite", max(n - 1, 0), x))
slopes("eval_hermitenorm", None, lambda n, x: n * call("eval_hermitenorm", max(n - 1, 0), x))
slopes("eval_laguerre", None, lambda n, x: n * (call("eval_laguerre", n, x) - call("eval_laguerre", n - 1, x)) / x)

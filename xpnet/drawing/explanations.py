"""The symbols of operations, and sentences on the effect of each on the derivative that arrives."""

from __future__ import annotations

import re

SYMBOLS = {
    "add": "+",
    "subtract": "−",
    "multiply": "×",
    "divide": "/",
    "negative": "× -1",
    "pow": "^",
    "square": "^2",
    "reciprocal": "/",
    "sqrt": "√",
    "matmul": "@",
    "sum": "Σ",
    "prod": "Π",
    "abs": "|x|",
    "matrix_transpose": "T",
}

# Each ends the sentence "it …".
RULES = {
    "add": "passes the upstream derivative on to both inputs unchanged",
    "subtract": "passes the upstream derivative on to the first input, and its negative to the second",
    "multiply": "multiplies the upstream derivative by the other input",
    "divide": "multiplies the upstream derivative by 1/b for the first input a, and by -a/b² for the second input b",
    "reciprocal": "multiplies the upstream derivative by -y², with y = 1/x",
    "negative": "changes the sign of the upstream derivative",
    "pow": "multiplies the upstream derivative by n xⁿ⁻¹",
    "square": "multiplies the upstream derivative by 2x",
    "sqrt": "multiplies the upstream derivative by 1/(2y), with y = √x",
    "exp": "multiplies the upstream derivative by y, with y = exp(x)",
    "expm1": "multiplies the upstream derivative by y + 1, with y = exp(x) - 1",
    "log": "multiplies the upstream derivative by 1/x",
    "log1p": "multiplies the upstream derivative by 1/(1 + x)",
    "log2": "multiplies the upstream derivative by 1/(x ln 2)",
    "log10": "multiplies the upstream derivative by 1/(x ln 10)",
    "sin": "multiplies the upstream derivative by cos x",
    "cos": "multiplies the upstream derivative by -sin x",
    "tanh": "multiplies the upstream derivative by 1 - y², with y = tanh(x)",
    "abs": "multiplies the upstream derivative by the sign of x",
    "maximum": "passes the upstream derivative on to the larger input, and 0 to the other",
    "minimum": "passes the upstream derivative on to the smaller input, and 0 to the other",
    "max": "passes the upstream derivative on to the largest element, and 0 to the others",
    "min": "passes the upstream derivative on to the smallest element, and 0 to the others",
    "where": "passes the upstream derivative on to the input that was chosen, and 0 to the other",
    "clip": "passes the upstream derivative on where x lies within the bounds, and 0 elsewhere",
    "matmul": "multiplies the upstream derivative by the other matrix transposed: G Bᵀ for A, and Aᵀ G for B",
    "sum": "passes the upstream derivative on to every element of the sum",
    "mean": "passes the upstream derivative divided by the number of elements on to each of them",
    "reshape": "puts the upstream derivative into the shape of the input",
    "permute_dims": "transposes the upstream derivative back",
    "matrix_transpose": "transposes the upstream derivative back",
    "broadcast_to": "sums the upstream derivative over the axes along which x was repeated",
    "astype": "casts the upstream derivative to the dtype of the input",
    "getitem": "puts the upstream derivative where the elements came from, and 0 elsewhere",
    "take": "puts the upstream derivative where the elements came from, and 0 elsewhere",
    "concat": "cuts the upstream derivative into the pieces that were joined",
    "stack": "cuts the upstream derivative into the pieces that were joined",
}

_BACKWARD = re.compile(r"^\s*Backward:\s*(.+?)(?=^\s*[A-Z]\w*:|\Z)", re.MULTILINE | re.DOTALL)


def symbol(name: str) -> str:
    """Return the symbol of an operation in its circle, such as ``×`` for ``multiply``."""
    return SYMBOLS.get(name, name)


def explain(name: str) -> str:
    """Return the effect of an operation on derivatives, as the end of a sentence that starts with its name."""
    return RULES.get(name, "multiplies the upstream derivative by its local derivative")


def explain_layer(kind: type) -> str:
    """Return the effect of a layer on derivatives: the formulas of ``Backward:`` in its docstring."""
    found = _BACKWARD.search(kind.__doc__ or "")
    if found is None:
        return "multiplies the upstream derivative by its local derivative"
    formulas = " ".join(found.group(1).split()).replace("``", "").rstrip(".")
    return f"multiplies the upstream derivative dout by its local derivative: {formulas}"

"""The namespace of Variables: one module for each library, whose functions record what they do.

Every function of the standard is in exactly one of two lists: *differentiable*, with a rule or composed of functions
that have one; *value only*, whose results are constants. Results are Variables, and constant ones if nothing is
differentiated. The signature and docstring of a function are those of its declaration in ``xpnet.standard``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

from xpnet.autodiff.functions import (
    SPECIAL,
    composite_function,
    recorded_function,
    value_only_function,
    viewing_function,
)
from xpnet.autodiff.idioms import IDIOMS
from xpnet.autodiff.instead import remedy_for
from xpnet.autodiff.rules import COMPOSITES, RULES
from xpnet.autodiff.signatures import Takes
from xpnet.autodiff.special import Special
from xpnet.autodiff.table import VALUES, VIEWS
from xpnet.errors import RuleMissingError
from xpnet.standard import FUNCTIONS
from xpnet.typing import Namespace

EXTENSIONS = ("linalg", "fft")

CONSTANTS = ("e", "inf", "nan", "newaxis", "pi", "__array_api_version__")

DTYPES = (
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "bfloat16", "float32", "float64", "complex64", "complex128"),
)

# These are composed of functions that every library has; the others must exist in the library.
STAND_IN = COMPOSITES.keys() - {"linalg.eigvals", "unique_all", "unique_counts", "unique_inverse", "unique_values"}


class DifferentiableNamespace(ModuleType):
    """The array API namespace of Variables over one library; ``differentiates`` is the namespace of that library."""

    differentiates: Namespace

    def __init__(self, over: Namespace, prefix: str = "", whole: Namespace = None) -> None:
        name = over.__name__ if not prefix else f"{over.__name__}.{prefix[:-1]}"
        super().__init__(f"xpnet.autodiff.over.{name}", self.__doc__)
        self.__dict__["differentiates"] = over
        self.__dict__["_whole"] = whole or self  # the namespace with which a composite of an extension computes
        functions = over if not prefix else getattr(over, prefix[:-1])
        for full in (*RULES, *COMPOSITES, *VALUES):
            head, _, short = full.rpartition(".")
            if head == prefix[:-1] and (hasattr(functions, short) or full in STAND_IN):
                setattr(self, short, self._function(full, getattr(functions, short, None)))
        for short in (*CONSTANTS, *DTYPES) if not prefix else ():
            if hasattr(over, short):
                setattr(self, short, getattr(over, short))
        for extension in EXTENSIONS if not prefix else ():
            if hasattr(over, extension):
                setattr(self, extension, DifferentiableNamespace(over, f"{extension}.", self))

        if not prefix:
            self.special = Special(self)

    def __array_namespace_info__(self) -> Any:
        """Return the information that the library gives about itself."""
        return self.differentiates.__array_namespace_info__()

    def _function(self, full: str, function: Any) -> Callable[..., Any]:
        takes = Takes(full)
        if full in SPECIAL:
            made = SPECIAL[full](RULES.get(full) or VALUES[full], function, takes)
        elif full in COMPOSITES:
            made = composite_function(COMPOSITES[full][0], self._whole, takes)
        elif full in RULES:
            made = recorded_function(RULES[full], function, takes)
        else:
            made = value_only_function(VALUES[full], function, takes)
        if RULES.get(full) in VIEWS:
            made = viewing_function(RULES[full], made)
        made.__name__ = made.__qualname__ = full.rpartition(".")[2]
        made.__module__ = self.__name__
        made.__doc__ = FUNCTIONS[full].__doc__
        made.__signature__ = takes.signature  # type: ignore[attr-defined]
        return made

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        full = name if self._whole is self else f"{self.__name__.rpartition('.')[2]}.{name}"
        if full in IDIOMS and full not in FUNCTIONS:  # of the standard they are for arguments beyond it
            return partial(IDIOMS[full], self._whole)
        raise RuleMissingError(
            self.__name__,
            "a function of Variables must be one of the array API standard",
            name,
            remedy_for(name, RULES, "write it with functions that are, or give it a rule as a Layer with a backward"),
        )


_SPACES: dict[Namespace, DifferentiableNamespace] = {}


def namespace_over(over: Namespace) -> Namespace:
    """Return the namespace of Variables over a library's namespace, made once; return one of Variables unchanged.

    >>> namespace_over(np).exp(xn.Variable(np.array(0.0)))
    Variable(np.float64(1.0))
    """
    if isinstance(over, DifferentiableNamespace):
        return over
    if over not in _SPACES:
        _SPACES[over] = DifferentiableNamespace(over)
    return _SPACES[over]


def markdown_table() -> str:
    """Return the two lists as a Markdown table.

    >>> print(markdown_table()[:60])
    | Function | List | Value and derivative | Remarks |
    |---|--
    """
    rows = {full: ("differentiable", rule.note) for full, rule in RULES.items()}
    rows |= {full: ("differentiable", note) for full, (_, note) in COMPOSITES.items()}
    rows |= {full: ("value only", value.note) for full, value in VALUES.items()}
    lines = ["| Function | List | Value and derivative | Remarks |", "|---|---|---|---|"]
    order = sorted(rows, key=lambda full: (full.partition(".")[0] if "." in full else "", full))
    for full in order:
        cells = (f"`{Takes(full)}`", rows[full][0], FUNCTIONS[full].__doc__, rows[full][1])
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)

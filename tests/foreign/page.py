"""``python tests/foreign/page.py`` writes ``docs/foreign.md``: what others wrote, and how far its gradients go."""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

os.environ["SCIPY_ARRAY_API"] = "1"
HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "foreign.md"
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parents[1])]

from cuda_device import offer_cupy  # noqa: E402 (the switch above comes first)

offer_cupy()

from suites import SUITES, refusals  # noqa: E402

from xpnet.backend import LIBRARIES, make_backend  # noqa: E402

HEAD = """# Code that others wrote

Made by `python tests/foreign/page.py` in the environment of `nox -s foreign`. Functions of these packages are called on
Variables as they are; each gradient is compared with differences of fourth order of the function on NumPy's arrays. No
gradient is wrong. `tests/foreign` has the calls.

"""

TAIL = """
## What is refused on NumPy

A function that is compiled, or converts its arguments to NumPy's arrays, is refused; `xn.custom_vjp` gives it a
derivative. A gradient that is not a number says so.

| Function | Words |
|---|---|
"""


def run(library: str) -> dict[str, list[tuple[Any, str, str]]]:
    """Return the outcomes of all checks on a library."""
    with LIBRARIES[library].allow("float64"):
        backend = make_backend(library, None, "float64")
        return {
            name: [(check, *check.outcome(backend, check.expected)) for check in suite]
            for name, suite in SUITES.items()
        }


def main() -> None:
    libraries = sys.argv[1:] or ["numpy", "torch", "cupy", "array-api-strict"]
    found = {library: run(library) for library in libraries}
    lines = [f"| Suite | Checks | {' | '.join(libraries)} |", "|---|---|" + "---|" * len(libraries)]
    for name, suite in SUITES.items():
        counts = [Counter(outcome for _, outcome, _ in found[library][name]) for library in libraries]
        lines.append(f"| {name} | {len(suite)} | {' | '.join(str(count['right']) for count in counts)} |")
        for library in libraries:
            for check, outcome, words in found[library][name]:
                if outcome == "wrong":
                    sys.stderr.write(f"wrong on {library}: {check.name}: {words}\n")
    rows = [
        f"| `{check.name}` | {refusals(words)} |"
        for outcomes in found[libraries[0]].values()
        for check, outcome, words in outcomes
        if outcome != "right"
    ]
    PAGE.write_text(HEAD + "\n".join(lines) + "\n" + TAIL + "\n".join(rows) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

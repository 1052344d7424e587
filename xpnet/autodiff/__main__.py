"""``python -m xpnet.autodiff`` prints the page of the two lists of functions, ``docs/functions.md``."""

from __future__ import annotations

import sys

from xpnet.autodiff.namespace import markdown_table

HEAD = """# Every function of the standard

Made by `python -m xpnet.autodiff > docs/functions.md`.

"""

TAIL = """
## What array-api-tests finds

The namespace of Variables over NumPy passes [array-api-tests](https://github.com/data-apis/array-api-tests) for the
standard 2024.12 where NumPy itself does, but for one test:

| Test | Why |
|---|---|
| `test_dunder_dlpack` | An export would lose the history: export `stop_gradient(x).value`. |

The namespace is imported as a module of its own:

```python
import sys

import numpy

from xpnet.autodiff import namespace_over

sys.modules[__name__] = namespace_over(numpy)
```

With this as `over_numpy.py` on the path, and in a clone of array-api-tests with its submodule,
`ARRAY_API_TESTS_MODULE=over_numpy pytest array_api_tests --max-examples=20 --disable-deadline --derandomize`.
"""

if __name__ == "__main__":
    sys.stdout.write(HEAD + markdown_table() + "\n" + TAIL)

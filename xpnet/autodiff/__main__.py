"""``python -m xpnet.autodiff`` prints the page of the three lists, ``docs/functions.md``."""

from __future__ import annotations

import sys

from xpnet.autodiff.namespace import markdown_table

if __name__ == "__main__":
    sys.stdout.write("# Every function of the standard\n\n")
    sys.stdout.write("Made by `python -m xpnet.autodiff > docs/functions.md`.\n\n")
    sys.stdout.write(markdown_table() + "\n")

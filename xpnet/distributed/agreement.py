"""The comparison of values that must be equal on all ranks, before training begins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xpnet.distributed.communicator import Objects
from xpnet.errors import StateError


def agree(group: Objects, what: Mapping[str, Any]) -> None:
    """Compare named values, ``agree(group, {"seed": 0, "rows": 60000})``, with those of rank 0; every rank calls it.

    Raises: ``StateError`` on every rank if a value differs, with the name, the values and the ranks.

    >>> agree(connect(), {"seed": 0, "rows": 60000})  # of one rank; others raise where they differ
    """
    told = group.gather_objects(
        {name: value if isinstance(value, str) else repr(value) for name, value in what.items()}
    )
    first = told[0]
    for rank, other in enumerate(told):
        for name in [*first, *(other.keys() - first.keys())]:
            here, there = first.get(name, "nothing"), other.get(name, "nothing")
            if here != there:
                must = f"all ranks must have the same {name}"
                got = f"{there} on rank {rank} and {here} on rank 0"
                raise StateError("distributed", must, got, "start all of them with the same script and options")

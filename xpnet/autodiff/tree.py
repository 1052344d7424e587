"""Nested dicts, lists and tuples of arrays: their leaves, and functions applied to each leaf."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def leaves(tree: Any) -> list[Any]:
    """Return the arrays of nested dicts, lists and tuples, in order."""
    if hasattr(tree, "dtype"):  # tested first: most trees are arrays, and the test for a Mapping is slow
        return [tree]
    if type(tree) is dict or isinstance(tree, Mapping):
        return [leaf for branch in tree.values() for leaf in leaves(branch)]
    if isinstance(tree, list | tuple):
        return [leaf for branch in tree for leaf in leaves(branch)]
    return [] if tree is None else [tree]


def same_form(function: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """Return ``function(leaf, ...)`` for every leaf, in dicts, lists and tuples like those of ``tree``."""
    if hasattr(tree, "dtype"):
        return function(tree, *others)
    if type(tree) is dict and not others:
        return {key: same_form(function, branch) for key, branch in tree.items()}
    if isinstance(tree, Mapping):
        return {key: same_form(function, tree[key], *(other[key] for other in others)) for key in tree}
    if isinstance(tree, list | tuple):
        branches = [same_form(function, *pieces) for pieces in zip(tree, *others, strict=True)]
        return type(tree)(*branches) if hasattr(tree, "_fields") else type(tree)(branches)
    return None if tree is None else function(tree, *others)

"""The facts about a run: what its network takes and answers, its layers, its training and its files."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from xpnet.backend import dtype_name
from xpnet.datasets import Classes, Columns, Images, Numbers, Symbols
from xpnet.datasets.byte_pairs import BytePairs
from xpnet.networks import TransformerLM
from xpnet.networks.summary import count, rows_of
from xpnet.training.history import Epoch, finite
from xpnet.training.runs import BEST, Run


def about(run: Run) -> dict[str, Any]:
    """Return the facts about a run, for JSON."""
    kept = kept_epoch(run)
    W = next(iter(run.network.params.values()), None)
    told = {
        "run": str(run.folder),
        "takes": taken(run),
        "answers": answered(run),
        "network": {
            "class": type(run.network).__name__,
            "parameters": count(run.network),
            "dtype": None if W is None else dtype_name(W.dtype),
            "layers": [dict(zip(("name", "kind", "arrays", "parameters"), row, strict=True))
                       for row in rows_of(run.network)],
        },
        "training": {
            "epochs": len(run.history),
            "weights of epoch": None if kept is None else kept.epoch,
            "results": {name: value for name, value in asdict(kept).items() if value is not None} if kept else None,
            "measure": run.measure,
            "settings": run.settings,
        },
        "files": {file.name: file.stat().st_size for file in sorted(run.folder.iterdir()) if file.is_file()},
    }  # fmt: skip
    whole: dict[str, Any] = finite(told)
    return whole


def kept_epoch(run: Run) -> Epoch | None:
    """Return the record of the epoch whose weights the network has: of the best, or of the last if that is kept."""
    if not run.history:
        return None
    best = (run.folder / BEST).is_file()
    return min(run.history, key=lambda record: record.watched) if best else run.history[-1]


def taken(run: Run) -> dict[str, Any]:
    """Return the kind of rows that a run takes, with their columns, size or width."""
    inputs = run.encoding.inputs
    if isinstance(inputs, Columns):
        columns = [
            {"name": column.name, "kind": column.kind}
            | ({"categories": column.categories} if column.kind == "category" else {})
            | ({"mean": column.mean, "std": column.std} if column.kind in ("number", "date") else {})
            for column in inputs.columns
            if column.width
        ]
        return {"kind": "table", "columns": columns, "missing": inputs.missing}
    if isinstance(inputs, Images):
        drawn = inputs.strokes is not None
        return {"kind": "images", "size": list(inputs.size), "channels": inputs.channels, "drawn": drawn}
    if isinstance(inputs, Symbols | BytePairs):
        writes = isinstance(run.network, TransformerLM)
        return {"kind": "text", "symbols": inputs.width, "context": getattr(run.network, "context", None),
                "writes": writes}  # fmt: skip
    return {"kind": "numbers", "shape": None if run.encoding.row is None else list(run.encoding.row)}


def answered(run: Run) -> dict[str, Any]:
    """Return the kind of answers that a run gives, with the names of the classes."""
    targets = run.encoding.targets
    name = run.settings.get("target")
    told: dict[str, Any] = {} if name is None else {"name": name}
    if isinstance(targets, Classes):
        return {"kind": "classes", "classes": targets.names, **told}
    if isinstance(targets, Numbers):
        return {"kind": "numbers", "mean": targets.mean, "std": targets.std, **told}
    if isinstance(run.network, TransformerLM):
        return {"kind": "text", **told}
    return {"kind": type(run.network.last_layer).__name__, **told}

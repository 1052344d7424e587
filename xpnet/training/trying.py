"""The first look of a Trainer at its data: one row is tried, and all are checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from xpnet.backend import dtype_kind
from xpnet.datasets import Encoding, check_data
from xpnet.datasets.array_files import on_disk
from xpnet.errors import ShapeError
from xpnet.layers import SigmoidWithLoss
from xpnet.layers.loss import Loss, takes_classes
from xpnet.networks import Network
from xpnet.networks.measures import measure_for
from xpnet.training.sequences import started_anew


def tried(
    who: str, network: Network, parts: Sequence[Any], first: Sequence[Any], encoding: Encoding | None, named: bool
) -> str | None:
    """Return the name of what is measured on such rows, if it is to be ``named`` and they are right or wrong.

    ``first`` is the first of the rows, on the device of the network.

    Raises: errors of the loss of one row, and of a check of all rows, that find a fault in the data.
    """
    last, (x, t, *_) = network.last_layer, first
    labels = takes_classes(last)  # other losses may refuse integers: no label is to blame there
    with np.errstate(over="ignore", invalid="ignore"), started_anew(network):
        if not labels:
            network.loss(x, t, predict=True)
        y = network.predict(x)
        names = None if encoding is None else getattr(encoding.targets, "names", None)
        count = last.classes_of(y) if isinstance(last, Loss) else y.shape[-1]
        if labels and names is not None and count != len(names):
            shown = ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
            must = f"the network must give a score for each of the {len(names)} classes {shown}"
            remedy = f"let its last layer give {len(names)}, or learn numbers with MeanSquaredError()"
            raise ShapeError(who, must, count, remedy)
        indices = dtype_kind(t) == "integer" and not isinstance(last, SigmoidWithLoss)
        classes = count if indices and (labels or count > 1) else None
        if not on_disk(parts):  # rows on disk are checked when they are read
            check_data(parts[0], parts[1], classes, getattr(last, "ignore_index", None))
        if labels:
            network.loss(x, t, predict=True)
        right_or_wrong = labels or classes is not None or isinstance(last, SigmoidWithLoss)
        scored = named and right_or_wrong and getattr(last, "of_scores", True)
        return measure_for(type(network).__name__, last, y, t).name if scored else None

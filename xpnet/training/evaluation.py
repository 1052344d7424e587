"""The quality of a network on rows with their labels: loss, accuracy and errors, by class and in the user's units."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.backend import get_backend, to_numpy
from xpnet.backend.several import placed
from xpnet.datasets import Numbers
from xpnet.layers import SigmoidWithLoss, SoftmaxWithLoss
from xpnet.training.answers import classes_of, shares_of
from xpnet.training.history import finite
from xpnet.training.measuring import measured
from xpnet.training.metrics import metrics_of
from xpnet.training.rows import Preparation
from xpnet.training.runs import Run

OF_CLASSES = ("accuracy", "precision", "recall", "f1")
OF_NUMBERS = ("mae", "rmse", "r2")


def evaluate(run: Run, rows: Any, labels: Any) -> dict[str, Any]:
    """Return the loss and the metrics of a run on rows with their labels, both as the user has them, for JSON.

    For classes they are accuracy, precision, recall and F1, with the rows of each class and those that are right; for
    numbers the mean absolute error and the root of the mean squared error, in the unit of the target, and R²; for texts
    accuracy and perplexity.

    Raises: ``DataError`` for labels that training has not seen, and errors of the encoding.
    """
    network, encoding, backend = run.network, run.encoding, get_backend()
    make = Preparation("evaluate", network, encoding)
    found = make.rows("rows", (placed(backend.asarray, encoding.x(rows)), backend.asarray(encoding.t(labels))))
    answers = isinstance(network.last_layer, SoftmaxWithLoss | SigmoidWithLoss)
    of_text = found.t.ndim == 2 and isinstance(network.last_layer, SoftmaxWithLoss)
    names = ("accuracy", "perplexity") if of_text else OF_CLASSES if answers else OF_NUMBERS
    metrics = metrics_of("evaluate", names, network.last_layer)
    summed = getattr(network.last_layer, "reduction", "mean") == "sum"
    loss, _, values = measured("evaluate", network, found.arrays, make.backend, summed, None, metrics)
    if isinstance(encoding.targets, Numbers):
        values |= {name: encoding.targets.std * values[name] for name in ("mae", "rmse")}
    told: dict[str, Any] = {"rows": found.count, "loss": loss, **values}
    scores = to_numpy(network.predict(found.x))
    classes = None if of_text else classes_of(network, encoding.targets, scores, labels)
    if classes is not None:
        t, taken = classes.encode(labels), shares_of(scores).argmax(axis=1)
        told["classes"] = {
            name: {"rows": int(np.sum(t == k)), "right": int(np.sum((t == k) & (taken == k)))}
            for k, name in enumerate(classes.names)
        }
    whole: dict[str, Any] = finite(told)
    return whole

"""scikit-learn: one batch at a time through ``MLPClassifier.partial_fit``."""

from __future__ import annotations

from typing import Any

from sklearn.neural_network import MLPClassifier


class Classifier:
    def __init__(self, job: Any) -> None:
        workload = job.workload
        self.batches = list(zip(job.x, job.t, strict=True))
        self.model = MLPClassifier(
            tuple(workload["sizes"][1:-1]),
            solver="adam" if workload["optimizer"] == "adam" else "sgd",
            momentum=0.9 if workload["optimizer"] == "momentum" else 0.0,
            nesterovs_momentum=False,
            learning_rate_init=workload["lr"],
            alpha=0.0,
            batch_size=workload["batch"],
            shuffle=False,
        )
        self.model.partial_fit(*self.batches[0], classes=range(workload["sizes"][-1]))
        arrays = list(job.weights().values())
        self.model.coefs_, self.model.intercepts_ = arrays[::2], arrays[1::2]
        del self.model._optimizer  # the next step makes one for the new weights

    def step(self, x: Any, t: Any) -> float:
        self.model.partial_fit(x, t)
        return float(self.model.loss_)

    def wait(self) -> None:
        pass

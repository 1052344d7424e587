"""Small workloads, and competitors of them."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.race import (
    COMPETITORS,
    WORKLOADS,
    Workload,
)
from benchmarks.race.peers import Competitor

LATE = {1: 1e-5, 20: 1e-5}
PERCEPTRON = Workload("P", "mlp", "6-5-3, SGD, batch 4", (6, 5, 3), 4, "sgd", 0.1, batches=3, agree=LATE)
TINY = {
    "sgd": PERCEPTRON,
    "momentum": replace(PERCEPTRON, optimizer="momentum"),
    "adam": replace(PERCEPTRON, optimizer="adam", lr=0.01),
    "convnet": replace(WORKLOADS["W4"], batch=2, batches=2),
    "transformer": replace(WORKLOADS["W5"], sizes=(7, 6, 8), batch=2, batches=2, layers=2, heads=2),
}
XPNET, PRODUCTS = COMPETITORS["xpnet"], COMPETITORS["products"]
BROKEN = Competitor("broken", "broken", "numpy", "numpy", "NoSuchClass")

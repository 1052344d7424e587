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
    "resnet": replace(WORKLOADS["W6"], sizes=(4, 2, 3), batch=2, batches=2),
    "lstm": replace(WORKLOADS["W7"], sizes=(7, 3, 4, 5), batch=2, batches=2),
    "generate": replace(WORKLOADS["W8"], sizes=(7, 6, 8, 4), layers=1, heads=2),
    "attention": replace(WORKLOADS["W9"], sizes=(6, 8), batch=2, batches=2, heads=2),
    "normalized": replace(PERCEPTRON, kind="normalized", sizes=(6, 5, 5, 3), drop=0.5),
    "jacobian": replace(WORKLOADS["W11"], sizes=(4, 3), batches=2),
    "hessian": replace(WORKLOADS["W12"], sizes=(4, 3), batches=2),
    "jvp": replace(WORKLOADS["W13"], sizes=(4, 3), batches=2),
    "likelihood": replace(WORKLOADS["W14"], sizes=(4, 3), batches=2),
    "filter": replace(WORKLOADS["W15"], sizes=(4, 4), batches=2),
}
PEERS = ["xpnet", "torch", "torch-fused", "jax", "autograd", "sklearn"]
PAIRS = [(name, kind) for kind, one in TINY.items() for name in PEERS if one.kind in COMPETITORS[name].workloads]
XPNET, PRODUCTS = COMPETITORS["xpnet"], COMPETITORS["products"]
BROKEN = Competitor("broken", "broken", "numpy", "numpy", "NoSuchClass")

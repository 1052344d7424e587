"""The workloads: small trainings of the kinds people run, functions with derivatives, and one that only infers."""

from __future__ import annotations

from dataclasses import dataclass, field

MLP, CONVNET, TRANSFORMER, RESNET = "mlp", "convnet", "transformer", "resnet"
LSTM, ATTENTION, NORMALIZED, GENERATE = "lstm", "attention", "normalized", "generate"
JACOBIAN, HESSIAN, JVP, LIKELIHOOD, FILTER = "jacobian", "hessian", "jvp", "likelihood", "filter"
NETWORKS = (MLP, CONVNET, TRANSFORMER, RESNET, LSTM, ATTENTION, NORMALIZED)
FUNCTIONS = (JACOBIAN, HESSIAN, JVP, LIKELIHOOD, FILTER)

CLASSES, PIXELS, SIDE = 10, 784, 28
FILTERS, KERNEL, HIDDEN = 30, 5, 100


@dataclass(frozen=True)
class Workload:
    """A training: a network, a batch size and an optimizer; or a function, which goes down its gradient.

    ``sizes`` are the widths of an MLP from input to output; vocabulary, context and width of a transformer, and the
    number of new symbols; vocabulary, steps and widths of an LSTM; side of the images and channels of each stage of a
    ResNet; context and width of attention alone; arguments and results of a function. ``std`` is that of the
    initial weights, None for He's. ``drop`` is the share that dropout drops while it is timed: losses are compared
    without, for each library draws masks of its own. ``agree`` maps a number of steps to the relative difference that
    float32 allows in the loss after them: Adam divides by the size of each gradient, which spreads rounding.
    """

    name: str
    kind: str
    summary: str
    sizes: tuple[int, ...]
    batch: int
    optimizer: str
    lr: float
    batches: int = 20
    std: float | None = None
    layers: int = 0
    heads: int = 0
    drop: float = 0.0
    agree: dict[int, float] = field(default_factory=dict)

    @property
    def file(self) -> str:
        """The file in ``peers/`` that every library shares for this kind, or an empty text: each has its own."""
        return "functions" if self.kind in FUNCTIONS else "generate" if self.kind == GENERATE else ""


EARLY = {1: 1e-5, 2: 1e-4}
LATE = {1: 1e-5, 20: 1e-5}

WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload(
            "W1", MLP, "784-50-10, SGD, batch 100", (784, 50, 10), 100, "sgd", 0.1, batches=100, std=0.01, agree=LATE
        ),
        Workload("W2", MLP, "784-512-512-10, Adam, batch 128", (784, 512, 512, 10), 128, "adam", 1e-3, 80, agree=EARLY),
        Workload(
            "W3", MLP, "784-2048-2048-10, momentum, batch 512", (784, 2048, 2048, 10), 512, "momentum", 0.01, agree=LATE
        ),
        Workload(
            "W4", CONVNET, "the book's SimpleConvNet, Adam, batch 100", (), 100, "adam", 1e-3, 60, 0.01, agree=EARLY
        ),
        Workload(
            "W5",
            TRANSFORMER,
            "transformer, 4 layers of width 128, AdamW, batch 16 of 64 tokens",
            (96, 64, 128),
            16,
            "adamw",
            3e-4,
            std=0.02,
            layers=4,
            heads=4,
            agree=EARLY,
        ),
        Workload(
            "W6",
            RESNET,
            "ResNet of 3 stages, batch norm, momentum, batch 64 of 3x32x32",
            (32, 16, 32, 64),
            64,
            "momentum",
            0.01,
            batches=8,
            agree=EARLY,
        ),
        Workload(
            "W7",
            LSTM,
            "LSTM language model of 256 units, Adam, batch 32 of 64 steps",
            (96, 64, 128, 256),
            32,
            "adam",
            1e-3,
            std=0.06,
            agree=EARLY,
        ),
        Workload(
            "W8",
            GENERATE,
            "200 tokens by a transformer, 4 layers of width 128",
            (96, 256, 128, 200),
            1,
            "",
            0.0,
            batches=1,
            std=0.1,
            layers=4,
            heads=4,
            agree={1: 1e-9},
        ),
        Workload(
            "W9",
            ATTENTION,
            "causal attention over 1024, width 256, SGD, batch 4",
            (1024, 256),
            4,
            "sgd",
            0.1,
            batches=4,
            std=0.06,
            heads=8,
            agree=LATE,
        ),
        Workload(
            "W10",
            NORMALIZED,
            "784-512-512-10 with batch norm and dropout, Adam, batch 128",
            (784, 512, 512, 10),
            128,
            "adam",
            1e-3,
            80,
            drop=0.5,
            agree=EARLY,
        ),
        Workload("W11", JACOBIAN, "jacobian, 100 → 100", (100, 10), 1, "", 0.0, 8, agree={1: 1e-5}),
        Workload("W12", HESSIAN, "hessian of a network, 100 arguments", (100, 10), 1, "", 0.0, 8, agree={1: 1e-5}),
        Workload("W13", JVP, "jvp of a network, 100 arguments", (100, 10), 1, "", 0.0, 8, agree={1: 1e-5}),
        Workload(
            "W14", LIKELIHOOD, "log-determinant and solve, 200x200, SGD", (200, 200), 1, "sgd", 0.1, 8, agree={1: 1e-5}
        ),
        Workload("W15", FILTER, "filter by FFT, 256x256, SGD", (256, 256), 1, "sgd", 1.0, 8, 1.0, agree={1: 1e-5}),
    )
}

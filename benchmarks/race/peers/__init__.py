"""The competitors: a file for each library, which only a process of its own ever loads.

What they share has a file as well: ``functions.py`` the formulas, ``generate.py`` a transformer that writes. A class
trains one workload. It is made of a ``Job`` (see ``worker.py``) and has ``batches``, pairs (x, t) in
its library's arrays, ``step(x, t)``, one training step that returns the loss, and ``wait()`` for what still runs; where
there is dropout ``drop(ratio)`` begins it.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

GPU_BACKEND = "cupy"
BOOK = ("mlp", "convnet", "transformer")
NORMAL = ("lstm", "attention", "normalized")
FUNCTIONS = ("jacobian", "hessian", "jvp", "likelihood", "filter")
EVERY = (*BOOK, "resnet", *NORMAL, "generate", *FUNCTIONS)


@dataclass(frozen=True)
class Competitor:
    """A competitor: ``kind`` is the class in the file of ``library``, ``package`` the distribution that installs it.

    ``tuned`` runs behind ``xpnet.tune()``, ``fast`` with the compiled loops of numba. ``captured`` runs on a GPU
    alone. ``computes`` is False where no network is trained, and no loss comes.
    """

    name: str
    label: str
    library: str
    package: str
    kind: str
    workloads: tuple[str, ...] = EVERY
    tuned: bool = False
    fast: bool = False
    captured: bool = False
    computes: bool = True

    @property
    def installed(self) -> bool:
        return find_spec(self.library) is not None and (not self.fast or find_spec("numba") is not None)

    def runs(self, gpu: bool) -> bool:
        """Return whether it can run on a GPU, or on a CPU."""
        return self.library in ("xpnet", "torch", "jax") and not (self.tuned or self.fast) if gpu else not self.captured


FLOOR = ("numpy", "numpy", "Products", (*BOOK, *NORMAL))
COMPETITORS = {
    competitor.name: competitor
    for competitor in (
        Competitor("xpnet-captured", "xpnet, captured", "xpnet", "xpnet", "Captured", captured=True),
        Competitor("xpnet-fast", "xpnet, tuned, numba", "xpnet", "xpnet", "Explicit", tuned=True, fast=True),
        Competitor("xpnet-tuned", "xpnet, tuned", "xpnet", "xpnet", "Explicit", tuned=True),
        Competitor("xpnet-numba", "xpnet, numba", "xpnet", "xpnet", "Explicit", fast=True),
        Competitor("xpnet", "xpnet", "xpnet", "xpnet", "Explicit"),
        Competitor("torch", "torch eager", "torch", "torch", "Eager"),
        Competitor("torch-fused", "torch, fused", "torch", "torch", "Fused", (*BOOK, "resnet", *NORMAL)),
        Competitor("torch-compile", "torch.compile", "torch", "torch", "Compiled", BOOK),
        Competitor("jax", "JAX jit", "jax", "jax", "Jit"),
        Competitor("autograd", "HIPS autograd", "autograd", "autograd", "Traced", (*BOOK, *NORMAL, *FUNCTIONS)),
        Competitor("sklearn", "scikit-learn", "sklearn", "scikit-learn", "Classifier", ("mlp",)),
        Competitor(
            "products-tuned",
            "products alone, tuned",
            "numpy",
            "numpy",
            "Products",
            (*BOOK, *NORMAL),
            tuned=True,
            computes=False,
        ),
        Competitor("products", "products alone", "numpy", "numpy", "Products", (*BOOK, *NORMAL), computes=False),
    )
}

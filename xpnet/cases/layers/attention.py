"""Cases of attention."""

import numpy as np

from xpnet.cases.case import Case, Host, normal
from xpnet.layers import MultiHeadAttention

PARAMETERS = (
    *(normal(name, 3, 4) for name in ("Wq", "Wk", "Wv")),
    normal("Wo", 4, 3),
    *(normal(name, 4) for name in ("bq", "bk", "bv")),
    normal("bo", 3),
)
MASK = np.asarray([[False, False, False], [True, False, True]])  # the first sequence may attend to nothing


def attention(x: Host, allowed: Host, *parameters: Host, heads: int = 2) -> Host:
    """Compute one query of one head at a time; ``allowed (N, L, L)``."""
    Wq, Wk, Wv, Wo, bq, bk, bv, bo = parameters
    q, k, v = x @ Wq + bq, x @ Wk + bk, x @ Wv + bv
    a = np.zeros(q.shape)
    E = q.shape[2] // heads
    for n, t, h in np.ndindex(*x.shape[:2], heads):
        columns = slice(h * E, (h + 1) * E)
        seen = np.flatnonzero(allowed[n, t])
        if seen.size:
            e = np.exp(k[n, seen, columns] @ q[n, t, columns] / np.sqrt(E))
            a[n, t, columns] = (e / np.sum(e)) @ v[n, seen, columns]
    return np.asarray(a @ Wo + bo)


CASES = (
    Case(
        "MultiHeadAttention, masked",
        MultiHeadAttention,
        (normal("x", 2, 3, 3), MASK),
        lambda x, mask, *parameters: attention(x, np.repeat(mask[:, None, :], 3, axis=1), *parameters),
        PARAMETERS,
        {"heads": 2},
    ),
    Case(
        "MultiHeadAttention, causal",
        MultiHeadAttention,
        (normal("x", 2, 3, 3),),
        lambda x, *parameters: attention(x, np.tile(np.tri(3) > 0, (2, 1, 1)), *parameters),
        PARAMETERS,
        {"heads": 2, "causal": True},
    ),
)

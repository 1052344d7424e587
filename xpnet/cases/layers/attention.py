"""Cases of attention."""

import numpy as np

from xpnet.cases.case import Case, Host, normal
from xpnet.layers import CrossAttention, MultiHeadAttention

PARAMETERS = (
    *(normal(name, 3, 4) for name in ("Wq", "Wk", "Wv")),
    normal("Wo", 4, 3),
    *(normal(name, 4) for name in ("bq", "bk", "bv")),
    normal("bo", 3),
)
MASK = np.asarray([[False, False, False], [True, False, True]])  # the first sequence may attend to nothing


def attention(
    x: Host,
    allowed: Host,
    *parameters: Host,
    heads: int = 2,
    memory: Host | None = None,
    rotary: bool = False,
    slopes: tuple[float, ...] = (0.0, 0.0),
) -> Host:
    """Compute one query of one head at a time; ``allowed (N, heads, L, S)``; biases may be left out."""
    Wq, Wk, Wv, Wo, *biases = parameters
    bq, bk, bv, bo = biases or np.zeros(4)
    m = x if memory is None else memory
    q, k, v = x @ Wq + bq, m @ Wk + bk, m @ Wv + bv
    a = np.zeros(q.shape)
    E = q.shape[2] // heads
    shared = heads * E // k.shape[2]
    for n, h, t in np.ndindex(len(x), heads, x.shape[1]):
        columns, of_group = slice(h * E, (h + 1) * E), slice(h // shared * E, (h // shared + 1) * E)
        seen = np.flatnonzero(allowed[n, h, t])
        keys, query = k[n, seen, of_group], q[n, t, columns]
        if rotary:
            keys, query = np.stack([turned(key, float(s)) for key, s in zip(keys, seen, strict=True)]), turned(query, t)
        if seen.size:
            e = np.exp(keys @ query / np.sqrt(E) - slopes[h] * np.abs(t - seen))
            a[n, t, columns] = (e / np.sum(e)) @ v[n, seen, of_group]
    return np.asarray(a @ Wo + bo)


def turned(x: Host, t: float) -> Host:
    """Turn the pairs of columns as complex numbers."""
    E = len(x)
    y = (x[0::2] + 1j * x[1::2]) * np.exp(1j * t / 10000.0 ** (np.arange(0, E, 2) / E))
    return np.stack([y.real, y.imag], axis=-1).reshape(E)


def of_keys(mask: Host, L: int = 3) -> Host:
    """Return a mask of keys for each head and query."""
    return np.broadcast_to(mask[:, None, None, :], (len(mask), 2, L, mask.shape[1]))


PAST = np.broadcast_to(np.tri(3) > 0, (2, 2, 3, 3))
GROUPED = (normal("Wq", 3, 4), normal("Wk2", 3, 2), normal("Wv2", 3, 2), normal("Wo", 4, 3))
ANY = np.asarray([[[[1, 1, 1], [0, 1, 1], [1, 0, 1]]], [[[1, 1, 0], [1, 1, 1], [0, 0, 0]]]]) > 0
SOME = np.asarray([[True, True, False], [True, False, True]])
OF_MEMORY = np.asarray([[True, False], [True, True]])
TO_MEMORY = (*PARAMETERS[:1], normal("Uk", 2, 4), normal("Uv", 2, 4), *PARAMETERS[3:])

CASES = (
    Case(
        "MultiHeadAttention, masked",
        MultiHeadAttention,
        (normal("x", 2, 3, 3), MASK),
        lambda x, mask, *parameters: attention(x, of_keys(mask), *parameters),
        PARAMETERS,
        {"heads": 2},
    ),
    Case(
        "MultiHeadAttention, causal",
        MultiHeadAttention,
        (normal("x", 2, 3, 3),),
        lambda x, *parameters: attention(x, PAST, *parameters),
        PARAMETERS,
        {"heads": 2, "causal": True},
    ),
    Case(
        "MultiHeadAttention, rotary in groups and a window, without biases",
        MultiHeadAttention,
        (normal("x", 2, 3, 3),),
        lambda x, *parameters: attention(x, PAST & (np.tri(3, k=-2) == 0), *parameters, rotary=True),
        GROUPED,
        {"heads": 2, "kv_heads": 1, "causal": True, "window": 2, "positions": "rotary"},
    ),
    Case(
        "MultiHeadAttention, ALiBi and any mask",
        MultiHeadAttention,
        (normal("x", 2, 3, 3), ANY),
        lambda x, mask, *parameters: attention(
            x, np.broadcast_to(mask, (2, 2, 3, 3)), *parameters, slopes=(2.0**-4, 2.0**-8)
        ),
        PARAMETERS,
        {"heads": 2, "positions": "alibi"},
    ),
    Case(
        "CrossAttention, masks of both sides",
        CrossAttention,
        (normal("x", 2, 3, 3), normal("m", 2, 2, 2), SOME, OF_MEMORY),
        lambda x, memory, mask, memory_mask, *parameters: attention(
            x, of_keys(memory_mask) & mask[:, None, :, None], *parameters, memory=memory
        ),
        TO_MEMORY,
        {"heads": 2},
    ),
)

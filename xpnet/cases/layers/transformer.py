"""The cases of the Transformer's blocks."""

from typing import Any

import numpy as np

from xpnet.cases.case import Case, Host, normal
from xpnet.cases.layers import attention
from xpnet.layers import (
    CrossAttention,
    DecoderBlock,
    Gelu,
    LayerNormalization,
    Linear,
    MultiHeadAttention,
    TransformerBlock,
)

D, M = 3, 2
PARAMETERS = (
    *(normal("gamma1", D), normal("beta1", D)),
    *attention.PARAMETERS,
    *(normal("gamma2", D), normal("beta2", D)),
    *(normal("W1", D, M), normal("b1", M), normal("W2", M, D), normal("b2", D)),
)


def make(*parameters: Any) -> TransformerBlock:
    return TransformerBlock(
        [LayerNormalization(*parameters[:2]), MultiHeadAttention(*parameters[2:10], heads=2)],
        [LayerNormalization(*parameters[10:12]), Linear(*parameters[12:14]), Gelu("tanh"), Linear(*parameters[14:])],
    )


def normalized(x: Host, gamma: Host, beta: Host) -> Host:
    centred = x - np.mean(x, axis=-1, keepdims=True)
    return np.asarray(gamma * centred / np.sqrt(np.mean(centred**2, axis=-1, keepdims=True) + 1e-5) + beta)


def gelu(x: Host) -> Host:
    return np.asarray(0.5 * x * (1.0 + np.tanh(np.sqrt(2.0 / np.pi) * (x + 0.044715 * x**3))))


def block(x: Host, mask: Host, *parameters: Host) -> Host:
    gamma2, beta2, W1, b1, W2, b2 = parameters[10:]
    h = x + attention.attention(normalized(x, *parameters[:2]), attention.of_keys(mask), *parameters[2:10])
    return np.asarray(h + gelu(normalized(h, gamma2, beta2) @ W1 + b1) @ W2 + b2)


OF_DECODER = (
    *PARAMETERS[:10],
    *(normal("gamma3", D), normal("beta3", D)),
    *attention.TO_MEMORY,
    *PARAMETERS[10:],
)


def make_decoder(*parameters: Any) -> DecoderBlock:
    return DecoderBlock(
        [LayerNormalization(*parameters[:2]), MultiHeadAttention(*parameters[2:10], heads=2, causal=True)],
        [LayerNormalization(*parameters[10:12]), CrossAttention(*parameters[12:20], heads=2)],
        [LayerNormalization(*parameters[20:22]), Linear(*parameters[22:24]), Gelu("tanh"), Linear(*parameters[24:])],
    )


def decoder(x: Host, memory: Host, mask: Host, memory_mask: Host, *parameters: Host) -> Host:
    gamma, beta, W1, b1, W2, b2 = parameters[20:]
    g = x + attention.attention(
        normalized(x, *parameters[:2]), attention.PAST & mask[:, None, None, :], *parameters[2:10]
    )
    allowed = attention.of_keys(memory_mask) & mask[:, None, :, None]
    h = g + attention.attention(normalized(g, *parameters[10:12]), allowed, *parameters[12:20], memory=memory)
    return np.asarray(h + gelu(normalized(h, gamma, beta) @ W1 + b1) @ W2 + b2)


CASES = (
    Case(
        "TransformerBlock",
        TransformerBlock,
        (normal("x", 2, 3, D), attention.MASK),
        block,
        PARAMETERS,
        make=make,
    ),
    Case(
        "DecoderBlock",
        DecoderBlock,
        (normal("x", 2, 3, D), normal("m", 2, 2, 2), attention.SOME, attention.OF_MEMORY),
        decoder,
        OF_DECODER,
        make=make_decoder,
    ),
)

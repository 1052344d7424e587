"""Attention of short and long sequences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.layer_rows.row import Row


def attention(name: str, shape: tuple[int, int, int], heads: int, causal: bool = False, kv_heads: int = 0) -> Row:
    """Self-attention beside torch's ``scaled_dot_product_attention`` between Linear layers."""
    D = shape[2]
    B = D // heads * (kv_heads or heads)

    def ours() -> Any:
        from xpnet.layers import MultiHeadAttention

        return MultiHeadAttention.create(D, heads, causal=causal, kv_heads=kv_heads or None)

    def theirs() -> Any:
        from torch import nn

        class Attention(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.qkv, self.out = nn.Linear(D, D + 2 * B), nn.Linear(D, D)

            def forward(self, x: Any) -> Any:
                N, L, _ = x.shape
                parts = self.qkv(x).split((D, B, B), dim=2)
                q, k, v = (part.view(N, L, -1, D // heads).transpose(1, 2) for part in parts)
                options = {"is_causal": causal, "enable_gqa": bool(kv_heads)}
                a = nn.functional.scaled_dot_product_attention(q, k, v, **options)
                return self.out(a.transpose(1, 2).reshape(N, L, D))

        return Attention()

    return Row(name, shape, ours, theirs)


def rows() -> Iterator[Row]:
    """Yield attention of the benchmark's Transformer, of long sequences, and of grouped heads."""
    yield attention("attention, 64 positions, causal", (16, 64, 128), 4, causal=True)
    yield attention("attention, 256 positions", (8, 256, 256), 8)
    yield attention("attention, 1024 positions", (4, 1024, 256), 8)
    yield attention("attention, 1024 positions, causal", (4, 1024, 256), 8, causal=True)
    yield attention("attention, 512 positions, 2 heads of keys for 8", (4, 512, 256), 8, True, 2)

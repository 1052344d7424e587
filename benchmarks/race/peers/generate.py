"""A transformer that writes: the symbol with the highest score, again and again.

torch and JAX keep the keys and values of all symbols before, and compute those of the new one alone. The number that
is compared is the mean of the symbols, each weighted by its place. A class has the name of the library's class in the
files of networks.
"""

from __future__ import annotations

from typing import Any


class Generation:
    def __init__(self, job: Any) -> None:
        self.workload = job.workload
        _, context, _, self.count = self.workload["sizes"]
        self.prepare(job, job.weights())
        self.batches = [(x[:, : context - self.count], None) for x in job.x]

    def prepare(self, job: Any, weights: dict[str, Any]) -> None:
        raise NotImplementedError

    def write(self, prompt: Any) -> Any:
        raise NotImplementedError

    def step(self, prompt: Any, _: Any) -> float:
        written = self.write(prompt)
        return sum(place * int(symbol) for place, symbol in enumerate(written, 1)) / len(written)

    def wait(self) -> None:
        pass


class Explicit(Generation):
    """xpnet."""

    def prepare(self, job: Any, weights: dict[str, Any]) -> None:
        import xpnet as xn
        from xpnet.networks import TransformerLM

        self.backend = xn.set_backend(job.backend, dtype=job.dtype)
        vocabulary, context, width, _ = self.workload["sizes"]
        self.network = TransformerLM(vocabulary, context, width, self.workload["heads"], self.workload["layers"])
        for name, value in zip(self.network.params, weights.values(), strict=True):
            self.network.params[name] = self.backend.asarray(value)

    def write(self, prompt: Any) -> Any:
        symbols = self.network.generate(self.backend.asarray(prompt), self.count, temperature=0.0)
        return self.backend.to_numpy(symbols)[0, -self.count :]


class Cached(Generation):
    """The network, but for what an array library calls otherwise: ``put``, ``norm``, ``gelu``, ``mix``."""

    def through(self, w: dict[str, Any], cache: list[Any], symbols: Any, start: int) -> tuple[Any, list[Any]]:
        """Return the scores behind the last symbol, and the cache with those from ``start`` on in it."""
        x, kept = w["tokens"][symbols] + w["positions"][start + self.range(symbols.shape[1])], []
        N, L, D = x.shape
        for block, (keys, values) in enumerate(cache, 1):
            h = self.norm(x, w[f"{block}.gamma1"], w[f"{block}.beta1"])
            q, k, v = (
                (h @ w[f"{block}.W{part}"] + w[f"{block}.b{part}"])
                .reshape(N, L, self.workload["heads"], -1)
                .swapaxes(1, 2)
                for part in "qkv"
            )
            keys, values = self.put_at(keys, k, start), self.put_at(values, v, start)
            mixed = self.mix(q, keys, values, start)
            x = x + mixed.swapaxes(1, 2).reshape(N, L, D) @ w[f"{block}.Wo"] + w[f"{block}.bo"]
            h = self.norm(x, w[f"{block}.gamma2"], w[f"{block}.beta2"])
            h = self.gelu(h @ w[f"{block}.W1"] + w[f"{block}.b1"])
            x = x + h @ w[f"{block}.W2"] + w[f"{block}.b2"]
            kept.append((keys, values))
        return self.norm(x[:, -1:], w["gamma"], w["beta"]) @ w["W"], kept

    def room(self, zeros: Any) -> list[Any]:
        _, context, width, _ = self.workload["sizes"]
        heads = self.workload["heads"]
        shape = (self.workload["batch"], heads, context, width // heads)
        return [(zeros(shape), zeros(shape)) for _ in range(self.workload["layers"])]

    range: Any
    norm: Any
    gelu: Any
    put_at: Any
    mix: Any


class Eager(Cached):
    """torch."""

    def prepare(self, job: Any, weights: dict[str, Any]) -> None:
        import torch
        from torch.nn import functional as F  # noqa: N812

        torch.set_num_threads(job.threads)
        device = torch.device("cuda" if job.gpu else "cpu")
        self.torch, self.weights = torch, {name: torch.tensor(w, device=device) for name, w in weights.items()}
        self.asarray: Any = lambda values: torch.tensor(values, device=device)
        self.range = lambda count: torch.arange(count, device=device)
        self.norm = lambda x, gamma, beta: F.layer_norm(x, x.shape[-1:], gamma, beta)
        self.gelu = lambda x: F.gelu(x, approximate="tanh")

        def put_at(kept: Any, new: Any, start: int) -> Any:
            kept[:, :, start : start + new.shape[2]] = new
            return kept

        def mix(q: Any, keys: Any, values: Any, start: int) -> Any:
            end = start + q.shape[2]
            return F.scaled_dot_product_attention(q, keys[:, :, :end], values[:, :, :end], is_causal=not start)

        self.put_at, self.mix = put_at, mix

    def write(self, prompt: Any) -> Any:
        with self.torch.inference_mode():
            cache, symbols = self.room(self.torch.zeros), self.asarray(prompt)
            start, written = 0, []
            for _ in range(self.count):
                scores, cache = self.through(self.weights, cache, symbols, start)
                start += symbols.shape[1]
                symbols = scores[:, -1].argmax(-1, keepdim=True)
                written.append(int(symbols))
        return written


class Jit(Cached):
    """JAX: the whole of it in one compiled function."""

    def prepare(self, job: Any, weights: dict[str, Any]) -> None:  # noqa: ARG002
        import jax
        import jax.numpy as jnp

        self.weights = {name: jnp.asarray(w) for name, w in weights.items()}
        self.range = jnp.arange
        self.norm = lambda x, gamma, beta: jax.nn.standardize(x, epsilon=1e-5) * gamma + beta
        self.gelu = jax.nn.gelu
        self.put_at = lambda kept, new, start: jax.lax.dynamic_update_slice_in_dim(kept, new, start, 2)

        def mix(q: Any, keys: Any, values: Any, start: Any) -> Any:
            scores = q @ keys.swapaxes(-1, -2) * q.shape[-1] ** -0.5
            seen = jnp.arange(keys.shape[2]) <= start + jnp.arange(q.shape[2])[:, None]
            return jax.nn.softmax(jnp.where(seen, scores, -jnp.inf)) @ values

        self.mix = mix

        def write(weights: Any, prompt: Any) -> Any:
            scores, cache = self.through(weights, self.room(jnp.zeros), prompt, 0)

            def one(state: Any, start: Any) -> Any:
                symbols, cache = state
                scores, cache = self.through(weights, cache, symbols, start)
                return (scores[:, -1].argmax(-1, keepdims=True), cache), symbols[0, 0]

            first = scores[:, -1].argmax(-1, keepdims=True)
            _, written = jax.lax.scan(one, (first, cache), prompt.shape[1] + jnp.arange(self.count))
            return written

        self.compiled: Any = jax.jit(write)

    def write(self, prompt: Any) -> Any:
        import numpy as np

        return np.asarray(self.compiled(self.weights, prompt.astype("int32"))).tolist()

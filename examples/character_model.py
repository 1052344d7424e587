"""A small Transformer learns to write like Python's help, one character after another.

The text is ``pydoc_data.topics``, the help pages that come with Python. The model sees the last 64 characters.

Result with float32 on NumPy, Python 3.11, in three minutes of one core: 1.30 nats a character on text that it has not
seen, as if one of 3.6 characters came next (a uniform guess has 4.63). It writes the help's layout and most words::

    object.__getitem__(self)

       "__dict__()" module therwise commands are of the "__continue" is not a
    new the complement.

``python character_model.py [STEPS]``; 2000 training steps by default.
"""

import argparse
from pydoc_data.topics import topics

import numpy as np

import xpnet as xn
from xpnet.networks import TransformerLM
from xpnet.optimizers import AdamW, clip_by_norm, vectors
from xpnet.random import Generator
from xpnet.schedules import Cosine

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("steps", nargs="?", type=int, default=2000, help="training steps")
steps = parser.parse_args().steps
rows, context = 16, 64
backend = xn.get_backend()
rng = Generator(0)

text = "\n\n".join(topics[name] for name in sorted(topics))
characters = sorted(set(text))
index = {character: i for i, character in enumerate(characters)}
symbols = np.asarray([index[character] for character in text])
cut = len(symbols) * 9 // 10
train, test = symbols[:cut], symbols[cut:]
print(f"{len(text):,} characters, {len(characters)} different ones")

net = TransformerLM(len(characters), context, width=128, heads=4, layers=4, rng=rng)
rate = Cosine(2e-3, steps, warmup=steps // 20)
optimizer = AdamW(rate, weight_decay=0.1, groups={vectors: {"weight_decay": 0.0}})


def windows(part, name, step=0):
    """Rows of characters (N, L), and those that follow each."""
    starts = rng.integers(len(part) - context, (rows, 1), name, step=step)
    seen = part[starts + np.arange(context + 1)]
    return backend.asarray(seen[:, :-1]), backend.asarray(seen[:, 1:])


total, every = 0.0, max(1, steps // 10)
for step in range(1, steps + 1):
    loss, grads = net.loss_and_gradient(*windows(train, "train", step))
    optimizer.update(net.params, clip_by_norm(grads, 1.0))
    total = loss + total
    if step % every == 0:
        print(f"step {step}: loss {float(total) / every:.3f}")
        total = 0.0

losses = [float(net.loss(*windows(test, "test", i), predict=True)) for i in range(20)]
print(f"test loss: {np.mean(losses):.3f} nats, as if one of {np.exp(np.mean(losses)):.1f} characters came next")

prompt = "The "
written = net.generate(backend.asarray(np.asarray([index[c] for c in prompt])), 300, temperature=0.7, rng=rng)
print("".join(characters[i] for i in backend.to_numpy(written)))

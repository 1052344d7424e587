"""Two LSTMs learn to write like Python's help, one word after another (the second book, section 6.5).

The text is ``pydoc_data.topics``, the help pages that come with Python; every tenth page is for the test. The embedding
also makes the scores (tied weights), dropout stands before, between and after the LSTMs, and gradients are clipped.
Each step of training goes on in the text where the one before ended, with the states that it left.

RESULT

``python recurrent_language_model.py [EPOCHS] [--quick]``; 20 epochs by default.
"""

import argparse
import re
from collections import Counter
from pydoc_data.topics import topics

import numpy as np

import xpnet as xn
from xpnet.networks import RecurrentLM
from xpnet.optimizers import Adam, clip_by_norm
from xpnet.random import Generator
from xpnet.schedules import Cosine

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("epochs", nargs="?", type=int, default=20, help="passes over the text")
parser.add_argument("--quick", action="store_true", help="only a few pages, for a look")
options = parser.parse_args()
epochs, rows, length = options.epochs, 16, 32
backend = xn.get_backend()
rng = Generator(0)


def words_of(names):
    return re.findall(r"\w+|[^\w\s]|\n(?=\n)", "\n\n".join(topics[name] for name in names).lower())


names = sorted(topics)[: 6 if options.quick else None]
train, test = words_of(name for name in names if names.index(name) % 10), words_of(names[::10])
vocabulary = ["<rare>", *(word for word, count in Counter(train).most_common() if count > 1)]
index = {word: i for i, word in enumerate(vocabulary)}
print(f"{len(train):,} words to learn from, {len(test):,} for the test, {len(vocabulary):,} different ones")


def columns(words):
    """Rows of text that go on from batch to batch: (N, all steps)."""
    symbols = np.asarray([index.get(word, 0) for word in words])
    return symbols[: len(symbols) // rows * rows].reshape(rows, -1)


def batches(text):
    """The symbols of the next steps, and those that follow each."""
    for start in range(0, text.shape[1] - length, length):
        seen = text[:, start : start + length + 1]
        yield backend.asarray(seen[:, :-1]), backend.asarray(seen[:, 1:])


net = RecurrentLM(len(vocabulary), width=128, layers=2, dropout_ratio=0.4, init=0.1, rng=rng)
text = columns(train)
unseen = [backend.asarray(columns(test)[:, part]) for part in (slice(None, -1), slice(1, None))]
steps = epochs * len(list(batches(text)))
optimizer = Adam(Cosine(4e-3, steps, warmup=steps // 20))

for epoch in range(epochs):
    net.reset_state()
    total, count = 0.0, 0
    for x, t in batches(text):
        loss, grads = net.loss_and_gradient(x, t)
        optimizer.update(net.params, clip_by_norm(grads, 0.25))
        total, count = loss + total, count + 1
    print(
        f"epoch {epoch + 1}: perplexity {np.exp(float(total) / count):.1f}, of the test {net.perplexity(*unseen):.1f}"
    )

prompt = backend.asarray(np.asarray([index[word] for word in ("the", "function")]))
written = net.generate(prompt, 60, temperature=0.8, rng=rng)
print(" ".join(vocabulary[i] for i in backend.to_numpy(written)))

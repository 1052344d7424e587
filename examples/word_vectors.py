"""Words get vectors from the words around them: word2vec (the second book, chapter 4).

The text is ``pydoc_data.topics`` and the docstrings of Python's own library, which come with Python. For each word, the
network tells it from five drawn ones (negative sampling), by the five words on either side (CBOW) or from one word near
it (skip-gram). Frequent words are thinned out.

A step changes the vectors of the words in its batch alone (``by_rows``).

Result of six epochs with float32 on NumPy, on one core: of CBOW in 33 seconds::

    integer: float, integers, nonnegative, smaller, representable
    true: false, otherwise, if, unspecified, boolean
    thread: threading, locks, deadlock, lock, notify
    method is to methods as function to: forms, functions, independent, objects, declarations
    return is to returns as raise to: raises, valueerror, oserror, overflowerror, raised
    true is to false as first to: placed, subsequent, indicated, second, begin

and of skip-gram, which sees one word at a time, in 25 seconds::

    integer: netmask, notation, integers, packed, infinite
    thread: threads, lock, acquired, calling, threading
    method is to methods as function to: functions, bindings, builtins, around, detail
    return is to returns as raise to: valueerror, oserror, raises, raised, typeerror
    true is to false as first to: last, bpnumber, breakpoint, second, drawn

In 60 epochs skip-gram has seen as many words beside each other as CBOW has in six, and finds::

    thread: daemon, threading, locks, acquired, reentrant
    method is to methods as function to: functions, traced, applying, constructs, textview
    return is to returns as raise to: oserror, overflowerror, valueerror, stopasynciteration, exception
    true is to false as first to: second, occurrences, leftmost, here, preceding

``python word_vectors.py [cbow|skip-gram] [EPOCHS] [--quick]``; 6 epochs of CBOW by default.
"""

import argparse
import ast
import re
import sysconfig
from collections import Counter
from pathlib import Path
from pydoc_data.topics import topics

import numpy as np

import xpnet as xn
from xpnet.networks import CBOW, SkipGram
from xpnet.optimizers import Adam
from xpnet.random import Generator
from xpnet.schedules import Cosine

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("kind", nargs="?", choices=("cbow", "skip-gram"), default="cbow")
parser.add_argument("epochs", nargs="?", type=int, default=6, help="passes over the text")
parser.add_argument("--quick", action="store_true", help="only the topics, for a look")
options = parser.parse_args()
epochs, window, drawn, rows = options.epochs, 5, 5, 256
backend = xn.get_backend()
rng = Generator(0)


def docstrings():
    """The docstrings of the modules, classes and functions of Python's library."""
    folder = Path(sysconfig.get_paths()["stdlib"])
    for path in sorted(folder.glob("*.py")) + sorted(folder.glob("[a-z]*/*.py")):
        if "test" in path.parent.name or "-" in path.parent.name:
            continue
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except (SyntaxError, UnicodeDecodeError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                yield ast.get_docstring(node) or ""


text = "\n".join([*topics.values(), *(() if options.quick else docstrings())]).lower()
words = re.findall(r"[a-z]+", text)
counts = {word: count for word, count in Counter(words).most_common() if count >= 5}
vocabulary = list(counts)
index = {word: i for i, word in enumerate(vocabulary)}
corpus = np.asarray([index[word] for word in words if word in index])
often = np.bincount(corpus) / len(corpus)
thinned = corpus[rng.uniform(corpus.shape, "thinned") < np.sqrt(1e-3 / often)[corpus]]
print(f"{len(words):,} words, {len(thinned):,} of them after thinning, {len(vocabulary):,} different ones")

windows = np.lib.stride_tricks.sliding_window_view(thinned, 2 * window + 1)
around, middle = np.delete(windows, window, axis=1), windows[:, window]
upto = np.cumsum(often**0.75) / np.sum(often**0.75)
t = np.zeros((rows, 1 + drawn))
t[:, 0] = 1.0
t = backend.asarray(t)

net = (CBOW if options.kind == "cbow" else SkipGram)(len(vocabulary), width=100, rng=rng, by_rows=True)
steps = len(middle) // rows
optimizer = Adam(Cosine(3e-3, epochs * steps))

for epoch in range(epochs):
    order, total = rng.permutation(len(middle), "order", step=epoch), 0.0
    for step in range(steps):
        batch = order[step * rows : (step + 1) * rows]
        seen = around[batch]
        if options.kind == "skip-gram":
            side = rng.integers(2 * window, (rows, 1), "side", step=epoch * steps + step)
            seen = np.take_along_axis(seen, side, axis=1)
        others = np.searchsorted(upto, rng.uniform((rows, drawn), "drawn", step=epoch * steps + step))
        candidates = np.concatenate([middle[batch][:, None], others], axis=1)
        loss, grads = net.loss_and_gradient((backend.asarray(seen), backend.asarray(candidates)), t)
        optimizer.update(net.params, grads)
        total = loss + total
    print(f"epoch {epoch + 1}: loss {float(total) / steps:.4f}")


def nearest(vector, count, but=()):
    found, _ = net.similar(vector, count + len(but))
    return [vocabulary[i] for i in found if vocabulary[i] not in but][:count]


for word in ("integer", "first", "true", "read", "thread"):
    if word in index:
        print(f"{word}: {', '.join(nearest(index[word], 5, but=[word]))}")

W = backend.to_numpy(net.params["Embedding1.W"])
for a, b, c in (("method", "methods", "function"), ("return", "returns", "raise"), ("true", "false", "first")):
    vector = W[index[b]] - W[index[a]] + W[index[c]]
    print(f"{a} is to {b} as {c} to: {', '.join(nearest(vector, 5, but=[a, b, c]))}")

"""Brackets that close or do not, in rows of different lengths: a batch is padded, and the network is told the lengths.

A row such as ``([]{})`` is right if each bracket closes the last one that is open. Half of the rows are right, and in
the others one bracket is another. Two LSTMs read each row, from its beginning and from its end, with one mask of
dropout for all steps, and neither sees the padding: x is a tuple, the symbols and the lengths.

Result with float32 on NumPy, in six seconds of one core: 100.0 % of 1,000 rows that it has not
seen; after two epochs 98.5 %.

``XPNET_BACKEND=torch python padded_sequences.py [EPOCHS]``, on any backend; 8 epochs by default.
"""

import argparse

import numpy as np

import xpnet as xn
from xpnet.layers import LSTM, Affine, Concat, Embedding, SoftmaxWithLoss
from xpnet.networks import Sequential
from xpnet.optimizers import Adam
from xpnet.random import Generator
from xpnet.schedules import Cosine
from xpnet.training import Trainer

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("epochs", nargs="?", type=int, default=8, help="passes over the rows")
epochs = parser.parse_args().epochs
draw = np.random.default_rng(0)
OPEN, CLOSE = "([{", ")]}"
SYMBOLS = " " + OPEN + CLOSE  # 0 is the padding
STEPS = 12


def brackets(count):
    """So many brackets in which each closes the last that is open."""
    text, still_open = "", []
    while len(text) < count:
        if still_open and (len(still_open) == count - len(text) or draw.random() < 0.5):
            text += CLOSE[still_open.pop()]
        else:
            still_open.append(int(draw.integers(3)))
            text += OPEN[still_open[-1]]
    return text


def spoilt(text):
    """The same with another bracket at one place."""
    place = int(draw.integers(len(text)))
    others = [bracket for bracket in OPEN + CLOSE if bracket != text[place]]
    return text[:place] + others[int(draw.integers(len(others)))] + text[place + 1 :]


texts = [brackets(2 * int(draw.integers(1, STEPS // 2 + 1))) for _ in range(6000)]
t = np.arange(len(texts)) % 2
texts = [text if right else spoilt(text) for text, right in zip(texts, t, strict=True)]
x = np.asarray([[SYMBOLS.index(symbol) for symbol in text.ljust(STEPS)] for text in texts])
lengths = np.asarray(list(map(len, texts)))

rng, width = Generator(0), 32
options = {"return_sequences": False, "recurrent_dropout": 0.1, "rng": rng}
net = Sequential(
    Embedding.create(len(SYMBOLS), 8, init=1.0, rng=rng),
    Concat(LSTM.create(8, width, **options), LSTM.create(8, width, reverse=True, **options), axis=-1),
    Affine.create(2 * width, 2, rng=rng),
    loss=SoftmaxWithLoss(),
)
steps = epochs * 50
trainer = Trainer(net, Adam(Cosine(0.01, steps)), ((x[:5000], lengths[:5000]), t[:5000]),
                  ((x[5000:], lengths[5000:]), t[5000:]), batch_size=100)  # fmt: skip
for epoch in trainer.run(epochs):
    print(f"epoch {epoch.epoch}: loss {epoch.loss:.3f}, right {epoch.test_accuracy:.2%} of 1,000 new rows")

for text in ("()", "([{}])[]", "([{}])[}", "(((("):
    symbols = np.asarray([[SYMBOLS.index(symbol) for symbol in text.ljust(STEPS)]])
    given = (xn.asarray(symbols, "int64"), xn.asarray(np.asarray([len(text)]), "int64"))
    print(f"{text:8} {net.predict_proba(given)[0, 1]:.2f}")

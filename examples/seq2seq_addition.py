"""A network reads ``567+717`` and writes ``1284``, one character after another (the second book, section 7.4).

Nothing tells it that these are numbers. The encoder, an LSTM, reads the sum from its end, so that the last thing that
it reads is near to the first that is written; each step of the decoder sees its last state (peeky).

RESULT

``python seq2seq_addition.py [EPOCHS] [--quick]``; 12 epochs by default.
"""

import argparse

import numpy as np

import xpnet as xn
from xpnet.networks import PeekySeq2seq
from xpnet.optimizers import Adam, clip_by_norm
from xpnet.random import Generator
from xpnet.schedules import Cosine

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("epochs", nargs="?", type=int, default=12, help="passes over the sums")
parser.add_argument("--quick", action="store_true", help="only a few sums, for a look")
options = parser.parse_args()
epochs, count, rows = options.epochs, 2_000 if options.quick else 50_000, 128
backend = xn.get_backend()
rng = Generator(0)

# some of the million sums of two numbers below 1000; a tenth of them is for the test
pairs = [divmod(int(pair), 1000) for pair in rng.permutation(1_000_000, "sums")[:count]]
lines = [f"{f'{a}+{b}':7}_{a + b:<4}" for a, b in pairs]
characters = "0123456789+_ "
symbols = np.asarray([[characters.index(character) for character in line] for line in lines])
questions, answers = symbols[:, 6::-1], symbols[:, 7:]
trained = count * 9 // 10
test = slice(trained, None)

net = PeekySeq2seq(len(characters), width=16, hidden=128, rng=rng)
batches = trained // rows
steps = epochs * batches
optimizer = Adam(Cosine(4e-3, steps, warmup=steps // 20))


def share_right(part):
    """The share of answers that are wholly right: each character is the best after the right ones before it."""
    x, seen = backend.asarray(questions[part]), backend.asarray(answers[part, :-1])
    best = backend.to_numpy(net.predict((x, seen))).argmax(axis=-1)
    return (best == answers[part, 1:]).all(axis=1).mean()


for epoch in range(epochs):
    order, total = rng.permutation(trained, "order", step=epoch), 0.0
    for batch in np.array_split(order, batches):
        x, a = backend.asarray(questions[batch]), backend.asarray(answers[batch])
        loss, grads = net.loss_and_gradient((x, a[:, :-1]), a[:, 1:])
        optimizer.update(net.params, clip_by_norm(grads, 5.0))
        total = loss + total
    print(f"epoch {epoch + 1}: loss {float(total) / batches:.4f}, right {share_right(test):.2%} of the test sums")

written = net.generate(backend.asarray(questions[test][:8]), start=characters.index("_"), count=4)
for line, answer in zip(lines[test], backend.to_numpy(written), strict=False):
    print(f"{line[:7]} = {''.join(characters[i] for i in answer)} ({line[8:].strip()})")

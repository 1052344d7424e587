"""A network reads ``TUESDAY, FEBRUARY 16, 1999`` and writes ``1999-02-16`` (the second book, section 8.3).

The decoder looks back at the whole question with every character that it writes, by attention. One picture shows it: a
row for each character that is written, a column for each that is read, the darker the larger its share.

RESULT

``python seq2seq_dates.py [EPOCHS] [FILE.svg] [--quick]``; 3 epochs by default.
"""

import argparse
from datetime import date, timedelta

import numpy as np

import xpnet as xn
from xpnet.drawing import heat_map
from xpnet.networks import AttentionSeq2seq
from xpnet.optimizers import Adam, clip_by_norm
from xpnet.random import Generator
from xpnet.schedules import Cosine

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("epochs", nargs="?", type=int, default=3, help="passes over the dates")
parser.add_argument("file", nargs="?", metavar="FILE.svg", default="attention.svg")
parser.add_argument("--quick", action="store_true", help="only a few dates, for a look")
options = parser.parse_args()
epochs, count, rows = options.epochs, 500 if options.quick else 50_000, 128
backend = xn.get_backend()
rng = Generator(0)

# days from 1970 on, each in one of five forms and three cases; a tenth of them is for the test
forms = (
    *("{0:%B} {0.day}, {0.year}", "{0:%A}, {0:%B} {0.day}, {0.year}", "{0:%b} {0.day}, {0.year}"),
    *("{0.day} {0:%B} {0.year}", "{0.month}/{0.day}/{0:%y}"),
)
cases = (str, str.lower, str.upper)
drawn = zip(
    rng.integers(18_262, (count,), "days"),
    rng.integers(len(forms), (count,), "forms"),
    rng.integers(len(cases), (count,), "cases"),
    strict=True,
)
lines = []
for day, form, case in drawn:
    then = date(1970, 1, 1) + timedelta(days=int(day))
    lines.append(f"{cases[case](forms[form].format(then)):29}_{then}")
characters = sorted(set("".join(lines)))
index = {character: i for i, character in enumerate(characters)}
symbols = np.asarray([[index[character] for character in line] for line in lines])
questions, answers = symbols[:, 28::-1], symbols[:, 29:]  # questions from their end
trained = count * 9 // 10
test = slice(trained, None)

net = AttentionSeq2seq(len(characters), width=16, hidden=128, rng=rng)
batches = trained // rows
steps = epochs * batches
optimizer = Adam(Cosine(4e-3, steps, warmup=steps // 10))


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
    print(f"epoch {epoch + 1}: loss {float(total) / batches:.4f}, right {share_right(test):.2%} of the test dates")

shown = next(i for i in range(trained, count) if "," in lines[i][:12])
x, a = backend.asarray(questions[shown : shown + 1]), backend.asarray(answers[shown : shown + 1])
written = backend.to_numpy(net.generate(x, start=index["_"], count=10))[0]
looked_at = backend.to_numpy(net.attention(x, a[:, :-1]))[0]
asked, answer = lines[shown][:29].rstrip(), "".join(characters[i] for i in written)
print(f"{asked} = {answer}")
with open(options.file, "w", encoding="utf-8") as out:
    in_order = looked_at[:, ::-1][:, : len(asked)]
    out.write(heat_map(in_order, list(answer), list(asked), "The attention of a date", bounds=(0.0, 1.0)))

"""A small library for networks, made of Variables alone: the graph is what Python has just run.

A ``Model`` is any object whose attributes are Variables or other Models. ``loss.backward()`` assigns the gradient of
every Variable; nothing is added to the one before, so that nothing has to be cleared. The model below has a loop in it:
it applies one layer until the numbers hardly change, as often as these numbers need, and is trained through that loop.

RESULT

``python define_by_run.py [STEPS] [FILE.svg]``; 2000 training steps by default.
"""

import argparse

import xpnet as xn
from xpnet import Variable
from xpnet.backend import array_namespace
from xpnet.drawing import Panel, plot
from xpnet.random import Generator

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("steps", nargs="?", type=int, default=2000, help="training steps")
parser.add_argument("file", nargs="?", metavar="FILE.svg", default="define_by_run.svg")
options = parser.parse_args()
backend = xn.get_backend()
rng = Generator(0)


class Model:
    """An object whose attributes are Variables, which are trained, or Models."""

    def places(self):
        """Yield each Variable with the object that has it and its name."""
        for name, value in vars(self).items():
            if isinstance(value, Model):
                yield from value.places()
            elif isinstance(value, Variable):
                yield self, name, value

    def move(self, rate):
        """Replace each Variable by one a little further down, ``W - η W.grad``."""
        for owner, name, W in list(self.places()):
            setattr(owner, name, Variable(W.value - rate * W.grad, name=name))


class Linear(Model):
    def __init__(self, inputs, outputs, spread, name):
        self.W = Variable(backend.asarray(spread * rng.normal((inputs, outputs), name)), name="W")
        self.b = Variable(backend.asarray(spread * rng.normal((outputs,), f"{name} b")), name="b")

    def __call__(self, x):
        return x @ self.W + self.b


class Settling(Model):
    """``y = last(h)``, where h is the end of ``h ← tanh(first(x) + again(h))``."""

    def __init__(self, hidden):
        self.first = Linear(1, hidden, 4.0, "first")
        self.again = Linear(hidden, hidden, 0.4 / hidden**0.5, "again")
        self.last = Linear(hidden, 1, 1.0 / hidden**0.5, "last")

    def __call__(self, x):
        a = self.first(x)
        xp = array_namespace(a)
        h, self.rounds, change = xp.tanh(a), 1, 1.0
        while change > 1e-3 and self.rounds < 50:
            before, h = h, xp.tanh(a + self.again(h))
            change = float(xp.max(xp.abs(h - before)).value)  # a number, which decides, and is not differentiated
            self.rounds += 1
        return self.last(h)


x = rng.uniform((100, 1), "x")
noise = 0.1 * rng.normal((100, 1), "noise")
points = backend.asarray(x)
wanted = backend.asarray(backend.to_numpy(backend.xp.sin(6.0 * points)) + noise)

model = Settling(16)
for step in range(options.steps):
    error = model(points) - wanted
    loss = array_namespace(error).mean(error * error)
    loss.backward()
    model.move(0.03)
    if step == 0 or (step + 1) % max(1, options.steps // 5) == 0:
        print(f"step {step + 1}: loss {float(loss.value):.4f}, {model.rounds} rounds of the loop")

grid = backend.asarray([[i / 100.0] for i in range(101)])
curve = backend.to_numpy(model(grid).value)
series = {"data": zip(x[:, 0], backend.to_numpy(wanted)[:, 0], strict=True)}
series["model"] = [(i / 100.0, float(y)) for i, y in enumerate(curve[:, 0])]
with open(options.file, "w", encoding="utf-8") as out:
    out.write(plot([Panel("", series, x="x", dots=["data"])], "A model with a loop, of Variables alone"))

"""A network learns to keep a pole upright on a cart by pushing it left or right: deep Q-learning (DQN).

The cart and its physics are below. A fall costs 1, and one in k steps 0.99 to the power of k: the network tells for
each push what it expects, and learns from what it expects a step later (Bellman), on pushes that it remembers.

Result with float32 on NumPy, in twenty seconds of one core: from 100 new starts the pole stands all 500 steps each
time, a mean return of 500.

``python cart_pole.py [STEPS]``; 8000 steps of the game, on eight carts, by default.
"""

import argparse

import numpy as np

import xpnet as xn
from xpnet.layers import Affine, Huber, Relu
from xpnet.networks import Sequential
from xpnet.optimizers import Adam, clip_by_norm
from xpnet.random import Generator
from xpnet.schedules import Cosine

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("steps", nargs="?", type=int, default=8_000, help="steps of the game")
steps = parser.parse_args().steps
carts, rows, longest, discount = 8, 128, 500, 0.99
backend = xn.get_backend()
rng = Generator(0)


def pushed(state, push):
    """The carts 0.02 seconds after a push to the left (0) or right (1): place, speed, angle, turning (Barto, 1983)."""
    _, v, angle, turning = state.T
    force = np.where(push == 1, 10.0, -10.0)
    sine, cosine = np.sin(angle), np.cos(angle)
    part = (force + 0.05 * turning**2 * sine) / 1.1  # the pole weighs 0.1 kg, the cart 1 kg
    turned = (9.8 * sine - cosine * part) / (0.5 * (4.0 / 3.0 - 0.1 * cosine**2 / 1.1))
    moved = part - 0.05 * turned * cosine / 1.1
    return state + 0.02 * np.stack([v, moved, turning, turned], axis=1)


def fallen(state):
    """Whether a cart has left the track of 2.4 m to either side, or its pole leans by more than 12 degrees."""
    return (np.abs(state[:, 0]) > 2.4) | (np.abs(state[:, 2]) > np.radians(12.0))


def begin(count, name, step=0):
    return 0.1 * rng.uniform((count, 4), name, step) - 0.05


def seen(state):
    """What the network sees of a state: numbers of about the same size."""
    return backend.asarray(state * np.asarray([0.5, 0.5, 5.0, 0.5]))


def values(net, state):
    return backend.to_numpy(net.predict(seen(state)))


def returns(count):
    """How long each of some new poles stands, at most 500 steps."""
    state, standing, lasted = begin(count, "test"), np.ones(count, dtype=bool), np.zeros(count)
    for _ in range(longest):
        lasted += standing
        state = pushed(state, values(net, state).argmax(axis=1))
        standing &= ~fallen(state)
    return lasted


net = Sequential(
    *(Affine.create(4, 64, rng=rng), Relu(), Affine.create(64, 64, rng=rng), Relu(), Affine.create(64, 2, rng=rng)),
    loss=Huber(),
)
optimizer = Adam(Cosine(1e-3, steps))
memory = [np.zeros((steps * carts, *shape)) for shape in ((4,), (), (4,), ())]  # before, push, after, fell
state, lasted, ended = begin(carts, "begin"), np.zeros(carts), []

for step in range(steps):
    if step % 200 == 0:  # the values of the next step stand still for a while
        target = net.astype(backend.dtype)  # a copy
    curious = max(0.02, 1.0 - 4.0 * step / steps)  # the share of pushes that are drawn
    draw, coin = rng.uniform((2, carts), "push", step)
    push = np.where(draw < curious, coin < 0.5, values(net, state).argmax(axis=1))
    after = pushed(state, push)
    fell, lasted = fallen(after), lasted + 1
    for kept, value in zip(memory, (state, push, after, fell), strict=True):
        kept[step * carts : (step + 1) * carts] = value
    over = fell | (lasted == longest)
    ended += lasted[over].tolist()
    state, lasted = np.where(over[:, None], begin(carts, "begin", step + 1), after), np.where(over, 0, lasted)

    before, push, after, fell = (kept[rng.integers((step + 1) * carts, (rows,), "memory", step)] for kept in memory)
    best = values(net, after).argmax(axis=1)  # chosen by one network and valued by the other (double Q-learning)
    later = np.take_along_axis(values(target, after), best[:, None], axis=1)[:, 0]
    wanted = values(net, before)
    wanted[np.arange(rows), push.astype(int)] = np.where(fell, -1.0, discount * later)
    loss, grads = net.loss_and_gradient(seen(before), backend.asarray(wanted))
    optimizer.update(net.params, clip_by_norm(grads, 10.0))
    if (step + 1) % max(1, steps // 10) == 0:
        mean = np.mean(ended[-20:] or [np.nan])
        print(f"step {step + 1}: {len(ended)} poles have fallen or stood to the end, the last 20 for {mean:.0f} steps")

lasted = returns(100)
print(f"100 new poles: mean return {lasted.mean():.1f} of {longest}, {np.mean(lasted == longest):.0%} stood to the end")

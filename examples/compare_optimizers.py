"""How fast optimizers learn: the same network and batches, six ways to step (the book, section 6.1.8).

``python compare_optimizers.py [digits|mnist] [FILE.svg]`` draws the losses on MNIST or the digits of xpnet.

Result on MNIST, 2000 steps of 128 images (``docs/comparisons/optimizers.svg``): loss over the last 20 steps and
accuracy on the test images.

    SGD       0.2312  93.21%
    Momentum  0.0692  96.52%
    Nesterov  0.0666  96.77%
    AdaGrad   0.0532  97.18%
    RMSprop   0.0384  97.29%
    Adam      0.0507  96.75%
"""

import argparse

import xpnet as xn
from xpnet.datasets import load_digits, load_mnist
from xpnet.drawing import Panel, plot
from xpnet.networks import MultiLayerNet
from xpnet.optimizers import SGD, AdaGrad, Adam, Momentum, Nesterov, RMSprop
from xpnet.random import Generator

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("dataset", nargs="?", choices=("digits", "mnist"), default="digits")
parser.add_argument("file", nargs="?", metavar="FILE.svg", default="optimizers.svg")
options = parser.parse_args()
mnist, file = options.dataset == "mnist", options.file
iterations, batch_size, window = (2000, 128, 20) if mnist else (200, 64, 10)

xp = xn.get_backend().xp
(x_train, t_train), test = (load_mnist if mnist else load_digits)()
optimizers = {
    "SGD": SGD(lr=0.01),
    "Momentum": Momentum(lr=0.01),
    "Nesterov": Nesterov(lr=0.01),
    "AdaGrad": AdaGrad(lr=0.01),
    "RMSprop": RMSprop(lr=0.001),
    "Adam": Adam(lr=0.001),
}
curves = {}
print(f"loss over the last {window} steps, and accuracy on {len(test[1])} test images")
for name, optimizer in optimizers.items():
    rng = Generator(0)
    net = MultiLayerNet(x_train.shape[1], [100, 100, 100, 100], 10, rng=rng)
    losses = []
    for i in range(iterations):
        rows = xn.get_backend().asarray(rng.integers(x_train.shape[0], (batch_size,), "batch", step=i))
        loss, grads = net.loss_and_gradient(xp.take(x_train, rows, axis=0), xp.take(t_train, rows, axis=0))
        optimizer.update(net.params, grads)
        losses.append(float(loss))
    curves[name] = [(i + window, sum(losses[i : i + window]) / window) for i in range(0, iterations, window)]
    print(f"{name:9} {curves[name][-1][1]:.4f}  {net.accuracy(*test):.2%}")

panel = Panel(f"mean of {window} steps", curves, x="step", y="training loss", bounds=(0.0, 2.4))
with open(file, "w", encoding="utf-8") as out:
    out.write(plot([panel], f"Optimizers on {'MNIST' if mnist else 'the digits'}, four hidden layers of 100"))

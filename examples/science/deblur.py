"""An image deconvolved through a blur, which is a product of Fourier transforms; on NumPy or CuPy by one switch.

``python deblur.py [BACKEND] [FILE.svg]``. Prints the error of the blurred and of the restored image; draws two rows of
both.
"""

import argparse

import numpy as np

import xpnet as xn
from xpnet.backend import array_namespace
from xpnet.drawing import Panel, plot
from xpnet.optimizers import Adam

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("backend", nargs="?", default="numpy")
parser.add_argument("file", nargs="?", metavar="FILE.svg", default="deblurred.svg")
options = parser.parse_args()
backend = xn.set_backend(options.backend, dtype="float64")

n = 32
row, column = np.mgrid[:n, :n]
sharp = ((row - 12) ** 2 + (column - 14) ** 2 < 40) + 0.5 * ((abs(row - 22) < 4) & (abs(column - 20) < 7))
kernel = np.exp(-0.5 * (np.minimum(row, n - row) ** 2 + np.minimum(column, n - column) ** 2) / 1.5**2)
transfer = backend.asarray(np.real(np.fft.rfft2(kernel / kernel.sum())))


def blur(image):
    xp = array_namespace(image)
    return xp.fft.irfftn(xp.fft.rfftn(image) * transfer, s=(n, n), axes=(0, 1))


noise = 0.005 * np.random.default_rng(0).standard_normal((n, n))
seen = blur(backend.asarray(sharp)) + backend.asarray(noise)


def loss(params):
    """The misfit, and a little of the total variation."""
    x = params["image"]
    xp = array_namespace(x)
    steps = xp.diff(x, axis=0)[:, :-1] ** 2 + xp.diff(x, axis=1)[:-1, :] ** 2
    return xp.sum((blur(x) - seen) ** 2) + 0.002 * xp.sum(xp.sqrt(steps + 1e-6))


params, optimizer = {"image": 1.0 * seen}, Adam(lr=0.02)
for _ in range(300):
    optimizer.update(params, xn.grad(loss)(params))


def error(image):
    return float(np.sqrt(np.mean((backend.to_numpy(image) - sharp) ** 2)))


print(f"blurred:  {error(seen):.3f}")
print(f"restored: {error(params['image']):.3f}")

images = {"sharp": sharp, "blurred": backend.to_numpy(seen), "restored": backend.to_numpy(params["image"])}
panels = [
    Panel(f"row {at}", {name: enumerate(image[at]) for name, image in images.items()}, x="column") for at in (12, 22)
]
with open(options.file, "w", encoding="utf-8") as out:
    out.write(plot(panels, "Two rows of an image", columns=2))

"""Initial weights and the values behind each layer, as histograms (the book, section 6.2).

``python compare_initial_weights.py [FILE.svg]`` sends 1000 rows of normal numbers through five layers of 100 units.

Result (``docs/comparisons/initial_weights.svg``): standard deviation of the activations behind layers 1 to 5. Sigmoids
saturate at 1.0 and are nearly equal at 0.01; ReLUs vanish except with He's spread.

    sigmoid  1.0     0.459 0.442 0.430 0.440 0.441
    sigmoid  0.01    0.025 0.013 0.011 0.014 0.012
    sigmoid  xavier  0.208 0.134 0.104 0.132 0.120
    relu     0.01    0.058 0.004 0.000 0.000 0.000
    relu     xavier  0.584 0.402 0.265 0.199 0.143
    relu     he      0.825 0.805 0.750 0.795 0.808
"""

import argparse

from xpnet.backend import get_backend, to_numpy
from xpnet.drawing import histogram, plot
from xpnet.networks import MultiLayerNet
from xpnet.random import Generator

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("file", nargs="?", metavar="FILE.svg", default="initial_weights.svg")
file = parser.parse_args().file
x = get_backend().asarray(Generator(0).normal((1000, 100), "data"))
rows = [("sigmoid", 1.0), ("sigmoid", 0.01), ("sigmoid", "xavier"), ("relu", 0.01), ("relu", "xavier"), ("relu", "he")]

panels = []
print("standard deviation of the activations behind layers 1 to 5")
for activation, init in rows:
    net = MultiLayerNet(100, [100] * 5, 10, activation, init, rng=Generator(0))
    h, spreads = x, []
    for name, layer in net.layers.items():
        h = layer(h)
        if name.startswith("Activation"):
            values = to_numpy(h)
            spreads.append(values.std())
            title = f"{activation}, {init}: layer {len(spreads)}"
            panels.append(histogram(title, values, low=0.0, high=1.0, top=0.2))
    print(f"{activation:8} {init!s:7}", *(f"{spread:.3f}" for spread in spreads))

with open(file, "w", encoding="utf-8") as out:
    out.write(plot(panels, "Activations by layer: share of the values from 0 to 1", columns=5))

"""A table of one's own: kinds of columns found, a network trained, its answers for new rows in a fresh look.

``python train_csv.py [TABLE TARGET]``; without them it writes the prices of 600 made-up flats to flats.csv and learns
these. Everything is in the folder run_csv afterwards; ``xpnet predict run_csv flats.csv`` asks it again.
"""

import argparse
import csv

from xpnet.datasets import Dataset
from xpnet.layers import Affine, MeanSquaredError, Relu, SoftmaxWithLoss
from xpnet.networks import Sequential
from xpnet.optimizers import Adam
from xpnet.random import Generator
from xpnet.training import Run, Trainer


def write_flats(path: str) -> None:
    """Size, rooms, city and price of flats; two sizes are missing."""
    rng = Generator(0)
    sizes, noise = 90 + 25 * rng.normal((600,), "size"), rng.normal((600,), "noise")
    rooms, cities = rng.integers(5, (600,), "rooms"), rng.integers(3, (600,), "city")
    with open(path, "w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(["size", "rooms", "city", "price"])
        for i, (size, room, city) in enumerate(zip(sizes, rooms, cities, strict=True)):
            price = 2000 * size * (1.0, 1.3, 1.6)[city] + 9000 * room + 8000 * noise[i]
            name = ("Oslo", "Rome", "Paris")[city]
            lines.writerow(["" if i in (7, 77) else f"{size:.1f}", 1 + room, name, f"{price:.0f}"])


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("table", nargs="?", default="flats.csv")
parser.add_argument("target", nargs="?", default="price")
options = parser.parse_args()
if options.table == "flats.csv":
    write_flats(options.table)

data = Dataset.of(options.table, target=options.target, validation=0.2, missing="fill")
print(data.encoding.inputs)
loss = MeanSquaredError() if data.classes is None else SoftmaxWithLoss()
rng = Generator(0)
net = Sequential(Affine.create(data.inputs, 32, rng=rng), Relu(), Affine.create(32, data.outputs, rng=rng), loss=loss)
metric = "r2" if data.classes is None else "accuracy"
trainer = Trainer(net, Adam(lr=0.005), data, batch_size=20, rng=rng, metric=metric)
history = trainer.fit(100, patience=10, folder="run_csv", resume=True)
best = min(history, key=lambda record: record.watched)
print(f"epoch {best.epoch} of {len(history)} was the best: {metric} {best.test_accuracy:.3f} on the rows kept apart")

run = Run("run_csv")  # what a fresh process would do, without this script
if options.table == "flats.csv":
    prices = run.predict({"size": [80, 80], "rooms": [3, 3], "city": ["Oslo", "Paris"]})
    print(f"80 m² with 3 rooms: {prices[0]:,.0f} in Oslo, {prices[1]:,.0f} in Paris")

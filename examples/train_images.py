"""A folder of images, one folder for each class, learnt by a small convolutional network; it needs Pillow.

``python train_images.py [FOLDER]``; without it 180 circles, crosses and squares are drawn into the folder shapes.
"""

import argparse
from pathlib import Path

from xpnet.datasets import load_images
from xpnet.layers import Affine, BatchNormalization, Convolution, Flatten, MaxPooling, Relu, SoftmaxWithLoss
from xpnet.networks import Sequential
from xpnet.optimizers import Adam
from xpnet.random import Generator
from xpnet.training import Run, Trainer, confusion_matrix


def draw_shapes(folder: Path) -> None:
    """Sixty of each, dark on light, here and there."""
    from PIL import Image, ImageDraw

    rng = Generator(0)
    for kind in ("circle", "cross", "square"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        numbers = rng.uniform((60, 9), kind)
        for i, u in enumerate(numbers):
            image = Image.new("RGB", (24, 24), tuple(int(160 + 90 * v) for v in u[:3]))
            draw, ink = ImageDraw.Draw(image), tuple(int(110 * v) for v in u[3:6])
            left, top, side = int(2 + 8 * u[6]), int(2 + 8 * u[7]), int(8 + 5 * u[8])
            corners = (left, top, left + side, top + side)
            if kind == "circle":
                draw.ellipse(corners, fill=ink)
            elif kind == "square":
                draw.rectangle(corners, fill=ink)
            else:
                draw.line(corners, fill=ink, width=3)
                draw.line((left + side, top, left, top + side), fill=ink, width=3)
            image.save(folder / kind / f"{i}.png")


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("folder", nargs="?", type=Path)
options = parser.parse_args()
if options.folder is None:
    options.folder = Path("shapes")
    draw_shapes(options.folder)

data = load_images(options.folder, size=16, validation=0.25)
channels, rng = data.train[0].shape[1], Generator(0)
net = Sequential(
    Convolution.create(channels, 8, 3, pad=1, rng=rng),
    BatchNormalization.create(8),
    Relu(),
    MaxPooling(2, 2),
    Convolution.create(8, 16, 3, pad=1, rng=rng),
    BatchNormalization.create(16),
    Relu(),
    MaxPooling(2, 2),
    Flatten(),
    Affine.create(16 * 4 * 4, data.outputs, rng=rng),
    loss=SoftmaxWithLoss(),
)
trainer = Trainer(net, Adam(lr=0.005), data, batch_size=15, rng=rng, metrics=["f1"])
trainer.fit(15, patience=5, folder="run_images", resume=True, progress=True)
x, t = trainer.validation
print(f"accuracy {net.accuracy(x, t):.1%}; rows are {', '.join(data.classes)}, columns what each was taken for:")
print(confusion_matrix(net.predict(x), t))
first = sorted(options.folder.rglob("*.png"))[:3]
print([str(label) for label in Run("run_images").predict(first)])

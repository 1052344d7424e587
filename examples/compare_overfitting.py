"""Weight decay and dropout against overfitting: many layers, 300 images to learn from (the book, section 6.4).

``python compare_overfitting.py [digits|mnist] [FILE.svg]`` trains six hidden layers of 100, on 300 images of MNIST or,
shorter, on 100 digits of xpnet.

Result on MNIST (``docs/comparisons/overfitting.svg``): accuracy on the training images, on the 10,000 test images, and
the gap. Both remedies slow the memorizing; with so few images neither raises the accuracy on new ones.

    nothing against it 100.00%  76.84%  23.16%
    weight decay 0.1    92.00%  74.35%  17.65%
    dropout 0.2         97.67%  75.48%  22.19%
"""

import argparse

from xpnet.datasets import load_digits, load_mnist
from xpnet.drawing import Panel, plot
from xpnet.networks import MultiLayerNetExtend
from xpnet.optimizers import SGD
from xpnet.random import Generator
from xpnet.training import Trainer

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("dataset", nargs="?", choices=("digits", "mnist"), default="digits")
parser.add_argument("file", nargs="?", metavar="FILE.svg", default="overfitting.svg")
options = parser.parse_args()
mnist, file = options.dataset == "mnist", options.file
images, epochs, lr = (300, 301, 0.01) if mnist else (100, 60, 0.05)

(x_train, t_train), test = (load_mnist if mnist else load_digits)()
few = x_train[:images, ...], t_train[:images]
remedies = {
    "nothing against it": {},
    "weight decay 0.1": {"weight_decay_lambda": 0.1},
    "dropout 0.2": {"use_dropout": True, "dropout_ration": 0.2},
}

panels = []
print(f"accuracy on the {images} training images and on {len(test[1])} test images, and the gap")
for name, remedy in remedies.items():
    net = MultiLayerNetExtend(few[0].shape[1], [100] * 6, 10, rng=Generator(0), **remedy)
    trainer = Trainer(net, SGD(lr=lr), few, test, batch_size=100, rng=Generator(0))
    history = list(trainer.run(epochs))
    curves = {
        "train": [(epoch.epoch, epoch.train_accuracy) for epoch in history],
        "test": [(epoch.epoch, epoch.test_accuracy) for epoch in history],
    }
    panels.append(Panel(name, curves, x="epoch", bounds=(0.0, 1.0)))
    train_accuracy, test_accuracy = history[-1].train_accuracy, history[-1].test_accuracy
    print(f"{name:18} {train_accuracy:7.2%} {test_accuracy:7.2%} {train_accuracy - test_accuracy:7.2%}")

with open(file, "w", encoding="utf-8") as out:
    out.write(plot(panels, f"Accuracy of a network with too many weights for {images} images", columns=3))

"""Convolutional networks on MNIST: the book's SimpleConvNet and DeepConvNet (sections 7.5 and 8.1), and a small ResNet.

``python train_convnets.py simple|deep|res [--dataset digits] [--epochs E] [--save FILE]``

Result with float32 on NumPy, one thread: accuracy on the 10,000 test images, and processor time.

    simple  6 epochs   98.83%   49 s
    deep    10 epochs  99.54%   11 min 49 s
"""

import argparse
import sys

import xpnet as xn
from xpnet.datasets import load_digits, load_mnist
from xpnet.networks import DeepConvNet, ResNet, SimpleConvNet
from xpnet.optimizers import Adam
from xpnet.random import Generator
from xpnet.schedules import OneCycle
from xpnet.training import Trainer

NETWORKS = {"simple": (SimpleConvNet, 6), "deep": (DeepConvNet, 10), "res": (ResNet, 8)}

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("network", choices=NETWORKS)
parser.add_argument("--dataset", choices=("mnist", "digits"), default="mnist")
parser.add_argument("--epochs", type=int)
parser.add_argument("--batch-size", type=int, default=100)
parser.add_argument("--lr", type=float, default=2e-3, help="the highest rate of the cycle")
parser.add_argument("--save", metavar="FILE", help="write the weights as safetensors")
options = parser.parse_args()

train, test = (load_mnist if options.dataset == "mnist" else load_digits)(flatten=False)
kind, epochs = NETWORKS[options.network]
epochs = options.epochs or epochs
input_dim = train[0].shape[1:]
five = {"filter_num": 30, "filter_size": 5 if input_dim[1] > 8 else 3, "pad": 0, "stride": 1}
rng = Generator(0)
net = kind(input_dim, five, rng=rng) if kind is SimpleConvNet else kind(input_dim, rng=rng)

batches = -(-train[0].shape[0] // options.batch_size)
optimizer = Adam(lr=OneCycle(options.lr, steps=epochs * batches))
trainer = Trainer(net, optimizer, train, test, options.batch_size, rng=rng, evaluate_rows=1000)


def progress(done: int) -> None:
    """A line that is written over, for those who watch."""
    if sys.stderr.isatty() and done % 10 == 0:
        print(f"\repoch {len(trainer.history) + 1}: batch {done} of {batches} ", end="", file=sys.stderr, flush=True)


print(net.summary())
for epoch in trainer.run(epochs, progress):
    accuracy = f"train {epoch.train_accuracy:.2%}, test {epoch.test_accuracy:.2%}"
    print(f"\repoch {epoch.epoch}: loss {epoch.loss:.4f}, {accuracy}, {epoch.seconds:.1f} s", flush=True)
print(f"test accuracy: {net.accuracy(*test):.2%}")
if options.save:
    xn.save(options.save, net)

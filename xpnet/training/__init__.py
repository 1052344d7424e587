"""Training: the loop, its history and metrics, and its files."""

from xpnet.training.checkpoint import load, save
from xpnet.training.fitting import Loaded
from xpnet.training.history import Epoch, History
from xpnet.training.metrics import confusion_matrix
from xpnet.training.rate_test import RateTest, rate_test
from xpnet.training.runs import Run, load_network
from xpnet.training.tensorboard_files import tensorboard
from xpnet.training.torch_weights import load_torch
from xpnet.training.trainer import Trainer

__all__ = [
    "Epoch",
    "History",
    "Loaded",
    "RateTest",
    "Run",
    "Trainer",
    "confusion_matrix",
    "load",
    "load_network",
    "load_torch",
    "rate_test",
    "save",
    "tensorboard",
]

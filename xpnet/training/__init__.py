"""Training: the loop, its history, and weights on disk."""

from xpnet.training.checkpoint import load, save
from xpnet.training.history import Epoch, History
from xpnet.training.trainer import Trainer

__all__ = ["Epoch", "History", "Trainer", "load", "save"]

"""Schedules of the learning rate: ``lr=Cosine(0.1, steps=1000)``.

A schedule is any function of the number of updates done, from 0; these refuse a number that is negative or not finite.
An epoch is ``len(trainer.batches)`` updates. ``Plateau`` follows the loss of each epoch instead, and its state is saved
with the optimizer.
"""

from xpnet.schedules.by_loss import Plateau, Warmup
from xpnet.schedules.by_step import Cosine, Exponential, OneCycle, Polynomial, StepDecay, WarmRestarts

__all__ = [
    "Cosine",
    "Exponential",
    "OneCycle",
    "Plateau",
    "Polynomial",
    "StepDecay",
    "WarmRestarts",
    "Warmup",
]

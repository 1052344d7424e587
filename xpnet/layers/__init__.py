"""The layers: nodes of the computational graph, each with its forward and its local backward."""

from xpnet.layers.activation import Relu, Sigmoid
from xpnet.layers.affine import Affine
from xpnet.layers.arithmetic import AddLayer, MulLayer
from xpnet.layers.base import Layer
from xpnet.layers.loss import IdentityWithLoss, SoftmaxWithLoss
from xpnet.layers.shape import Flatten

__all__ = [
    "AddLayer",
    "Affine",
    "Flatten",
    "IdentityWithLoss",
    "Layer",
    "MulLayer",
    "Relu",
    "Sigmoid",
    "SoftmaxWithLoss",
]

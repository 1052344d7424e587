"""The layers: nodes of the computational graph, each with its forward and its local backward."""

from xpnet.layers.activation import Elu, Gelu, Identity, LeakyRelu, Relu, Sigmoid, Silu, Softplus, Tanh
from xpnet.layers.affine import Affine
from xpnet.layers.arithmetic import AddLayer, MulLayer
from xpnet.layers.attention import MultiHeadAttention
from xpnet.layers.base import Layer
from xpnet.layers.classification_loss import SigmoidWithLoss, SoftmaxWithLoss
from xpnet.layers.containers import Concat, Residual
from xpnet.layers.convolution import Convolution, TransposedConvolution
from xpnet.layers.dropout import Dropout
from xpnet.layers.embedding import Embedding, PositionalEmbedding, PositionalEncoding
from xpnet.layers.linear import Bias, Linear, MatMul
from xpnet.layers.normalization import (
    BatchNormalization,
    GroupNormalization,
    LayerNormalization,
    RMSNormalization,
)
from xpnet.layers.pooling import AveragePooling, GlobalAveragePooling, MaxPooling, Pooling
from xpnet.layers.recurrent import GRU, LSTM, RNN
from xpnet.layers.regression_loss import Huber, IdentityWithLoss, MeanSquaredError
from xpnet.layers.shape import Flatten, Reshape, Transpose
from xpnet.layers.softmax import LogSoftmax, Softmax
from xpnet.layers.transformer import TransformerBlock

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "AddLayer",
    "Affine",
    "AveragePooling",
    "BatchNormalization",
    "Bias",
    "Concat",
    "Convolution",
    "Dropout",
    "Elu",
    "Embedding",
    "Flatten",
    "Gelu",
    "GlobalAveragePooling",
    "GroupNormalization",
    "Huber",
    "Identity",
    "IdentityWithLoss",
    "Layer",
    "LayerNormalization",
    "LeakyRelu",
    "Linear",
    "LogSoftmax",
    "MatMul",
    "MaxPooling",
    "MeanSquaredError",
    "MulLayer",
    "MultiHeadAttention",
    "Pooling",
    "PositionalEmbedding",
    "PositionalEncoding",
    "RMSNormalization",
    "Relu",
    "Reshape",
    "Residual",
    "Sigmoid",
    "SigmoidWithLoss",
    "Silu",
    "Softmax",
    "SoftmaxWithLoss",
    "Softplus",
    "Tanh",
    "TransformerBlock",
    "Transpose",
    "TransposedConvolution",
]

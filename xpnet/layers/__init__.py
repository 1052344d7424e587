"""The layers: nodes of the computational graph, each with its forward and its local backward."""

from xpnet.layers.activation import Elu, Gelu, Identity, LeakyRelu, Relu, Sigmoid, Silu, Softplus, Tanh
from xpnet.layers.adaptive_pooling import (
    AdaptiveAveragePooling,
    AdaptiveMaxPooling,
    GlobalAveragePooling,
    GlobalMaxPooling,
)
from xpnet.layers.affine import Affine
from xpnet.layers.arithmetic import AddLayer, MulLayer
from xpnet.layers.attention import CrossAttention, MultiHeadAttention
from xpnet.layers.base import Layer
from xpnet.layers.classification_loss import SigmoidWithLoss, SoftmaxWithLoss
from xpnet.layers.containers import Concat, Residual
from xpnet.layers.convolution import Convolution, Convolution1D, Convolution3D
from xpnet.layers.dropout import Dropout
from xpnet.layers.embedding import Embedding, PositionalEmbedding, PositionalEncoding
from xpnet.layers.linear import Linear, MatMul
from xpnet.layers.normalization import BatchNormalization, GroupNormalization, LayerNormalization, RMSNormalization
from xpnet.layers.padding import Padding
from xpnet.layers.pooling import (
    AveragePooling,
    AveragePooling1D,
    AveragePooling3D,
    MaxPooling,
    MaxPooling1D,
    MaxPooling3D,
    Pooling,
)
from xpnet.layers.recurrent import GRU, LSTM, RNN
from xpnet.layers.regression_loss import Huber, IdentityWithLoss, MeanSquaredError
from xpnet.layers.resampling import BilinearUpsampling, PixelShuffle, PixelUnshuffle, Upsampling
from xpnet.layers.separable_convolution import SeparableConvolution
from xpnet.layers.shape import Flatten, Reshape, Transpose
from xpnet.layers.softmax import LogSoftmax, Softmax
from xpnet.layers.transformer import DecoderBlock, TransformerBlock
from xpnet.layers.transposed_convolution import TransposedConvolution, TransposedConvolution1D, TransposedConvolution3D

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "AdaptiveAveragePooling",
    "AdaptiveMaxPooling",
    "AddLayer",
    "Affine",
    "AveragePooling",
    "AveragePooling1D",
    "AveragePooling3D",
    "BatchNormalization",
    "BilinearUpsampling",
    "Concat",
    "Convolution",
    "Convolution1D",
    "Convolution3D",
    "CrossAttention",
    "DecoderBlock",
    "Dropout",
    "Elu",
    "Embedding",
    "Flatten",
    "Gelu",
    "GlobalAveragePooling",
    "GlobalMaxPooling",
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
    "MaxPooling1D",
    "MaxPooling3D",
    "MeanSquaredError",
    "MulLayer",
    "MultiHeadAttention",
    "Padding",
    "PixelShuffle",
    "PixelUnshuffle",
    "Pooling",
    "PositionalEmbedding",
    "PositionalEncoding",
    "RMSNormalization",
    "Relu",
    "Reshape",
    "Residual",
    "SeparableConvolution",
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
    "TransposedConvolution1D",
    "TransposedConvolution3D",
    "Upsampling",
]

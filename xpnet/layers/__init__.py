"""The layers: nodes of the computational graph, each with its forward and its local backward."""

from xpnet.layers.activation import Elu, Gelu, Identity, LeakyRelu, Relu, Sigmoid, Silu, Softplus, Tanh
from xpnet.layers.affine import Affine
from xpnet.layers.arithmetic import AddLayer, MulLayer
from xpnet.layers.attention import MultiHeadAttention
from xpnet.layers.base import Layer
from xpnet.layers.bent_activation import HardSigmoid, HardSwish, HardTanh, PRelu, Relu6
from xpnet.layers.classification_loss import SigmoidWithLoss, SoftmaxWithLoss
from xpnet.layers.containers import Concat, Residual
from xpnet.layers.convolution import Convolution, TransposedConvolution
from xpnet.layers.ctc_loss import CTCLoss
from xpnet.layers.dropout import Dropout, StochasticDepth
from xpnet.layers.embedding import Embedding, PositionalEmbedding, PositionalEncoding
from xpnet.layers.embedding_bag import EmbeddingBag
from xpnet.layers.gated_activation import GeGlu, Glu, SwiGlu
from xpnet.layers.likelihood_loss import FocalLoss, KLDivergence, NegativeLogLikelihood
from xpnet.layers.linear import Linear, MatMul
from xpnet.layers.margin_loss import HingeLoss, MultiMarginLoss
from xpnet.layers.metric_loss import ContrastiveLoss, CosineEmbeddingLoss, TripletLoss
from xpnet.layers.noise import GaussianNoise
from xpnet.layers.normalization import (
    BatchNormalization,
    GroupNormalization,
    InstanceNormalization,
    LayerNormalization,
    RMSNormalization,
)
from xpnet.layers.pooling import AveragePooling, GlobalAveragePooling, MaxPooling, Pooling
from xpnet.layers.recurrent import GRU, LSTM, RNN
from xpnet.layers.regression_loss import (
    GaussianLoss,
    Huber,
    IdentityWithLoss,
    MeanAbsoluteError,
    MeanSquaredError,
    PoissonLoss,
    QuantileLoss,
)
from xpnet.layers.sampled_loss import NegativeSamplingLoss, SampledSoftmaxLoss
from xpnet.layers.shape import Flatten, Reshape, Transpose
from xpnet.layers.smooth_activation import LogSigmoid, Mish, Selu, Softsign
from xpnet.layers.softmax import LogSoftmax, Softmax
from xpnet.layers.transformer import TransformerBlock
from xpnet.layers.weight_normalization import SpectralNormalization, WeightNormalization

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "AddLayer",
    "Affine",
    "AveragePooling",
    "BatchNormalization",
    "CTCLoss",
    "Concat",
    "ContrastiveLoss",
    "Convolution",
    "CosineEmbeddingLoss",
    "Dropout",
    "Elu",
    "Embedding",
    "EmbeddingBag",
    "Flatten",
    "FocalLoss",
    "GaussianLoss",
    "GaussianNoise",
    "GeGlu",
    "Gelu",
    "GlobalAveragePooling",
    "Glu",
    "GroupNormalization",
    "HardSigmoid",
    "HardSwish",
    "HardTanh",
    "HingeLoss",
    "Huber",
    "Identity",
    "IdentityWithLoss",
    "InstanceNormalization",
    "KLDivergence",
    "Layer",
    "LayerNormalization",
    "LeakyRelu",
    "Linear",
    "LogSigmoid",
    "LogSoftmax",
    "MatMul",
    "MaxPooling",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Mish",
    "MulLayer",
    "MultiHeadAttention",
    "MultiMarginLoss",
    "NegativeLogLikelihood",
    "NegativeSamplingLoss",
    "PRelu",
    "PoissonLoss",
    "Pooling",
    "PositionalEmbedding",
    "PositionalEncoding",
    "QuantileLoss",
    "RMSNormalization",
    "Relu",
    "Relu6",
    "Reshape",
    "Residual",
    "SampledSoftmaxLoss",
    "Selu",
    "Sigmoid",
    "SigmoidWithLoss",
    "Silu",
    "Softmax",
    "SoftmaxWithLoss",
    "Softplus",
    "Softsign",
    "SpectralNormalization",
    "StochasticDepth",
    "SwiGlu",
    "Tanh",
    "TransformerBlock",
    "Transpose",
    "TransposedConvolution",
    "TripletLoss",
    "WeightNormalization",
]

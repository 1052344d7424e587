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
from xpnet.layers.attention import MultiHeadAttention
from xpnet.layers.base import Layer
from xpnet.layers.bent_activation import HardSigmoid, HardSwish, HardTanh, PRelu, Relu6
from xpnet.layers.classification_loss import SigmoidWithLoss, SoftmaxWithLoss
from xpnet.layers.containers import Concat, Residual
from xpnet.layers.convolution import Convolution, Convolution1D, Convolution3D
from xpnet.layers.cross_attention import CrossAttention
from xpnet.layers.ctc_loss import CTCLoss
from xpnet.layers.dropout import Dropout, StochasticDepth
from xpnet.layers.embedding import Embedding, PositionalEmbedding, PositionalEncoding
from xpnet.layers.embedding_bag import EmbeddingBag
from xpnet.layers.gated_activation import GeGlu, Glu, SwiGlu
from xpnet.layers.likelihood_loss import FocalLoss, KLDivergence, NegativeLogLikelihood
from xpnet.layers.linear import Bias, Linear, MatMul
from xpnet.layers.margin_loss import HingeLoss, MultiMarginLoss
from xpnet.layers.metric_loss import ContrastiveLoss, CosineEmbeddingLoss, TripletLoss
from xpnet.layers.noise import GaussianNoise
from xpnet.layers.normalization import (
    BatchNormalization,
    GroupNormalization,
    InstanceNormalization,
    LayerNormalization,
)
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
from xpnet.layers.regression_loss import (
    GaussianLoss,
    Huber,
    IdentityWithLoss,
    MeanAbsoluteError,
    MeanSquaredError,
    PoissonLoss,
    QuantileLoss,
)
from xpnet.layers.resampling import BilinearUpsampling, PixelShuffle, PixelUnshuffle, Upsampling
from xpnet.layers.rms_normalization import RMSNormalization
from xpnet.layers.sampled_loss import NegativeSamplingLoss, SampledSoftmaxLoss
from xpnet.layers.sampling import Sampling
from xpnet.layers.separable_convolution import SeparableConvolution
from xpnet.layers.shape import Flatten, Reshape, Transpose
from xpnet.layers.smooth_activation import LogSigmoid, Mish, Selu, Softsign
from xpnet.layers.softmax import LogSoftmax, Softmax
from xpnet.layers.transformer import DecoderBlock, TransformerBlock
from xpnet.layers.transposed_convolution import TransposedConvolution, TransposedConvolution1D, TransposedConvolution3D
from xpnet.layers.variational_loss import VariationalLoss
from xpnet.layers.weight_normalization import SpectralNormalization, WeightNormalization

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
    "Bias",
    "BilinearUpsampling",
    "CTCLoss",
    "Concat",
    "ContrastiveLoss",
    "Convolution",
    "Convolution1D",
    "Convolution3D",
    "CosineEmbeddingLoss",
    "CrossAttention",
    "DecoderBlock",
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
    "GlobalMaxPooling",
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
    "MaxPooling1D",
    "MaxPooling3D",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Mish",
    "MulLayer",
    "MultiHeadAttention",
    "MultiMarginLoss",
    "NegativeLogLikelihood",
    "NegativeSamplingLoss",
    "PRelu",
    "Padding",
    "PixelShuffle",
    "PixelUnshuffle",
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
    "Sampling",
    "Selu",
    "SeparableConvolution",
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
    "TransposedConvolution1D",
    "TransposedConvolution3D",
    "TripletLoss",
    "Upsampling",
    "VariationalLoss",
    "WeightNormalization",
]

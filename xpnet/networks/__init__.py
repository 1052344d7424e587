"""Networks: layers put together, with a loss."""

from xpnet.networks.conv_nets import DeepConvNet, SimpleConvNet
from xpnet.networks.language_model import TransformerLM
from xpnet.networks.multi_layer_net import MultiLayerNet, MultiLayerNetExtend
from xpnet.networks.network import Network
from xpnet.networks.recurrent_lm import RecurrentLM
from xpnet.networks.res_net import ResNet
from xpnet.networks.seq2seq import AttentionSeq2seq, PeekySeq2seq, Seq2seq
from xpnet.networks.sequential import Sequential
from xpnet.networks.two_layer_net import TwoLayerNet
from xpnet.networks.word_vectors import CBOW, SkipGram

__all__ = [
    "CBOW",
    "AttentionSeq2seq",
    "DeepConvNet",
    "MultiLayerNet",
    "MultiLayerNetExtend",
    "Network",
    "PeekySeq2seq",
    "RecurrentLM",
    "ResNet",
    "Seq2seq",
    "Sequential",
    "SimpleConvNet",
    "SkipGram",
    "TransformerLM",
    "TwoLayerNet",
]

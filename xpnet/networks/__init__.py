"""Networks: layers put together, with a loss."""

from xpnet.networks.conv_nets import DeepConvNet, SimpleConvNet
from xpnet.networks.gpt2 import GPT2
from xpnet.networks.language_model import TransformerLM
from xpnet.networks.multi_layer_net import MultiLayerNet, MultiLayerNetExtend
from xpnet.networks.network import Network
from xpnet.networks.res_net import ResNet
from xpnet.networks.sequential import Sequential
from xpnet.networks.transformer import Transformer
from xpnet.networks.two_layer_net import TwoLayerNet

__all__ = [
    "GPT2",
    "DeepConvNet",
    "MultiLayerNet",
    "MultiLayerNetExtend",
    "Network",
    "ResNet",
    "Sequential",
    "SimpleConvNet",
    "Transformer",
    "TransformerLM",
    "TwoLayerNet",
]

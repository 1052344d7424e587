"""Networks: layers put together, with a loss."""

from xpnet.networks.conv_nets import DeepConvNet, SimpleConvNet
from xpnet.networks.language_model import TransformerLM
from xpnet.networks.multi_layer_net import MultiLayerNet, MultiLayerNetExtend
from xpnet.networks.network import Network
from xpnet.networks.res_net import ResNet
from xpnet.networks.sequential import Sequential
from xpnet.networks.two_layer_net import TwoLayerNet

__all__ = [
    "DeepConvNet",
    "MultiLayerNet",
    "MultiLayerNetExtend",
    "Network",
    "ResNet",
    "Sequential",
    "SimpleConvNet",
    "TransformerLM",
    "TwoLayerNet",
]

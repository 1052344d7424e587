"""Networks: layers put together, with a loss."""

from xpnet.networks.network import Network
from xpnet.networks.sequential import Sequential
from xpnet.networks.two_layer_net import TwoLayerNet

__all__ = ["Network", "Sequential", "TwoLayerNet"]

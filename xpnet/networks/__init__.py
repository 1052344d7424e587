"""Networks: layers put together, with a loss."""

from xpnet.networks.autoencoder import Autoencoder
from xpnet.networks.conv_nets import DeepConvNet, SimpleConvNet
from xpnet.networks.deep_res_net import ResNet18, ResNet34, ResNet50
from xpnet.networks.gan import GAN
from xpnet.networks.language_model import TransformerLM
from xpnet.networks.multi_layer_net import MultiLayerNet, MultiLayerNetExtend
from xpnet.networks.network import Network
from xpnet.networks.patches import MLPMixer, ViT
from xpnet.networks.res_net import ResNet
from xpnet.networks.sequential import Sequential
from xpnet.networks.two_layer_net import TwoLayerNet
from xpnet.networks.u_net import UNet
from xpnet.networks.vae import VAE
from xpnet.networks.vgg import VGG

__all__ = [
    "GAN",
    "VAE",
    "VGG",
    "Autoencoder",
    "DeepConvNet",
    "MLPMixer",
    "MultiLayerNet",
    "MultiLayerNetExtend",
    "Network",
    "ResNet",
    "ResNet18",
    "ResNet34",
    "ResNet50",
    "Sequential",
    "SimpleConvNet",
    "TransformerLM",
    "TwoLayerNet",
    "UNet",
    "ViT",
]

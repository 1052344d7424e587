"""Networks: layers put together, with a loss."""

from xpnet.networks.autoencoder import Autoencoder
from xpnet.networks.conv_nets import DeepConvNet, SimpleConvNet
from xpnet.networks.deep_res_net import ResNet18, ResNet34, ResNet50
from xpnet.networks.gan import GAN
from xpnet.networks.gpt2 import GPT2
from xpnet.networks.graph import Graph
from xpnet.networks.language_model import TransformerLM
from xpnet.networks.multi_layer_net import MultiLayerNet, MultiLayerNetExtend
from xpnet.networks.network import Network
from xpnet.networks.patches import MLPMixer, ViT
from xpnet.networks.recurrent_lm import RecurrentLM
from xpnet.networks.res_net import ResNet
from xpnet.networks.seq2seq import AttentionSeq2seq, PeekySeq2seq, Seq2seq
from xpnet.networks.sequential import Sequential
from xpnet.networks.transformer import Transformer
from xpnet.networks.two_layer_net import TwoLayerNet
from xpnet.networks.u_net import UNet
from xpnet.networks.vae import VAE
from xpnet.networks.vgg import VGG
from xpnet.networks.word_vectors import CBOW, SkipGram

__all__ = [
    "CBOW",
    "GAN",
    "GPT2",
    "VAE",
    "VGG",
    "AttentionSeq2seq",
    "Autoencoder",
    "DeepConvNet",
    "Graph",
    "MLPMixer",
    "MultiLayerNet",
    "MultiLayerNetExtend",
    "Network",
    "PeekySeq2seq",
    "RecurrentLM",
    "ResNet",
    "ResNet18",
    "ResNet34",
    "ResNet50",
    "Seq2seq",
    "Sequential",
    "SimpleConvNet",
    "SkipGram",
    "Transformer",
    "TransformerLM",
    "TwoLayerNet",
    "UNet",
    "ViT",
]

"""What the book's networks refuse."""

from __future__ import annotations

import numpy as np
import pytest
from book_networks import FILTERS

from xpnet.errors import ArgumentError, DtypeError, ShapeError
from xpnet.networks import DeepConvNet, MultiLayerNet, MultiLayerNetExtend, ResNet, SimpleConvNet


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: MultiLayerNet(4, [3], 2, activation="step"),
            "MultiLayerNet: activation must be one of relu, .* 'step'",
        ),
        (lambda: MultiLayerNet(4, [3], 2, weight_init_std="big"), "init must be one of he, .*, got 'big'"),
        (lambda: MultiLayerNet(4, [3], 2, weight_init_std=-1.0), "must be finite and not negative"),
        (lambda: MultiLayerNet(4, [0], 2), "MultiLayerNet: each size must be a positive integer, got 0"),
        (lambda: MultiLayerNet(4, 3, 2), r"hidden_size_list must be a list of sizes, got 3; put one size into a list"),
        (lambda: MultiLayerNet(4, [3], 2, weight_decay_lambda=-0.1), "MultiLayerNet: weight_decay_lambda must be"),
        (lambda: MultiLayerNetExtend(4, [3], 2, weight_decay_lambda=float("nan")), "Extend: weight_decay_lambda must"),
        (lambda: MultiLayerNetExtend(4, [3], 2, use_dropout=True, dropout_ration=1.0), "dropout_ratio must be from 0"),
        (lambda: SimpleConvNet((28, 28)), r"SimpleConvNet: input_dim must be \(C, H, W\), got \(28, 28\)"),
        (lambda: SimpleConvNet(conv_param={"filter_num": 3}), "conv_param must have the keys filter_num and filter_s"),
        (lambda: SimpleConvNet(conv_param=FILTERS | {"padding": 1}), "conv_param must have the keys .* padding"),
        (lambda: ResNet((1, 8, 8), ()), "ResNet: channels must have a number for each stage"),
        (lambda: ResNet((1, 8, 8), 4), "ResNet: channels must have a number for each stage, got 4"),
        (lambda: ResNet((1, -8, 8)), "ResNet: each size of input_dim must be a positive integer, got -8"),
        (lambda: SimpleConvNet(784), r"SimpleConvNet: input_dim must be \(C, H, W\), got 784"),
        (lambda: ResNet((1, 8, 8), blocks=0), "ResNet: blocks must be a positive integer, got 0"),
        (lambda: ResNet((8, 8)), r"ResNet: input_dim must be \(C, H, W\)"),
    ],
)
def test_wrong_options_are_refused(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()


def test_a_conv_param_that_is_no_mapping_is_refused():
    with pytest.raises(DtypeError, match=r"SimpleConvNet: conv_param must map names to numbers, got 5; such as"):
        SimpleConvNet(conv_param=5)


def test_the_weight_decay_may_be_a_number_of_numpy():
    assert MultiLayerNet(4, [3], 2, weight_decay_lambda=np.float32(0.5)).weight_decay_lambda == 0.5


def test_images_that_are_too_small_are_refused_when_the_network_is_built():
    with pytest.raises(ShapeError, match=r"SimpleConvNet.Conv1: x with its padding must be at least \(5, 5\)"):
        SimpleConvNet((1, 4, 4))
    with pytest.raises(ShapeError, match=r"DeepConvNet.Pool\d: x with its padding must be at least \(2, 2\)"):
        DeepConvNet((1, 1, 1))

"""What a layer shows of itself: its parameters or layers, and the options that are not as they are by default."""

from __future__ import annotations

import inspect
import re

import numpy as np
import pytest

from xpnet import layers
from xpnet.cases import CASES
from xpnet.layers import (
    GRU,
    LSTM,
    AdaptiveMaxPooling,
    Affine,
    AveragePooling,
    BatchNormalization,
    BilinearUpsampling,
    Concat,
    ContrastiveLoss,
    Convolution,
    Convolution1D,
    CTCLoss,
    Dropout,
    Elu,
    Embedding,
    EmbeddingBag,
    FocalLoss,
    GaussianNoise,
    Gelu,
    GroupNormalization,
    HardTanh,
    Huber,
    Layer,
    LayerNormalization,
    LeakyRelu,
    MaxPooling,
    MaxPooling1D,
    MultiHeadAttention,
    MultiMarginLoss,
    NegativeSamplingLoss,
    Padding,
    QuantileLoss,
    Relu,
    Reshape,
    Residual,
    Sigmoid,
    SigmoidWithLoss,
    SoftmaxWithLoss,
    Transpose,
    TransposedConvolution,
)
from xpnet.networks import MultiLayerNet, Sequential

SHOWN = {
    "Convolution(W (2, 1, 3, 3), b (2,))": lambda: Convolution.create(1, 2, 3),
    "Convolution(W (2, 1, 3, 3), b (2,), stride=(2, 1), pad=1, dilation=3, groups=2)": lambda: Convolution.create(
        2, 2, 3, stride=(2, 1), pad=(1, 1), dilation=3, groups=2
    ),
    "TransposedConvolution(W (1, 2, 3, 3), b (2,), stride=2, output_pad=(0, 1))": lambda: TransposedConvolution.create(
        1, 2, 3, stride=2, output_pad=(0, 1)
    ),
    "MaxPooling(pool_h=2, pool_w=3)": lambda: MaxPooling(2, 3),
    "AveragePooling(pool_h=2, pool_w=2, stride=1, pad=(0, 1))": lambda: AveragePooling(2, 2, stride=1, pad=(0, 1)),
    "AveragePooling(pool_h=2, pool_w=2, pad=((1, 0), (0, 0)), ceil_mode=True, count_include_pad=False)": (
        lambda: AveragePooling(2, 2, 2, ((1, 0), 0), ceil_mode=True, count_include_pad=False)
    ),
    "Convolution1D(W (2, 1, 3), stride=2, pad='same')": lambda: Convolution1D.create(1, 2, 3, 2, "same", bias=False),
    "MaxPooling1D(size=2)": lambda: MaxPooling1D(2, (2,)),
    "AdaptiveMaxPooling(size=(2, 3))": lambda: AdaptiveMaxPooling([2, 3]),
    "Padding(pad=((0, 1), (2, 2)), mode='reflect')": lambda: Padding(((0, 1), 2), "reflect"),
    "Padding(pad=1)": lambda: Padding(1),
    "BilinearUpsampling(scale=3, align_corners=True)": lambda: BilinearUpsampling(3, align_corners=True),
    "BatchNormalization(gamma (3,), beta (3,), momentum=0.5)": lambda: BatchNormalization.create(3, momentum=0.5),
    "GroupNormalization(gamma (4,), beta (4,), groups=2, eps=0.25)": lambda: GroupNormalization.create(4, 2, eps=0.25),
    "LayerNormalization(gamma (3,), beta (3,))": lambda: LayerNormalization.create(3, eps=1e-5),
    "Dropout()": Dropout,
    "Dropout(dropout_ratio=0.25)": lambda: Dropout(0.25),
    "LeakyRelu(slope=0.1)": lambda: LeakyRelu(0.1),
    "Elu(alpha=2.0)": lambda: Elu(2),
    "Gelu(approximate='tanh')": lambda: Gelu("tanh"),
    "LSTM(Wx (2, 12), Wh (3, 12), b (12,))": lambda: LSTM.create(2, 3),
    "GRU(Wx (1, 3), Wh (1, 3), bx (3,), bh (3,), stateful=True, return_sequences=False)": lambda: GRU.create(
        1, 1, stateful=True, return_sequences=False
    ),
    "GRU(Wx (1, 3), Wh (1, 3), bx (3,), return_state=True, reverse=True, reset_after=False, recurrent_dropout=0.5)": (
        lambda: GRU.create(1, 1, return_state=True, reverse=True, reset_after=False, recurrent_dropout=0.5)
    ),
    "MultiHeadAttention(Wq (2, 2), Wk (2, 2), Wv (2, 2), Wo (2, 2), bq (2,), bk (2,), bv (2,), bo (2,), "
    "heads=1, causal=True)": lambda: MultiHeadAttention.create(2, 1, causal=np.True_),
    "MultiHeadAttention(Wq (4, 4), Wk (4, 2), Wv (4, 2), Wo (4, 4), "
    "heads=2, kv_heads=1, window=3, positions='alibi')": (
        lambda: MultiHeadAttention.create(4, 2, kv_heads=1, window=3, positions="alibi", bias=False)
    ),
    "SoftmaxWithLoss(label_smoothing=0.1, class_weights (3,), ignore_index=-100, reduction='sum')": lambda: (
        SoftmaxWithLoss(0.1, [1.0, 2.0, 3.0], -100, "sum")
    ),
    "SigmoidWithLoss(pos_weight=3.0)": lambda: SigmoidWithLoss(3),
    "Huber(delta=0.5, reduction='sum')": lambda: Huber(0.5, "sum"),
    "Embedding(W (3, 2), padding_idx=1, max_norm=2.0, by_rows=True)": lambda: Embedding.create(
        3, 2, padding_idx=1, max_norm=2, by_rows=True
    ),
    "EmbeddingBag(W (3, 2), reduction='sum')": lambda: EmbeddingBag.create(3, 2, reduction="sum"),
    "NegativeSamplingLoss(W (3, 2), frequencies (3,), negatives=2, power=1.0)": lambda: NegativeSamplingLoss.create(
        3, 2, [1, 2, 3], 2, power=1
    ),
    "CTCLoss(blank=2, zero_infinity=True)": lambda: CTCLoss(2, zero_infinity=True),
    "ContrastiveLoss(temperature=0.5)": lambda: ContrastiveLoss(0.5),
    "Dropout(axes=(0, 1))": lambda: Dropout(axes=[0, 1]),
    "FocalLoss(focus=1.0, label_smoothing=0.1)": lambda: FocalLoss(1, 0.1),
    "GaussianNoise(sigma=0.5)": lambda: GaussianNoise(0.5),
    "HardTanh(low=0.0, high=2.0)": lambda: HardTanh(0, 2),
    "MultiMarginLoss(margin=0.5, power=2)": lambda: MultiMarginLoss(0.5, 2),
    "QuantileLoss(quantile=0.9)": lambda: QuantileLoss(0.9),
    "Reshape(2, -1)": lambda: Reshape((2, -1)),
    "Transpose(0, 2, 1)": lambda: Transpose(0, 2, 1),
    "Residual(Affine(W (2, 2), b (2,)), Relu(), shortcut=Affine(W (2, 2), b (2,)))": lambda: Residual(
        Affine.create(2, 2), Relu(), shortcut=Affine.create(2, 2)
    ),
    "Concat(Relu(), Chain(Relu(), Sigmoid()), join=Join(count=2, axis=-1))": lambda: Concat(
        Relu(), [Relu(), Sigmoid()], axis=-1
    ),
    "Sequential(head=Relu(), loss=Huber())": lambda: Sequential({"head": Relu()}, loss=Huber()),
    "MultiLayerNet(Affine(W (2, 1), b (1,)), Activation_function1=Relu(), Affine(W (1, 2), b (2,)), "
    "loss=SoftmaxWithLoss(), weight_decay_lambda=0.5)": lambda: MultiLayerNet(2, [1], 2, weight_decay_lambda=0.5),
}


@pytest.mark.parametrize("text", SHOWN)
def test_a_layer_shows_its_arrays_and_unusual_options(text):
    assert repr(SHOWN[text]()) == text


def test_every_option_of_a_layer_is_shown_here():
    kinds = [kind for name in layers.__all__ if not (kind := getattr(layers, name)).is_container]
    parameters = {kind: inspect.signature(kind.__init__).parameters for kind in kinds}
    options = {name for kind in kinds for name in parameters[kind] if name not in (*kind.parameters, *kind.state)}
    words = set(re.findall(r"(\w+)(?:=| \()", " ".join(SHOWN)))
    assert options - words == {"self", "arrays", "rng", "sample_shape"}


@pytest.mark.parametrize("case", [case for case in CASES if not case.make], ids=lambda case: case.name)
def test_the_options_of_a_case_are_shown_and_no_others(case):
    shown = repr(case.build()[0])
    for name, value in case.options.items():
        assert f"{name}={value!r}" in shown or f"{name} ({len(value)},)" in shown
    assert len(re.findall(r"\w \(|=", shown)) == len(case.parameters) + len(case.options)


def test_the_options_of_one_s_own_layer_show():
    class Scaled(Layer):
        def __init__(self, factor, mask=None, rule=None):
            super().__init__()
            self.factor, self.mask, self.rule = factor, mask, rule

    assert repr(Scaled(3.0)).endswith("Scaled(factor=3.0)")
    assert repr(Scaled(3.0, np.ones(2), rule=abs)).endswith("Scaled(factor=3.0, mask (2,))")

"""The Transformer's block: its parts, names and options."""

from __future__ import annotations

import numpy as np
import pytest

from xpnet import gradient_check
from xpnet.errors import ArgumentError, DtypeError
from xpnet.layers import Linear, MultiHeadAttention, RMSNormalization, TransformerBlock
from xpnet.random import Generator

X = np.random.default_rng(0).normal(size=(2, 3, 4))


def test_its_layers_have_the_names_of_their_classes():
    assert list(TransformerBlock.create(4, 2).layers) == [
        *("LayerNormalization1", "Attention1", "LayerNormalization2", "Linear1", "Gelu1", "Linear2")
    ]
    assert "Attention1.Wq" in TransformerBlock.create(4, 2).params


def test_the_hidden_layer_is_four_times_as_wide_unless_given():
    assert TransformerBlock.create(4, 2).params["Linear1.W"].shape == (4, 16)
    assert TransformerBlock.create(4, 2, hidden=3).params["Linear1.W"].shape == (4, 3)


def test_branches_of_other_layers_pass_the_gradient_check():
    rng = Generator(0)
    attention = [RMSNormalization.create(4), MultiHeadAttention.create(4, 2, causal=True, rng=rng)]
    block = TransformerBlock(attention, [Linear.create(4, 4, rng=rng)])
    gradient_check(block, X).raise_if_failed()
    assert list(block.layers) == ["RMSNormalization1", "Attention1", "Linear1"]


def test_dropout_ends_both_branches_and_is_off_in_prediction():
    block = TransformerBlock.create(4, 2, dropout_ratio=0.5, init=0.5, rng=Generator(0)).astype("float64")
    assert [name for name in block.layers if "Dropout" in name] == ["Dropout1", "Dropout2"]
    assert (block(X) != block(X)).any()
    np.testing.assert_array_equal(block.predict(X), block.predict(X))


def test_each_branch_is_a_list_of_at_least_one_layer():
    attention = MultiHeadAttention.create(4, 2)
    with pytest.raises(DtypeError, match="attention must be a list of layers, got MultiHeadAttention; put it into"):
        TransformerBlock(attention, [Linear.create(4, 4)])
    with pytest.raises(ArgumentError, match="TransformerBlock: mlp must have at least one layer, got none"):
        TransformerBlock([attention], [])


def test_what_is_no_layer_and_one_layer_twice_are_refused():
    norm, attention = RMSNormalization.create(4), MultiHeadAttention.create(4, 2)
    with pytest.raises(ArgumentError, match="TransformerBlock: each layer must be another object"):
        TransformerBlock([norm, attention], [norm])
    with pytest.raises(DtypeError, match="TransformerBlock: int1 must be a layer, got int"):
        TransformerBlock([attention], [3])
    with pytest.raises(ArgumentError, match="heads must divide the width 4, got 3"):
        TransformerBlock.create(4, 3)

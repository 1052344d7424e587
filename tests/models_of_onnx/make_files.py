"""``python tests/models_of_onnx/make_files.py`` writes the models of torch and Keras that the tests read.

It needs torch, onnxscript and keras with the backend torch, which the tests do not; outputs are written beside each.
"""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "torch"

from pathlib import Path

import keras
import numpy as np
import onnx
import torch
from torch import nn

HERE = Path(__file__).parent / "files"


class Block(nn.Module):
    """Convolutions with a way around them."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm = nn.Conv2d(1, 3, 3, padding=1), nn.BatchNorm2d(3)
        self.second, self.pool, self.last = nn.Conv2d(3, 3, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Linear(3, 2)

    def forward(self, x):
        x = torch.relu(self.norm(self.first(x)))
        x = nn.functional.gelu(self.second(x)) + x
        return self.last(torch.flatten(self.pool(x), 1))


class Reader(nn.Module):
    """An embedding and a recurrent layer of two directions."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.embedding, self.last = nn.Embedding(7, 3), nn.Linear(4, 2)
        self.layer = getattr(nn, kind)(3, 2, batch_first=True, bidirectional=True)

    def forward(self, x):
        return self.last(self.layer(self.embedding(x))[0][:, -1])


class Encoder(nn.Module):
    """A block of a Transformer over symbols with learned positions."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.positions = nn.Embedding(7, 4), nn.Parameter(torch.randn(5, 4))
        self.block = nn.TransformerEncoderLayer(4, 2, 6, dropout=0.0, batch_first=True, norm_first=True)
        self.last = nn.Linear(4, 7)

    def forward(self, x):
        return self.last(self.block(self.embedding(x) + self.positions))


def without_places(name: str) -> None:
    """Leave out what exporters tell of the lines of Python and the shapes on the way."""
    path = HERE / f"{name}.onnx"
    model = onnx.load(path)
    del model.graph.value_info[:], model.graph.metadata_props[:], model.metadata_props[:]
    for part in (*model.graph.node, *model.graph.initializer, *model.graph.input, *model.graph.output):
        del part.metadata_props[:]
        part.doc_string = ""
    onnx.save(model, path)


def of_torch(name: str, model: nn.Module, x: torch.Tensor, dynamo: bool, train: bool = False) -> None:
    model(x)  # so that statistics are not those of the beginning
    model.train(train)
    with torch.no_grad():
        y = model(x)
    if dynamo:
        size = torch.export.Dim("batch")
        options = {"dynamic_shapes": ({0: size},), "external_data": False}
    else:
        mode = torch.onnx.TrainingMode.PRESERVE if train else torch.onnx.TrainingMode.EVAL
        options = {"dynamic_axes": {"x": {0: "batch"}}, "training": mode}
    torch.onnx.export(model, (x,), HERE / f"{name}.onnx", dynamo=dynamo, input_names=["x"], **options)
    without_places(name)
    np.savez(HERE / f"{name}.npz", x=x.numpy(), y=y.numpy())


def of_keras(name: str, model: keras.Model, x: np.ndarray) -> None:
    y = keras.ops.convert_to_numpy(model(x))
    model.export(HERE / f"{name}.onnx", format="onnx", verbose=False)
    without_places(name)
    np.savez(HERE / f"{name}.npz", x=x, y=y)


if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    torch.manual_seed(0)
    keras.utils.set_random_seed(0)
    symbols = torch.randint(0, 7, (3, 5))
    of_torch("torch_block", Block(), torch.randn(2, 1, 4, 4), True)
    of_torch("torch_gru", Reader("GRU"), symbols, False)
    of_torch("torch_lstm", Reader("LSTM"), symbols, True)
    of_torch("torch_encoder", Encoder(), symbols, True, train=True)
    layers = keras.layers
    images = keras.Sequential([keras.Input((6, 6, 1)), layers.Conv2D(2, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(), layers.BatchNormalization(), layers.GlobalAveragePooling2D(),
        layers.Dense(2, activation="softmax")])  # fmt: skip
    of_keras("keras_images", images, np.random.default_rng(0).normal(size=(3, 6, 6, 1)).astype("float32"))
    words = keras.Sequential([keras.Input((4,), dtype="int32"), layers.Embedding(7, 3), layers.SimpleRNN(2),
                              layers.Dense(2)])  # fmt: skip
    of_keras("keras_words", words, np.random.default_rng(0).integers(0, 7, (3, 4)).astype("int32"))

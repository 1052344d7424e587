"""Models that torch and Keras wrote, read as networks that compute the same and can be trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from agreement import close
from onnx import TensorProto, helper, numpy_helper

import xpnet as xn
from xpnet.errors import ArgumentError, DataError
from xpnet.layers import GRU, Affine, Embedding, LayerNormalization, Linear, Relu, SoftmaxWithLoss
from xpnet.networks import Graph, Sequential
from xpnet.optimizers import SGD
from xpnet.random import Generator

FILES = Path(__file__).parent / "files"
NAMES = sorted(path.stem for path in FILES.glob("*.onnx"))


def read(name):
    with np.load(FILES / f"{name}.npz") as file:
        return xn.from_onnx(FILES / f"{name}.onnx", loss=SoftmaxWithLoss()), file["x"], file["y"]


@pytest.mark.parametrize("name", NAMES)
def test_a_model_computes_the_same_here(name):
    net, x, y = read(name)
    scores = net.predict(x)
    if "images" in name:  # it ends in a softmax, which the loss contains
        scores = net.predict_proba(x)
    close([scores], y)
    assert net.predict(x[:1]).shape == (1, *y.shape[1:])


@pytest.mark.parametrize("name", NAMES)
def test_it_can_be_trained_on(name):
    net, x, y = read(name)
    t = np.zeros(y.shape[:-1], dtype=np.int64)
    assert xn.gradient_check(net, x[:1], t[:1]).ok
    before = net.loss(x, t)
    for _ in range(3):
        SGD(0.1).update(net.params, net.gradient(x, t))
    assert net.loss(x, t) < before


def test_it_is_a_network_as_any_other(tmp_path):
    net, x, _ = read("torch_gru")
    assert "GRU" in repr(net)
    assert "GRU" in str(net.summary())
    xn.save(tmp_path / "net.safetensors", net)
    assert np.array_equal(xn.load_network(tmp_path / "net.safetensors").predict(x), net.predict(x))
    assert isinstance(read("torch_block")[0], Graph)


def test_layers_and_arrays_have_the_names_of_the_file():
    net, _, _ = read("torch_lstm")
    assert next(iter(net.layers)) == "embedding"
    assert "last.W" in net.params
    block, _, _ = read("torch_encoder")
    assert {"positions.W", "last.b"} <= set(block.params)


def test_uses_of_one_array_are_one_layer():
    net, _, _ = read("keras_words")
    calls = [call["layer"] for call in net.calls if "layer" in call]
    products = [name for name in calls if isinstance(net.layers[name], Affine)]
    assert max(products.count(name) for name in products) > 1


def test_what_is_written_is_read_with_its_names():
    net = Sequential(
        {
            "words": Embedding.create(5, 4, rng=Generator(0)),
            "norm": LayerNormalization.create(4),
            "reader": GRU.create(4, 3, return_sequences=False, rng=Generator(0)),
            "last": Affine.create(3, 2, rng=Generator(0)),
        },
        loss=SoftmaxWithLoss(),
    )
    x = np.asarray([[0, 1, 2], [4, 3, 2]])
    read = xn.from_onnx(xn.to_onnx(net, x, dynamic=(0, 1)).SerializeToString(), loss=SoftmaxWithLoss())
    assert isinstance(read, Sequential)
    assert repr(read) == repr(net)
    assert read.params.keys() == net.params.keys()
    for name, array in net.params.items():
        assert np.array_equal(read.params[name], array)
    longer = np.asarray([[0, 1, 2, 3]])
    assert np.allclose(read.predict(longer), net.predict(longer), atol=1e-6)


def test_the_network_is_on_the_current_backend():
    torch = pytest.importorskip("torch")
    model = xn.to_onnx(Sequential(Affine.create(3, 2, rng=Generator(0))), (2, 3))
    with xn.use_backend("torch"):
        net = xn.from_onnx(model)
        assert isinstance(net.params["Affine1.W"], torch.Tensor)


def model_of(nodes, arrays=None, inputs=(("x", (None, 4)),), outputs=("y",), opset=21):
    """A model of nodes; arrays are its initializers."""
    given = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs]
    found = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    held = [numpy_helper.from_array(np.asarray(array), name) for name, array in (arrays or {}).items()]
    graph = helper.make_graph(nodes, "g", given, found, held)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


W = np.arange(12, dtype=np.float32).reshape(4, 3) / 10.0
node = helper.make_node


def test_options_of_products_are_part_of_the_weights():
    b = np.asarray([[1.0, 2.0, 3.0]], dtype=np.float32)
    gemm = node("Gemm", ["x", "W", "b"], ["y"], alpha=2.0, beta=0.5, transB=1)
    net = xn.from_onnx(model_of([gemm], {"W": np.ascontiguousarray(W.T), "b": b}))
    x = np.ones((2, 4), dtype=np.float32)
    assert np.allclose(net.predict(x), 2.0 * x @ W + 0.5 * b)
    pair = [node("MatMul", ["x", "W"], ["h"]), node("Add", ["h", "b"], ["y"])]
    net = xn.from_onnx(model_of(pair, {"W": W, "b": b[0]}, inputs=[("x", (None, None, 4))]))
    assert isinstance(net.layers["Linear1"], Linear)


@pytest.mark.parametrize(
    ("automatic", "expected"), [("SAME_UPPER", "same"), ("SAME_LOWER", ((1, 0), (1, 0))), ("VALID", 0)]
)
def test_borders_that_follow_from_the_size(automatic, expected):
    conv = node("Conv", ["x", "W"], ["y"], auto_pad=automatic)
    filters = np.arange(4, dtype=np.float32).reshape(1, 1, 2, 2)
    model = model_of([conv], {"W": filters}, inputs=[("x", (None, 1, 3, 3))])
    x = np.arange(9, dtype=np.float32).reshape(1, 1, 3, 3)
    (wanted,) = onnx.reference.ReferenceEvaluator(model).run(None, {"x": x})
    net = xn.from_onnx(model)
    assert np.allclose(net.predict(x), wanted)
    assert net.layers["Convolution1"].constructor_options()["pad"] == expected


def test_an_output_is_chosen_and_what_it_does_not_need_is_left_out():
    nodes = [node("Relu", ["x"], ["y"]), node("Einsum", ["x", "x"], ["z"], equation="ij,kj->ik")]
    model = model_of(nodes, outputs=("y", "z"))
    assert repr(xn.from_onnx(model)) == "Sequential(Relu())"
    with pytest.raises(ArgumentError, match="must have a counterpart in xpnet, got Einsum of z"):
        xn.from_onnx(model, output="z")
    with pytest.raises(ArgumentError, match="output must be one of y, z, got 'a'"):
        xn.from_onnx(model, output="a")


@pytest.mark.parametrize(
    ("made", "got"),
    [
        (node("Loop", ["x"], ["y"], name="loop"), "Loop of loop"),
        (node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], dilations=[2, 2]), "MaxPool of y with dilations"),
        (node("Gelu", ["x"], ["y"], domain="com.microsoft"), "com.microsoft.Gelu"),
        (node("LRN", ["x"], ["y"], size=3), "LRN of y"),
        (node("Flatten", ["x"], ["y"], axis=2), "Flatten of y with axis 2"),
    ],
)
def test_a_node_without_a_counterpart_is_named(made, got):
    with pytest.raises(ArgumentError, match=f"every node must have a counterpart in xpnet, got {got}"):
        xn.from_onnx(model_of([made], inputs=[("x", (None, 2, 5, 5))]))


def test_files_that_are_none_are_named(tmp_path):
    with pytest.raises(DataError, match=r"no\.onnx must be readable, got No such file"):
        xn.from_onnx(tmp_path / "no.onnx")
    (tmp_path / "text.onnx").write_text("a text " * 50)
    with pytest.raises(DataError, match=r"text\.onnx must be a model of ONNX, got something else"):
        xn.from_onnx(tmp_path / "text.onnx")
    whole = (FILES / "torch_gru.onnx").read_bytes()
    for length in (0, 10, len(whole) // 2, len(whole) - 5):
        with pytest.raises(DataError, match=r"must be a model of ONNX|must be whole|must be computed"):
            xn.from_onnx(whole[:length])
    with pytest.raises(xn.XpnetError, match="the path must be a string or a Path, got int"):
        xn.from_onnx(3)


def test_a_damaged_graph_is_named():
    relu = node("Relu", ["later"], ["y"], name="first")
    with pytest.raises(DataError, match="the inputs of first must be computed before it, got later"):
        xn.from_onnx(model_of([relu, node("Relu", ["x"], ["later"])]))
    with pytest.raises(DataError, match="must be computed, got nothing"):
        xn.from_onnx(model_of([node("Relu", ["x"], ["h"])]))
    gemm = node("Gemm", ["x", "W"], ["y"], name="product")
    with pytest.raises(xn.XpnetError, match=r"Affine|product"):
        xn.from_onnx(model_of([gemm], {"W": W[:3]}))


def test_a_few_numbers_make_no_huge_array():
    shape = np.asarray([1 << 20, 1 << 20], dtype=np.int64)
    nodes = [node("ConstantOfShape", ["shape"], ["huge"]), node("Add", ["x", "huge"], ["y"])]
    with pytest.raises(DataError, match="an array must have at most"):
        xn.from_onnx(model_of(nodes, {"shape": shape}))


def test_a_shape_that_the_file_leaves_open_is_shown_by_an_example():
    model = model_of([node("MatMul", ["x", "W"], ["y"])], {"W": W}, inputs=[("x", None)])
    with pytest.raises(ArgumentError, match="the shape of the input x must be known, got none; give example=x"):
        xn.from_onnx(model)
    x = np.ones((2, 4), dtype=np.float32)
    assert np.allclose(xn.from_onnx(model, example=x).predict(x), x @ W)


def outside(folder, location):
    model = model_of([node("MatMul", ["x", "W"], ["y"])], {"W": W})
    (tensor,) = model.graph.initializer
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, "offset": "0", "length": str(W.nbytes)}.items():
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    (folder / "net.onnx").write_bytes(model.SerializeToString())
    return folder / "net.onnx"


def test_arrays_in_a_second_file_are_read_from_the_folder_alone(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (home / "weights.bin").write_bytes(W.tobytes())
    (tmp_path / "secret.bin").write_bytes(W.tobytes())
    (home / "link.bin").symlink_to(tmp_path / "secret.bin")
    x = np.ones((2, 4), dtype=np.float32)
    assert np.allclose(xn.from_onnx(outside(home, "weights.bin")).predict(x), x @ W)
    for location in ("../secret.bin", str(tmp_path / "secret.bin"), "link.bin", "", "."):
        with pytest.raises(DataError, match="must be in a file in the folder of the model"):
            xn.from_onnx(outside(home, location))
    with pytest.raises(DataError, match="got no such file"):
        xn.from_onnx(outside(home, "other.bin"))
    (home / "weights.bin").write_bytes(W.tobytes()[:-1])
    with pytest.raises(DataError, match=r"weights\.bin must be whole, got fewer bytes"):
        xn.from_onnx(outside(home, "weights.bin"))


def test_a_relu_of_a_clip_is_a_relu():
    clip = node("Clip", ["x", "low"], ["y"])
    net = xn.from_onnx(model_of([clip], {"low": np.asarray(0.0, dtype=np.float32)}))
    assert isinstance(net.layers["Relu1"], Relu)

"""Files of weights that are pickles: what the book writes is read, what a stranger writes is not run."""

import io
import os
import pickle as standard
import pickletools
import subprocess
import sys

import numpy as np
import pytest

import xpnet as xn
from xpnet.backend import array_namespace, library_name, to_numpy
from xpnet.book import pickle
from xpnet.book.deep_convnet import DeepConvNet
from xpnet.book.multi_layer_net import MultiLayerNet
from xpnet.book.simple_convnet import SimpleConvNet
from xpnet.book.two_layer_net import TwoLayerNet
from xpnet.errors import DataError

WEIGHTS = {"W1": np.random.default_rng(0).normal(size=(3, 4)), "b1": np.zeros(4, dtype=np.float32)}


@pytest.mark.parametrize("protocol", range(standard.HIGHEST_PROTOCOL + 1))
def test_a_pickle_of_arrays_is_read(protocol, backend):
    data = standard.dumps(WEIGHTS | {"epochs": 20, "rates": [0.1, (0.01,)], "last": np.float64(0.5)}, protocol)
    found = pickle.load(io.BytesIO(data))
    assert library_name(array_namespace(found["W1"])) == backend.name
    np.testing.assert_allclose(to_numpy(found["W1"]), WEIGHTS["W1"], rtol=1e-6)
    assert str(found["b1"].dtype).endswith("float32")
    assert found["epochs"] == 20
    assert found["rates"] == [0.1, (0.01,)]
    assert float(found["last"]) == 0.5


def test_arrays_of_any_order_may_be_written_to_afterwards():
    for array in (np.ones((2, 3)), np.ones((3, 2)).T, np.ones((4, 4))[::2, ::2], np.asfortranarray(np.ones((2, 3)))):
        for protocol in (2, 5):
            found = pickle.loads(standard.dumps(array, protocol))
            found += 1.0
            np.testing.assert_array_equal(found, 2.0 * np.ones(array.shape))


class Malicious:
    """What a pickle from a stranger may do on its way in."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    "attack",
    [
        (os.system, "exit 1"),
        (eval, "1"),
        (exec, "1"),
        (np.load, "file.npy"),
        (open, "file.txt", "w"),
        (standard.loads, b"N."),
    ],
    ids=lambda attack: attack[0].__name__,
)
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_malicious_pickle_is_refused_before_anything_runs(attack, protocol, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = standard.dumps({"W1": Malicious(*attack)}, protocol)
    with pytest.raises(DataError, match="must hold arrays, numbers and containers alone, got"):
        pickle.loads(data)
    path = tmp_path / "params.pkl"
    path.write_bytes(data)
    with pytest.raises(DataError):
        TwoLayerNet(3, 4, 2).load_params(path)
    assert {entry.name for entry in tmp_path.iterdir()} == {"params.pkl"}


def test_a_codec_that_is_no_encoding_of_bytes_is_refused():
    data = standard.dumps(Malicious(__import__("_codecs").encode, "abc", "rot13"), 2)
    assert "encode" in "".join(str(argument) for _, argument, _ in pickletools.genops(data))
    with pytest.raises(DataError, match="must be a pickle"):
        pickle.loads(data)


@pytest.mark.parametrize("damaged", [b"", b"no pickle", standard.dumps(WEIGHTS)[:-20], b"\x80\x05."])
def test_a_damaged_pickle_is_a_data_error(damaged):
    with pytest.raises(DataError, match="the file must be a pickle"):
        pickle.loads(damaged)


def test_arrays_of_objects_are_refused():
    with pytest.raises(DataError, match="arrays in a pickle must hold numbers"):
        pickle.loads(standard.dumps(np.asarray([None, 1], dtype=object)))


class Built(Malicious):
    """A call whose result is given a state of the attacker's."""

    def __init__(self, function, arguments, state):
        self.call = function, arguments, state


OBJECTS = Built(np.dtype, ("V8", False, True), (3, "|", None, ("a",), {"a": (np.dtype("O"), 0)}, 8, 1, 0))
ADDRESS = b"\x41" * 8  # which an array of objects would take for a place in memory


@pytest.mark.parametrize(
    "array",
    [
        Malicious(np.ndarray, (1,), "O", ADDRESS),
        Malicious(np.ndarray, (1,), OBJECTS, ADDRESS),
        Built(np._core.multiarray._reconstruct, (np.ndarray, (0,), b"b"), (1, (1,), OBJECTS, False, ADDRESS)),
        Built(np._core.multiarray._reconstruct, (np.ndarray, (0,), b"b"), (1, (9,), np.dtype("f8"), False, ADDRESS)),
        Malicious(np._core.multiarray.scalar, OBJECTS, ADDRESS),
    ],
    ids=["objects", "fields", "state", "too few bytes", "scalar"],
)
def test_bytes_are_not_taken_for_objects(array):
    """In a process of its own, which NumPy's functions would bring down when the array is iterated."""
    data = standard.dumps(Malicious(__import__("collections").OrderedDict, array))
    code = (
        "import sys\nfrom xpnet.book.pickle import load\ntry: load(sys.stdin.buffer)\nexcept OSError: print('refused')"
    )
    done = subprocess.run([sys.executable, "-c", code], input=data, capture_output=True, timeout=60)
    assert done.stdout == b"refused\n"


def test_a_pickle_changes_nothing_for_the_next():
    with pytest.raises(DataError, match="got a function"):
        pickle.loads(b"cnumpy\ndtype\nN}S'__init__'\nI1\ns\x86b.")  # dtype.__init__ = 1
    assert pickle.loads(standard.dumps(np.ones(2, dtype=">f4"))).tolist() == [1.0, 1.0]


NETS = {
    "TwoLayerNet": lambda: TwoLayerNet(6, 5, 3),
    "MultiLayerNet": lambda: MultiLayerNet(6, [5, 4], 3),
    "SimpleConvNet": lambda: SimpleConvNet(
        (1, 10, 10), {"filter_num": 3, "filter_size": 3, "pad": 0, "stride": 1}, 5, 3
    ),
    "DeepConvNet": lambda: DeepConvNet(hidden_size=5),
}


@pytest.mark.parametrize("name", NETS)
def test_params_go_to_disk_and_back(name, tmp_path):
    one, other = NETS[name](), NETS[name]()
    one.save_params(tmp_path / "params.pkl")
    with open(tmp_path / "params.pkl", "rb") as file:
        as_the_book_reads = standard.load(file)
    other.load_params(tmp_path / "params.pkl")
    assert as_the_book_reads.keys() == dict(one.params).keys()
    for key, array in other.params.items():
        np.testing.assert_array_equal(array, one.params[key])
        np.testing.assert_array_equal(array, as_the_book_reads[key])


def test_the_params_of_another_network_change_nothing(tmp_path):
    net = TwoLayerNet(6, 5, 3)
    before = {name: array.copy() for name, array in net.params.items()}
    for found in (WEIGHTS, [1.0], dict(before) | {"W3": np.ones(2)}, dict(before) | {"W1": "weights"}):
        (tmp_path / "params.pkl").write_bytes(standard.dumps(found))
        with pytest.raises(DataError, match="must hold arrays by the names of params"):
            net.load_params(tmp_path / "params.pkl")
    with pytest.raises(DataError, match="must be readable"):
        net.load_params(tmp_path / "nothing.pkl")
    with pytest.raises(DataError, match="must be writable"):
        net.save_params(tmp_path / "nowhere" / "params.pkl")
    for name, array in before.items():
        np.testing.assert_array_equal(net.params[name], array)


def test_params_come_onto_the_backend_of_the_network(backend, tmp_path):
    with xn.use_backend("numpy"):
        TwoLayerNet(6, 5, 3).save_params(tmp_path / "params.pkl")
    net = TwoLayerNet(6, 5, 3)
    net.load_params(tmp_path / "params.pkl")
    assert library_name(array_namespace(*net.params.values())) == backend.name
    np.testing.assert_array_equal(net.params["b1"].shape, (5,))

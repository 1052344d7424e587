"""A run folder: the files of a training, from which its network is built again without the script that made it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from xpnet.backend import to_numpy
from xpnet.datasets import Encoding
from xpnet.datasets.described import number, text, whole
from xpnet.errors import BackendError, DataError, XpnetError
from xpnet.files import make_folder, path_of, reason, written_in_place
from xpnet.layers import Layer
from xpnet.layers.drawn import drawing_in
from xpnet.networks import Network
from xpnet.training import weights_file
from xpnet.training.checkpoint import fill, streams_in
from xpnet.training.description import CONSTANT, Builder, describe
from xpnet.training.fitting import SECTIONS, check_fit
from xpnet.training.history import Epoch, History, finite
from xpnet.training.weights_file import Host

BEST, LAST, RUN, WEIGHTS = "best.safetensors", "last.safetensors", "run.json", "weights.safetensors"
WHO = "load_network"


def load_network(path: str | Path, classes: Iterable[type] = ()) -> Any:
    """Return the network in a run folder or a file of ``save``, rebuilt on the current backend.

    From a run it has the weights of the best epoch, and answers for rows as the training took them, ``net(rows)``. The
    script that made it is not needed, as the file describes the network. A user's class is found by its import path;
    one that is defined in a script must be given in ``classes``. Nothing is unpickled.

    Raises: ``DataError`` for a path that is neither a run nor such a file, for a file that is damaged or of a newer
    version, and for a class that cannot be found.

    >>> xn.save("net.safetensors", TwoLayerNet(4, 3, 2))
    >>> xn.load_network("net.safetensors")
    TwoLayerNet(Affine(W (4, 3), b (3,)), Relu(), Affine(W (3, 2), b (2,)), loss=SoftmaxWithLoss())
    """
    place = path_of(WHO, path)
    if not place.is_dir():
        return built(place, *weights_file.read(place, WHO), classes)
    network = network_in(place, classes)
    if (place / RUN).is_file():
        network.encoding = encoding_of(WHO, place, told_in(WHO, place))
    return network


def network_in(folder: Path, classes: Iterable[type]) -> Any:
    """Return the network in a run folder.

    Raises: ``DataError``.
    """
    found = [folder / name for name in (BEST, LAST, WEIGHTS) if (folder / name).is_file()]
    if not found:
        must, remedy = f"{folder} must be the folder of a run", "give one that fit(…, folder=…) has written"
        raise DataError(WHO, must, f"a folder without {LAST}", remedy)
    return built(found[0], *weights_file.read(found[0], WHO), classes)


def told_in(who: str, folder: Path) -> dict[str, Any]:
    """Return the description in ``run.json``.

    Raises: ``DataError`` for a folder without it, and for one that is damaged or of a newer version.
    """
    must, remedy = f"{folder} must be the folder of a run", "give one that fit(…, folder=…) has written"
    try:
        if (folder / RUN).exists() and not (folder / RUN).is_file():
            raise DataError(who, must, f"a {RUN} that is no file", remedy)
        told: dict[str, Any] = json.loads((folder / RUN).read_text(encoding="utf-8"))
        version = int(told["format"])
    except (OSError, *weights_file.OF_DAMAGE) as error:
        if isinstance(error, DataError):
            raise
        got = reason(error) if isinstance(error, OSError) else f"a {RUN} that is damaged"
        raise DataError(who, must, got, remedy) from error
    if version > weights_file.FORMAT:
        must, got = f"{folder} must be of version {weights_file.FORMAT} or older", f"version {version}"
        raise DataError(who, must, got, "install a newer xpnet")
    return told


def encoding_of(who: str, folder: Path, told: Mapping[str, Any]) -> Encoding:
    """Return the encoding of rows that ``run.json`` describes.

    Raises: ``DataError`` for one that is damaged.
    """
    try:
        return Encoding.of(told["encoding"])
    except BackendError:
        raise
    except (XpnetError, *weights_file.OF_DAMAGE) as error:
        must, remedy = f"{folder} must be the folder of a run", "give one that fit(…, folder=…) has written"
        raise DataError(who, must, f"a {RUN} that is damaged", remedy) from error


def built(path: Path, arrays: Mapping[str, Host], metadata: Mapping[str, str], classes: Iterable[type]) -> Layer:
    """Return the network that the metadata of a file describe, with its arrays."""
    if "network" not in metadata:
        got = metadata.get("undescribed", "none: it is not of xpnet 0.1.0 or newer")
        remedy = "make the same network, and use xn.load(path, net)"
        raise DataError(WHO, f"{path} must hold the description of a network", got, remedy)
    try:
        network = Builder(WHO, arrays, classes).build(json.loads(metadata["network"]))
        own = {*network.params, *network.states}
        kept = {name: array for name, array in arrays.items() if name in own or not name.startswith(SECTIONS)}
        check_fit(path, kept, network)
        fill(network, {name: array for name, array in kept.items() if not name.startswith(CONSTANT)})
        streams = streams_in(path, metadata)
        for name, layer in drawing_in(network).items():
            if name in streams:
                layer.draw_from(streams[name])
    except DataError:
        raise
    except XpnetError as error:
        must = f"the network that {path} describes must be valid"
        raise DataError(WHO, must, error, weights_file.REMEDY) from error
    except Exception as error:  # the class of a layer may raise anything for what a file gives it
        must, got = f"{path} must describe a network", f"{type(error).__name__}: {weights_file.plain(error)}"
        raise DataError(WHO, must, got, weights_file.REMEDY) from error
    return network


class Run:
    """A run folder, opened: the ``network`` with the weights of its best epoch, the encoding of rows, and the history.

    ``predict`` takes rows as the user has them, one or many, and returns labels or numbers. ``classes`` is that of
    ``load_network``.

    Raises: ``DataError`` of ``load_network``.

    >>> table = {"rooms": [1.0, 2.0, 3.0, 4.0] * 5, "price": [10.0, 20.0, 30.0, 40.0] * 5}
    >>> data = Dataset.of(table, target="price")
    >>> net = Sequential(Affine.create(data.inputs, data.outputs), loss=MeanSquaredError())
    >>> history = Trainer(net, Adam(0.1), data).fit(80, folder="houses")
    >>> run = Run("houses")
    >>> round(run.predict({"rooms": 2.5}))
    25
    """

    def __init__(self, folder: str | Path, classes: Iterable[type] = ()) -> None:
        self.folder = path_of("Run", folder)
        told = told_in("Run", self.folder)
        self.encoding = encoding_of("Run", self.folder, told)
        try:
            self.settings: dict[str, Any] = dict(told["settings"])
            self.measure: str | None = None if told["measure"] is None else text(told["measure"])
            self.history = History(Epoch(**numbered(record)) for record in told["epochs"])
            self.history.measure = self.measure
            if not {str, int, float, bool, type(None)}.issuperset(map(type, self.settings.values())):
                raise ValueError("settings must be single values")
        except weights_file.OF_DAMAGE as error:
            must, remedy = f"{folder} must be the folder of a run", "give one that fit(…, folder=…) has written"
            raise DataError("Run", must, f"a {RUN} that is damaged", remedy) from error
        self.network: Network = network_in(self.folder, classes)
        if not isinstance(self.network, Network):
            must, got = f"{folder} must be the folder of a run", f"one of the layer {type(self.network).__name__}"
            raise DataError("Run", must, got, "load it with xn.load_network")
        self.network.encoding = self.encoding

    def scores(self, rows: Any) -> Any:
        """Return the scores of the network for many rows as the user has them, on the host."""
        with told_in_a_sentence(self.folder):
            return to_numpy(self.network.scores_of_rows(rows))

    def predict(self, rows: Any) -> Any:
        """Return the labels or numbers that the network predicts for rows, ``(N,)``, or one of them for one row."""
        return self.network(rows)

    def predict_proba(self, rows: Any) -> Any:
        """Return the probabilities of the classes for rows, on the host, ``(N, K)``, or ``(K,)`` for one row."""
        return to_numpy(self.network.predict_proba(rows))

    def __repr__(self) -> str:
        return f"Run({self.folder}, {len(self.history)} epochs)"


def begin_run(who: str, folder: Path, network: Network, resume: bool) -> bool:
    """Make the folder of a run, and return whether it already holds a training.

    Raises: ``DataError`` if it cannot be written, or holds a training that is not to be resumed; ``DtypeError`` for a
    network that cannot be described.
    """
    describe(network)
    make_folder(who, folder)
    if not resume and (folder / LAST).exists():
        remedy = "give resume=True to continue it, or another folder"
        raise DataError(who, f"{folder} must hold no other training", "one", remedy)
    for part in folder.glob(".*.part"):  # left by a training that was killed while writing
        part.unlink(missing_ok=True)
    return (folder / LAST).is_file()


def numbered(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record from JSON, with NaN in place of null for numbers.

    Raises: ``ValueError`` for values that are no numbers.
    """
    measured = {name: math.nan if value is None else number(value) for name, value in record["metrics"].items()}
    own = {name: None if value is None else number(value) for name, value in record.items() if name != "metrics"}
    loss = math.nan if record["loss"] is None else record["loss"]
    return {**own, "epoch": whole(record["epoch"], 0, 1 << 62), "loss": loss, "metrics": measured}


@contextmanager
def told_in_a_sentence(folder: Path) -> Iterator[None]:
    """Raise a DataError for whatever the network of a run raises in the block, as a file may describe any network."""
    try:
        yield
    except XpnetError:
        raise
    except Exception as error:
        must, got = f"the network of {folder} must answer", f"{type(error).__name__}: {weights_file.plain(error)}"
        raise DataError("Run", must, got, "train it anew") from error


def write_run(
    folder: Path,
    network: Layer,
    settings: Mapping[str, Any],
    measure: str | None,
    encoding: Encoding,
    history: History,
) -> None:
    """Write ``run.json``, which people can read and which ``predict`` needs besides the network.

    Raises: ``DataError`` if it cannot be written.
    """
    told = {
        "format": weights_file.FORMAT,
        "settings": dict(settings),
        "network": describe(network)[0],
        "measure": measure,
        "encoding": encoding.describe(),
        "epochs": history.to_dicts(),
    }
    with written_in_place(folder / RUN) as part:
        part.write_text(json.dumps(finite(told), indent=1, allow_nan=False, ensure_ascii=False) + "\n", "utf-8")

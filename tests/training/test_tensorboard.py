"""What a training writes for TensorBoard is what its history says, read back by TensorBoard's own records."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import numpy as np
import pytest

from xpnet.backend import to_numpy
from xpnet.errors import BackendError, DataError
from xpnet.layers import Affine, SoftmaxWithLoss
from xpnet.networks import Sequential
from xpnet.optimizers import SGD
from xpnet.random import Generator
from xpnet.training import Trainer, tensorboard


def written(folder: Path) -> dict[tuple[str, int], object]:
    """The values of a folder by their names and steps."""
    Event = pytest.importorskip("tensorboardX.proto.event_pb2").Event
    found: dict[tuple[str, int], object] = {}
    for path in folder.iterdir():
        data, place = path.read_bytes(), 0
        while place < len(data):  # a length, its checksum, an event, its checksum
            (length,) = struct.unpack_from("<Q", data, place)
            event = Event.FromString(data[place + 12 : place + 12 + length])
            place += length + 16
            for value in event.summary.value:
                kind = value.WhichOneof("value")
                found[value.tag, event.step] = getattr(value, kind)
    return found


def test_every_number_of_the_history_has_its_curve(data, tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX")
    x, t = data
    net = Sequential(Affine.create(x.shape[1], 3, rng=Generator(0)), loss=SoftmaxWithLoss())
    trainer = Trainer(net, SGD(0.1), (x, t), validation=0.25, metrics=["f1"])
    history = trainer.fit(2, callbacks=[tensorboard(tmp_path / "board", net)])
    found = written(tmp_path / "board")
    for record in history:
        told = {
            "loss/training": record.loss,
            "loss/validation": record.test_loss,
            "accuracy/training": record.train_accuracy,
            "accuracy/validation": record.test_accuracy,
            "f1/training": record.metrics["train f1"],
            "f1/validation": record.metrics["f1"],
        }
        for name, value in told.items():
            assert found[name, record.epoch] == np.float32(value)
    histogram = found["Affine1.W", 2]
    W = to_numpy(net.params["Affine1.W"])
    assert histogram.num == W.size
    assert histogram.sum == pytest.approx(float(W.sum()), abs=1e-5)
    assert histogram.min == W.min()


def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("tensorboardX", "tensorboardX.summary"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(BackendError, match=r"tensorboard: tensorboardX must be installed.*xpnet\[tensorboard\]"):
        tensorboard(tmp_path)


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX")
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"^tensorboard: "):
        tensorboard(tmp_path / "file")

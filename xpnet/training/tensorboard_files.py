"""The numbers of a training as files for TensorBoard."""

from __future__ import annotations

import importlib
import time
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from xpnet.backend import to_numpy
from xpnet.errors import BackendError
from xpnet.files import make_folder, path_of
from xpnet.networks import Network
from xpnet.training.history import Epoch

BINS = 64
"""The number of bins of a histogram."""


def tensorboard(folder: str | Path, network: Network | None = None) -> Callable[[Epoch], None]:
    """Return a callback that writes each epoch for TensorBoard, ``fit(40, callbacks=[tensorboard("board")])``.

    Losses, accuracies (or the measure of the Trainer) and metrics have a curve each, and with a ``network`` each of its
    parameters has a histogram. ``tensorboard --logdir board`` shows them.

    Raises: ``BackendError`` without the library tensorboardX; ``DataError`` for a folder that cannot be written.

    >>> import os
    >>> x, t = np.eye(4, dtype="float32"), np.array([0, 1, 0, 1])
    >>> history = Trainer(TwoLayerNet(4, 8, 2), Adam(0.1), (x, t)).fit(3, callbacks=[tensorboard("board")])
    >>> len(os.listdir("board"))
    1
    """
    try:
        summary: Any = importlib.import_module("tensorboardX.summary")
        events: Any = importlib.import_module("tensorboardX.event_file_writer")
    except ImportError:
        remedy = "pip install xpnet[tensorboard]"
        raise BackendError("tensorboard", "tensorboardX must be installed", "none", remedy) from None
    place = path_of("tensorboard", folder)
    make_folder("tensorboard", place)
    writer = events.EventsWriter(str(place / "events"))  # SummaryWriter writes later, from a thread

    def write(record: Epoch) -> None:
        found = [summary.scalar(name, value) for name, value in curves_of(record).items()]
        params: Mapping[str, Any] = {} if network is None else network.params
        found += [summary.histogram(name, to_numpy(array), BINS) for name, array in params.items()]
        for each in found:
            writer.write_event(events.event_pb2.Event(wall_time=time.time(), step=record.epoch, summary=each))
        writer.flush()

    weakref.finalize(write, writer.close)
    return write


def curves_of(record: Epoch) -> dict[str, float]:
    """Return the numbers of a record by the names of their curves; the part before the slash names the diagram."""
    found = {
        "loss/training": record.loss,
        "loss/validation": record.test_loss,
        "accuracy/training": record.train_accuracy,
        "accuracy/validation": record.test_accuracy,
        "speed/samples per second": record.samples_per_second,
    }
    apart = record.test_loss is not None
    for name, value in record.metrics.items():
        of_training = not apart or name.startswith("train ")
        found[f"{name.removeprefix('train ')}/{'training' if of_training else 'validation'}"] = value
    return {name: value for name, value in found.items() if value is not None}

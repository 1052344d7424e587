"""The training loop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from xpnet.backend import to_numpy
from xpnet.backend.moving import Change, Destination, Movable
from xpnet.backend.several import first_of, placed
from xpnet.datasets.array_files import on_disk
from xpnet.datasets.augment import Augmentation
from xpnet.datasets.check import advise_scale
from xpnet.distributed.group import Found, group_of_the_job
from xpnet.errors import ArgumentError
from xpnet.files import path_of
from xpnet.initializers import check_size
from xpnet.layers.checks import check_flags
from xpnet.networks import Network
from xpnet.networks.measures import Metric, own_measure
from xpnet.optimizers import Optimizer
from xpnet.random import Generator
from xpnet.training.epochs import Epochs
from xpnet.training.given import check_arguments, check_function, check_progress, functions_of
from xpnet.training.history import Epoch, History
from xpnet.training.keeping import Keeping
from xpnet.training.metrics import metric_of, metrics_of
from xpnet.training.prepared import prepared
from xpnet.training.progress import Progress
from xpnet.training.ranks import Ranks
from xpnet.training.runs import begin_run
from xpnet.training.sequences import refuse_shuffled, started_anew
from xpnet.training.trying import tried
from xpnet.training.updates import Updates

ON_DISK_ROWS = 10_000
"""The default number of rows on disk on which the accuracy of training is measured."""


class Trainer(Keeping):
    """Mini-batch training, ``W ← W - update(∂L/∂W)`` over shuffled batches.

    ``train`` is a pair ``(x, t)``, or ``(x, t, weights)`` with the weights of the rows in the loss: arrays (of NumPy
    for any backend), lists, DataFrames of numbers, rows on disk, labels that are texts or booleans; or a ``Dataset``;
    of a network of several inputs x is a tuple of arrays, such as sequences and their lengths, ``((x, lengths), t)``;
    or a ``Stream``, or a source of batches for one. ``validation`` is such a pair, or the share of the rows that is
    held out for it, taken from every class; or a stream, which is read once, into memory. ``encoding`` is the
    conversion that a model must keep. With a stream, training is measured on its first batch.

    The shuffle of an epoch is named by the seed of ``rng`` and the epoch's number, the same on every backend. The loss
    stays on the device and is read once per epoch. ``clip_norm`` and ``clip_value`` limit the gradients (see
    ``clip_by_norm`` and ``clip_by_value``); ``accumulate`` makes one update from the gradients of that many batches.
    ``average`` keeps a moving average of the weights, ``a ← average · a + (1 - average) W``, which is then measured;
    ``use_average`` writes it into the network. ``schedule`` returns the learning rate of each epoch, counted from 0;
    a schedule by steps is the ``lr`` of the optimizer. ``augment`` are functions that change each batch before it is
    trained on (see ``xpnet.datasets.augment``). ``class_weight`` maps classes to weights, or is ``"balanced"``.

    Accuracy (see ``Network.accuracy``) is reported if targets are classes or labels: integers, or those of
    ``SoftmaxWithLoss`` and ``SigmoidWithLoss``. With a ``metric``, by name or a function of scores and targets that
    returns a number, its values replace accuracies; ``measure`` is the name of the measured quantity, or None.
    ``metrics`` are further ones (see ``metrics.metric_of``). The loss on validation data is always reported.
    ``evaluate_rows`` is the number of training rows, from the first, on which training is measured; by default all, or
    10,000 of rows on disk. ``drop_last`` leaves out a last batch that is too small; without ``shuffle`` batches keep
    their order, as sequences across batches need: their state is reset in each epoch. With ``capture`` a step on CuPy
    is recorded and replayed (see ``xpnet.capture``).

    With ``distributed`` all processes that ``mpiexec`` has started train like one, each on its rows of every batch, and
    each measures some rows; the first writes the files, shows the progress and calls ``on_batch`` and ``callbacks``.
    Every process computes ``augment`` for the whole batch, because it may mix the rows; every process reads all of a
    stream and takes its rows of each batch.

    Raises: ``ShapeError``, ``DtypeError``, ``ArgumentError``, ``DataError`` for data that does not fit or is not
    finite, and for a last batch of one row if batch normalization needs two, before the first step;
    ``DivergenceError`` if the loss, that on the validation data, a parameter or a running statistic is no longer
    finite, naming the step, layer and row.
    Source: Deep Learning from Scratch, section 4.5.

    >>> x, t = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype="float32"), np.array([0, 1, 1, 0])  # exclusive or
    >>> trainer = Trainer(TwoLayerNet(2, 8, 2, weight_init_std=1.0), Adam(0.1), (x, t), batch_size=2)
    >>> history = trainer.fit(20)
    >>> history[-1].train_accuracy, trainer.network.predict(x).argmax(axis=1)
    (1.0, array([0, 1, 1, 0]))
    """

    def __init__(
        self,
        network: Network,
        optimizer: Optimizer,
        train: Any,
        validation: Any = None,
        batch_size: int = 100,
        rng: Generator | None = None,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        evaluate_rows: int | None = None,
        capture: bool = False,
        metric: Metric | str | None = None,
        drop_last: bool = False,
        shuffle: bool = True,
        metrics: Sequence[Metric | str] = (),
        class_weight: Any = None,
        accumulate: int = 1,
        average: float | None = None,
        schedule: Callable[[int], float] | None = None,
        augment: Sequence[Augmentation] = (),
        distributed: bool = False,
    ) -> None:
        who = type(self).__name__
        check_arguments(who, network, optimizer)
        check_flags(who, capture=capture, shuffle=shuffle, distributed=distributed)
        check_size(who, "accumulate", accumulate)
        self.network, self.optimizer = network, optimizer
        self.rng = Generator(0) if rng is None else rng
        rows, apart, self.encoding = prepared(who, network, train, validation, self.rng, class_weight)
        self.train = rows.arrays
        self.validation = None if apart is None else apart.arrays
        refuse_shuffled(who, network, shuffle)
        order = self.rng if shuffle else None
        self.batches = rows.batches(batch_size, order, drop_last)
        self.own = self.measure = None
        if metric is not None:
            self.measure, function = metric_of(who, metric, network.last_layer)
            self.own = own_measure(who, function)
        self.metrics = metrics_of(who, metrics, network.last_layer)
        self.capture, self.schedule = capture, schedule
        self.augment = functions_of(who, "augment", augment, arguments=3)
        check_function(who, "schedule", schedule)
        if evaluate_rows is not None:
            check_size(who, "evaluate_rows", evaluate_rows)
        most = ON_DISK_ROWS if self.batches.on_disk else rows.count
        self.evaluate_rows = min(evaluate_rows or most, rows.count)
        self.history = History()
        self.saved: tuple[int, Path] | None = None
        self.source: dict[str, str] = {}  # the origin of the data, for run.json
        self.summed = getattr(network.last_layer, "reduction", "mean") == "sum"
        at_once = 1 if distributed else accumulate  # ranks store gradients themselves, before they add them
        self.updates = Updates(who, network, optimizer, clip_norm, clip_value, at_once, average, self.summed)
        self.ranks = self._ranks(who, accumulate) if distributed else None
        self.told: set[str] = set()
        self.best: tuple[int, dict[str, Any]] | None = None
        for parts in filter(None, (self.train, self.validation)):
            name = tried(who, network, parts, self._first(parts), self.encoding, self.own is None)
            self.measure = self.measure if name is None else name
        self.history.measure = self.measure
        if (self.batches.sizes[1] if self.ranks is None else self.ranks.fewest) == 1:
            self._try_one_row()
        if not on_disk(self.train) and self.writes:
            advise_scale(who, x=rows.x, t=rows.t)

    def _ranks(self, who: str, accumulate: int) -> Ranks:
        """Return the ranks of the job, which train alike.

        Raises: errors of ``Ranks``; ``ArgumentError`` for a step that is to be captured, or takes two gradients.
        """
        if self.capture:
            raise ArgumentError(who, "a captured step must be of one process", "distributed=True", "leave capture out")
        if hasattr(self.optimizer, "loss_and_gradient"):
            must, got = "processes must train by an optimizer of one gradient a step", type(self.optimizer).__name__
            raise ArgumentError(who, must, got, "choose another, or train in one process")
        updates = self.updates
        options = {
            "optimizer": self.optimizer,
            "seed": self.rng.seed,
            "clipping": (updates.clip_norm, updates.clip_value),
            "average": updates.average,
        }
        whole = bool(self.augment)  # an augmentation may mix the rows of a batch
        return Ranks(who, group_of_the_job(), self.network, self.batches, accumulate, options, whole)

    def _try_one_row(self) -> None:
        """Compute the loss of a row, so that layers which need more than one row in training raise."""
        with ExitStack() as stack:
            stack.enter_context(np.errstate(over="ignore", invalid="ignore"))
            stack.enter_context(started_anew(self.network))
            if self.ranks is not None:
                stack.enter_context(self.ranks.together())
            self.network.loss(*self._first(self.train)[:2])

    def fit(
        self,
        epochs: int,
        on_batch: Callable[[int], None] | None = None,
        patience: int | None = None,
        callbacks: Iterable[Callable[[Epoch], Any]] = (),
        folder: str | Path | None = None,
        resume: bool = False,
        progress: Any = False,
    ) -> History:
        """Train for some epochs and return the history.

        ``on_batch`` is called with the number of every batch, and each of ``callbacks`` with the record of every epoch;
        a callback that returns True ends the training. With ``patience`` it ends early, if that many epochs in a row
        have not lowered the loss on the validation data (or without such, that of training), and the network gets the
        weights of the best epoch.

        A ``folder`` gets, after every epoch, the files for resuming the training, the best weights, and the history
        (see ``Run`` and ``load_network``). Whatever stops the training, at most the current epoch is lost: ``resume``
        continues from the training in the folder, if there is one, up to ``epochs`` in all. ``progress`` is True for a
        bar in a terminal or notebook, and a line for each epoch, or the rich Console to print them on.

        Raises: ``ArgumentError`` for fewer than one epoch; ``DivergenceError``; ``DataError`` for a folder that cannot
        be written, or holds a training that is not to be resumed; ``DtypeError`` for a network that cannot be
        described.
        """
        for _ in self.run(epochs, on_batch, patience, callbacks, folder, resume, progress):
            pass
        return self.history

    def run(
        self,
        epochs: int,
        on_batch: Callable[[int], None] | None = None,
        patience: int | None = None,
        callbacks: Iterable[Callable[[Epoch], Any]] = (),
        folder: str | Path | None = None,
        resume: bool = False,
        progress: Any = False,
    ) -> Iterator[Epoch]:
        """Yield the records of ``fit``, ``for epoch in trainer.run(5):``, each trained when it is requested.

        Raises: errors of ``fit``; it warns if the iterator is deleted before anything was trained.
        """
        who = type(self).__name__
        for name, number in (("epochs", epochs), ("patience", patience)):
            if name == "epochs" or number is not None:
                check_size(who, name, number)
        check_flags(who, resume=resume)
        called = functions_of(who, "callbacks", callbacks)
        check_function(who, "on_batch", on_batch)
        check_progress(who, progress)
        place = None if folder is None else path_of(who, folder)
        if place is not None:
            found = self._on_first(partial(begin_run, who, place, self.network, resume))
            if found and resume:
                self.resume(place)
                self._tell(place)  # a kill may have come before it was written
                epochs -= len(self.history)
        return Epochs(self._run(epochs, on_batch, patience, called, place, progress))

    def _run(
        self,
        epochs: int,
        on_batch: Callable[[int], None] | None,
        patience: int | None,
        callbacks: Sequence[Callable[[Epoch], Any]],
        folder: Path | None,
        progress: Any,
    ) -> Iterator[Epoch]:
        done = len(self.history)
        with ExitStack() as stack:
            shown: Progress | None = None
            if progress and epochs > 0 and self.writes:
                loss = self._loss_so_far
                shown = stack.enter_context(Progress(progress, done + 1, done + epochs, self.batches.length, loss))
            heard = None if not self.writes else on_batch if shown is None else partial(both, shown, on_batch)
            for _ in range(epochs):
                if patience is not None and self.history.since_best() >= patience:
                    break
                with np.errstate(over="ignore", invalid="ignore"):  # a loss that diverges raises once, with its cause
                    record = self._epoch(len(self.history) + 1, heard)
                self.history.append(record)
                self._advise()
                if hasattr(self.optimizer, "observe"):
                    self.optimizer.observe(record.watched)
                if patience is not None and not self.history.since_best():
                    self.keep_best()
                if folder is not None:
                    self._keep(folder)
                if shown is not None:
                    shown.record(record, self.measure)
                ends = self._on_first(partial(any_ends, callbacks, record))
                yield record
                if ends:
                    break
        if patience is not None:
            self.use_best()

    def _on_first(self, run: Callable[[], Found]) -> Found:
        """Return the result of a function that, of several ranks, only the first runs."""
        return run() if self.ranks is None else self.ranks.group.on_first(run)

    def predict(self, rows: Any) -> Any:
        """Return the labels or numbers that the network predicts for rows as the user has them, on the host, ``(N,)``.

        For one row, such as a dict of values, return one of them. Without an encoding, that is for data that were
        arrays, return the scores.
        """
        encoding = self.kept_encoding
        many, one = encoding.many(rows)
        x = placed(self.backend.asarray, encoding.x(many))
        found = encoding.answers(to_numpy(self.network.predict(x)))
        return found[0] if one else found

    def __repr__(self) -> str:
        shown = [repr(part) for part in (self.network, self.optimizer, self.batches)]
        apart = [] if self.validation is None else [f"{first_of(self.validation[0]).shape[0]} rows of validation"]
        return f"{type(self).__name__}({', '.join(shown + apart)})"

    def changes(self, destination: Destination) -> list[Change]:
        parts = (self.network, self.optimizer)
        inside = [change for part in parts if isinstance(part, Movable) for change in part.changes(destination)]
        holders = (vars(self), vars(self.batches), vars(self.updates))
        return [*inside, *(change for holder in holders for change in destination.changes(holder))]

    def has_moved(self) -> None:
        self.network.has_moved()


def both(shown: Progress, on_batch: Callable[[int], None] | None, done: int) -> None:
    """Report a batch to the progress bar and to ``on_batch``."""
    shown.batch()
    if on_batch is not None:
        on_batch(done)


def any_ends(callbacks: Sequence[Callable[[Epoch], Any]], record: Epoch) -> bool:
    """Call all callbacks, and return whether one of them ends the training."""
    return True in [callback(record) is True for callback in callbacks]

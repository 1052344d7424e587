"""The things that a training keeps: best and average weights in memory, and its files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from xpnet.backend import backend_of, is_array
from xpnet.backend.several import first_of
from xpnet.datasets import Encoding
from xpnet.training import weights_file
from xpnet.training.checkpoint import load, save
from xpnet.training.fitting import AVERAGE
from xpnet.training.loop import Loop, copies
from xpnet.training.runs import BEST, LAST, write_run
from xpnet.training.streamed import Streamed


class Keeping(Loop):
    """The weights and files of a training; see ``Trainer``."""

    best: tuple[int, dict[str, Any]] | None
    source: dict[str, str]

    @property
    def writes(self) -> bool:
        """True if this process writes files; of several ranks, the first one does."""
        return self.ranks is None or self.ranks.first

    def _keep(self, folder: Path) -> None:
        """Write the files for resuming, best weights first: after a kill in between, they are written again."""
        if self.writes and not self.history.since_best():
            with self._averaged():
                save(folder / BEST, self.network, metadata={"epoch": str(len(self.history))})
        self.save(folder / LAST)
        self._tell(folder)

    def _tell(self, folder: Path) -> None:
        """Write the description of the training that people read."""
        if not self.writes:
            return
        write_run(folder, self.network, self.settings, self.measure, self.kept_encoding, self.history)

    @property
    def kept_encoding(self) -> Encoding:
        """The encoding that is kept with the network, with the shape of a row."""
        known = Encoding() if self.encoding is None else self.encoding
        x = self.train[0]
        row = tuple([() if part is None else tuple(part.shape[1:]) for part in (x if isinstance(x, tuple) else (x,))])
        return Encoding(known.inputs, known.targets, row if isinstance(x, tuple) else row[0])

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of a training in ``run.json``, besides its network and history."""
        apart = 0 if self.validation is None else first_of(self.validation[0]).shape[0]
        return {
            "backend": str(self.backend),
            "optimizer": repr(self.optimizer),
            "batch_size": self.batches.batch_size,
            "seed": self.rng.seed,
            "rows": self.batches.rows,
            "validation_rows": apart,
            **self.source,
        }

    def keep_best(self) -> None:
        """Keep a copy of the weights, state and averages as those of the best epoch."""
        held = {**self.network.params, **self.network.states, **self.updates.averages}
        self.best = len(self.history), copies(held)

    def use_best(self) -> None:
        """Assign the weights of the best epoch to the network, if they were kept and it is not the last."""
        if self.best is None or self.best[0] == len(self.history):
            return
        self._assign(self.best[1])

    def use_average(self) -> None:
        """Assign the moving average of the weights to the network, if one is kept."""
        self._assign(self.updates.averages)

    def save(self, path: str | Path) -> None:
        """Write the network, the optimizer, averages and the history, so that ``resume`` can continue from there.

        Raises: ``DataError`` if the file cannot be written.
        """
        optimizer = self.optimizer if hasattr(self.optimizer, "state") else None
        place = self.batches.position if isinstance(self.batches, Streamed) else {}
        if self.writes:
            save(path, self.network, optimizer, self.history, averages=self.updates.averages, metadata=place)
        elif optimizer is not None:
            optimizer.state  # noqa: B018 (every rank has a part of a sharded state, and must take part)
        self.saved = len(self.history), Path(path)

    def resume(self, path: str | Path) -> None:
        """Continue from a file or run folder of another Trainer; the same data and seed give the same bits.

        Raises: ``DataError`` for a file that is missing, damaged, or of another network or optimizer, and for a stream
        that does not have the batches that were trained on.
        """
        if self.ranks is None:
            self._resume(path)
            return
        with self.ranks.copied(Path(path)) as copy:
            self._resume(copy)

    def _resume(self, path: str | Path) -> None:
        file = Path(path) / LAST if Path(path).is_dir() else Path(path)
        if isinstance(self.batches, Streamed):
            self.batches.go_on(file, weights_file.metadata_of(file))
        best = self._of_file(file.parent / BEST, "") if file.name == LAST else None
        averages = self._of_file(file, AVERAGE)[1] if self.updates.average is not None else {}
        load(file, self.network, self.optimizer if hasattr(self.optimizer, "state") else None, self.history)
        self.updates.averages = averages
        self.best = best if best is not None and 0 < best[0] <= len(self.history) else None
        self.saved = len(self.history), file

    def _of_file(self, path: Path, start: str) -> tuple[int, dict[str, Any]]:
        """Return the epoch that a file names, and its arrays of the network, or those whose names have this prefix."""
        if not path.is_file():
            return 0, {}
        found, metadata = weights_file.read(path)
        own = {**self.network.states, **self.network.params}
        arrays = {name: found[f"{start}{name}"] for name in own if f"{start}{name}" in found}
        epoch = metadata.get("epoch", "0")
        return int(epoch) if epoch.isdecimal() else 0, {
            name: backend_of(own[name]).asarray(array) if is_array(own[name]) else array.item()
            for name, array in arrays.items()
            if is_array(own[name]) or array.ndim == 0
        }

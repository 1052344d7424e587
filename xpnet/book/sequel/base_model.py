"""The base of the book's networks: parameters in a file, a pickle of a list of arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from xpnet.backend import array_namespace, backend_of, is_array, to_numpy
from xpnet.book import pickle
from xpnet.book.sequel.np import __getattr__ as __getattr__
from xpnet.errors import DataError

__all__ = ["BaseModel", "np"]


class BaseModel:
    """A network with lists ``params`` and ``grads``, whose parameters go to a file and come from one.

    The file is named after the class unless it is given. The numbers in it have 16 bits, as in the book.

    >>> model, other = BaseModel(), BaseModel()
    >>> model.params, other.params = [np.array([1.5, 2.0])], [np.zeros(2)]
    >>> model.save_params("weights.pkl")
    >>> other.load_params("weights.pkl")
    >>> other.params
    [array([1.5, 2. ])]
    """

    def __init__(self) -> None:
        self.params: Any = None
        self.grads: Any = None

    def forward(self, *args: Any) -> Any:
        """Return the loss; a network writes its own."""
        raise NotImplementedError

    def backward(self, *args: Any) -> Any:
        """Write the gradients; a network writes its own."""
        raise NotImplementedError

    def save_params(self, file_name: str | Path | None = None) -> None:
        """Write the parameters as a pickle of a list of NumPy arrays in float16.

        Raises: ``DataError`` where the file cannot be written.
        """
        path = self._path(file_name)
        halves = [to_numpy(W).astype("float16") for W in self.params]
        try:
            with path.open("wb") as file:
                pickle.dump(halves, file)
        except OSError as error:
            who = f"{type(self).__name__}.save_params"
            raise DataError(who, f"{path} must be writable", error, "choose another path") from error

    def load_params(self, file_name: str | Path | None = None) -> None:
        """Read a file of ``save_params``, written here or by the book, into the arrays of ``params``.

        Nothing in the file is run.

        Raises: ``DataError`` for a file that is missing, damaged, or of another network.
        """
        who, path = f"{type(self).__name__}.load_params", self._path(file_name)
        for W, given in zip(self.params, read_params(who, path, self.params), strict=True):
            W[...] = array_namespace(W).astype(given, W.dtype)

    def _path(self, file_name: str | Path | None) -> Path:
        return Path(f"{type(self).__name__}.pkl" if file_name is None else file_name)


def read_params(who: str, path: Path, wanted: list[Any]) -> list[Any]:
    """Return the arrays of a file of parameters, each on the place of one that is wanted, and of its shape.

    Raises: ``DataError``.
    """
    remedy = "give the file that save_params of such a network wrote"
    try:
        with path.open("rb") as file:
            found = pickle.load_as(file, lambda array: array)
    except OSError as error:
        if isinstance(error, DataError):
            raise
        raise DataError(who, f"{path} must be readable", error, "give the path of a pickle") from error
    if not isinstance(found, list) or not all(map(is_array, found)):
        raise DataError(who, f"{path} must hold a list of arrays", type(found).__name__, remedy)
    shapes, fitting = ([tuple(array.shape) for array in arrays] for arrays in (found, wanted))
    if shapes != fitting:
        raise DataError(who, f"{path} must hold arrays {fitting}", shapes, remedy)
    return [backend_of(W).asarray(array) for W, array in zip(wanted, found, strict=True)]

"""The data sets that are known by name, with the files that each needs and the page that offers them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from xpnet.datasets.arrange import Pair, Raw
from xpnet.datasets.cifar import CIFAR10, CIFAR100, PAGE, load_cifar10, load_cifar100, read_cifar10, read_cifar100
from xpnet.datasets.digits import load_digits
from xpnet.datasets.idx_sets import NAMES, IdxSet
from xpnet.datasets.like_mnist import (
    FASHION_MNIST,
    KMNIST,
    load_fashion_mnist,
    load_kmnist,
    read_fashion_mnist,
    read_kmnist,
)
from xpnet.datasets.mnist import MNIST, load_mnist, read_mnist

TEXT = "text"
"""The name of the text that Python ships."""


@dataclass(frozen=True)
class Known:
    """A data set of images: the functions that load it and read its raw files, the files that it needs, and their page.

    ``read`` is None for a data set that ships with xpnet. ``shape`` is that of an image, ``(C, H, W)``; ``labels`` are
    the names of the classes, if they have any.
    """

    load: Callable[..., tuple[Pair, Pair]]
    read: Callable[[], Raw] | None
    classes: int
    needs: str
    page: str
    shape: tuple[int, int, int] = (1, 28, 28)
    labels: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the classes, or their numbers."""
        return self.labels or tuple(map(str, range(self.classes)))


CLOTHES = "T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"
CURSIVE = "お", "き", "す", "つ", "な", "は", "ま", "や", "れ", "を"
THINGS = "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"
COLOURS = (3, 32, 32)


def idx_needs(known: IdxSet) -> str:
    """Return the names of the files of a data set in the form of MNIST."""
    inner = [name for name in known.folders if name != "."]
    tables = [f"{train} and {test}" for train, test in known.tables]
    files = "".join(f", or {each}" for each in tables)
    return f"{', '.join(NAMES)}, each of them or its .gz{files}, in a folder {' or '.join(inner)}"


def cifar_needs(known: Any) -> str:
    """Return the names of an archive and of its folder."""
    return f"{known.archive}, or its folder {known.folder}"


CATALOGUE: dict[str, Known] = {
    "digits": Known(load_digits, None, 10, "", "", (1, 8, 8)),
    "mnist": Known(load_mnist, lambda: read_mnist(fetches=False), 10, idx_needs(MNIST), MNIST.page),
    "fashion-mnist": Known(
        load_fashion_mnist, read_fashion_mnist, 10, idx_needs(FASHION_MNIST), FASHION_MNIST.page, labels=CLOTHES
    ),
    "kmnist": Known(load_kmnist, read_kmnist, 10, idx_needs(KMNIST), KMNIST.page, labels=CURSIVE),
    "cifar10": Known(load_cifar10, read_cifar10, 10, cifar_needs(CIFAR10), PAGE, COLOURS, THINGS),
    "cifar100": Known(load_cifar100, read_cifar100, 100, cifar_needs(CIFAR100), PAGE, COLOURS),
}

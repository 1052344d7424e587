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

    ``read`` is None for a data set that ships with xpnet.
    """

    load: Callable[..., tuple[Pair, Pair]]
    read: Callable[[], Raw] | None
    classes: int
    needs: str
    page: str


def idx_needs(known: IdxSet) -> str:
    """Return the names of the files of a data set in the form of MNIST."""
    inner = [name for name in known.folders if name != "."]
    tables = [f"{train} and {test}" for train, test in known.tables]
    files = f"{', '.join(NAMES)}, unpacked or .gz" + "".join(f", or {each}" for each in tables)
    return f"in the folder {' or '.join(inner)} {files}"


def cifar_needs(known: Any) -> str:
    """Return the names of an archive and of its folder."""
    return f"{known.archive}, or the folder {known.folder} that is in it"


CATALOGUE: dict[str, Known] = {
    "digits": Known(load_digits, None, 10, "", ""),
    "mnist": Known(load_mnist, lambda: read_mnist(fetches=False), 10, idx_needs(MNIST), MNIST.page),
    "fashion-mnist": Known(load_fashion_mnist, read_fashion_mnist, 10, idx_needs(FASHION_MNIST), FASHION_MNIST.page),
    "kmnist": Known(load_kmnist, read_kmnist, 10, idx_needs(KMNIST), KMNIST.page),
    "cifar10": Known(load_cifar10, read_cifar10, 10, cifar_needs(CIFAR10), PAGE),
    "cifar100": Known(load_cifar100, read_cifar100, 100, cifar_needs(CIFAR100), PAGE),
}

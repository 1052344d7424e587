"""Data sets in the form of MNIST: clothes and Japanese letters."""

from __future__ import annotations

from xpnet.datasets.arrange import Pair, Raw
from xpnet.datasets.idx_sets import IdxSet, named_folder
from xpnet.datasets.mnist import CHECKSUMS

FASHION_MNIST = IdxSet(
    who="load_fashion_mnist",
    title="Fashion-MNIST",
    folders=("fashion-mnist", "FashionMNIST/raw", "fashion"),  # the second is torchvision's
    tables=(("fashion-mnist_train.csv", "fashion-mnist_test.csv"),),  # Kaggle's
    page="https://github.com/zalandoresearch/fashion-mnist",
    remedy="use those of https://github.com/zalandoresearch/fashion-mnist",
    packed={
        "train-images-idx3-ubyte": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "train-labels-idx1-ubyte": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "t10k-images-idx3-ubyte": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "t10k-labels-idx1-ubyte": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    },
    foreign=CHECKSUMS,
)

KMNIST = IdxSet(
    who="load_kmnist",
    title="KMNIST",
    folders=("kmnist", "KMNIST/raw"),
    tables=(),
    page="https://codh.rois.ac.jp/kmnist/",
    remedy="use those of https://codh.rois.ac.jp/kmnist/",
    packed={
        "train-images-idx3-ubyte": "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
        "train-labels-idx1-ubyte": "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
        "t10k-images-idx3-ubyte": "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
        "t10k-labels-idx1-ubyte": "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
    },
    foreign=CHECKSUMS,
)


def load_fashion_mnist(normalize: bool = True, flatten: bool = True, one_hot_label: bool = False) -> tuple[Pair, Pair]:
    """Return 70,000 pieces of clothing as ``(x_train, t_train), (x_test, t_test)``, ``x = images / 255``.

    The variable ``XPNET_DATA`` names a folder; its subfolder ``fashion-mnist`` or, as torchvision has it,
    ``FashionMNIST/raw`` contains the four idx files, gzipped or not, or Kaggle's tables ``fashion-mnist_train.csv`` and
    ``fashion-mnist_test.csv``. Nothing is downloaded. Form and labels are checked, MNIST's own files raise, and a
    warning is given for 70,000 images in gzipped files whose SHA-256 is not the published one.

    Shapes: ``x (N, 784)``, or ``(N, 1, 28, 28)`` with ``flatten=False``; ``t (N,)``, or ``(N, 10)`` for one-hot.
    Raises: ``DataError`` for files that are missing, truncated, corrupt, of another form or MNIST's.
    Source: Xiao, Rasul and Vollgraf, 2017, "Fashion-MNIST: a novel image dataset".

    >>> (x_train, t_train), (x_test, t_test) = load_fashion_mnist()  # doctest: +SKIP
    >>> x_train.shape  # doctest: +SKIP
    (60000, 784)
    """
    return read_fashion_mnist().arranged(normalize=normalize, flatten=flatten, one_hot_label=one_hot_label)


def load_kmnist(normalize: bool = True, flatten: bool = True, one_hot_label: bool = False) -> tuple[Pair, Pair]:
    """Return 70,000 letters of cursive Japanese as ``(x_train, t_train), (x_test, t_test)``, ``x = images / 255``.

    The files are found as by ``load_fashion_mnist``, in the folder ``kmnist`` or ``KMNIST/raw``.

    Shapes: ``x (N, 784)``, or ``(N, 1, 28, 28)`` with ``flatten=False``; ``t (N,)``, or ``(N, 10)`` for one-hot.
    Raises: ``DataError`` for files that are missing, truncated, corrupt, of another form or MNIST's.
    Source: Clanuwat et al., 2018, "Deep learning for classical Japanese literature".

    >>> (x_train, t_train), (x_test, t_test) = load_kmnist()  # doctest: +SKIP
    >>> x_train.shape  # doctest: +SKIP
    (60000, 784)
    """
    return read_kmnist().arranged(normalize=normalize, flatten=flatten, one_hot_label=one_hot_label)


def read_fashion_mnist() -> Raw:
    """Return the raw images and labels of Fashion-MNIST."""
    return FASHION_MNIST.read(named_folder("load_fashion_mnist"))


def read_kmnist() -> Raw:
    """Return the raw images and labels of KMNIST."""
    return KMNIST.read(named_folder("load_kmnist"))

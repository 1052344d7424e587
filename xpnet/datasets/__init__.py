"""Data: tables, arrays in files, folders of images, MNIST and similar sets, CIFAR, texts, and mini-batches."""

from xpnet.datasets.array_files import RowsOnDisk, load_array
from xpnet.datasets.check import check_data
from xpnet.datasets.cifar import load_cifar10, load_cifar100
from xpnet.datasets.columns import Columns
from xpnet.datasets.dataset import Dataset
from xpnet.datasets.digits import load_digits
from xpnet.datasets.encoding import Encoding
from xpnet.datasets.image_folders import load_images
from xpnet.datasets.images import Images
from xpnet.datasets.like_mnist import load_fashion_mnist, load_kmnist
from xpnet.datasets.loader import Batches
from xpnet.datasets.mnist import load_mnist
from xpnet.datasets.picture import save_images
from xpnet.datasets.split import split
from xpnet.datasets.streams import Stream
from xpnet.datasets.symbols import Symbols
from xpnet.datasets.table_files import read_csv, read_table
from xpnet.datasets.tables import Table
from xpnet.datasets.targets import Classes, Numbers
from xpnet.datasets.texts import load_text

__all__ = [
    "Batches",
    "Classes",
    "Columns",
    "Dataset",
    "Encoding",
    "Images",
    "Numbers",
    "RowsOnDisk",
    "Stream",
    "Symbols",
    "Table",
    "check_data",
    "load_array",
    "load_cifar10",
    "load_cifar100",
    "load_digits",
    "load_fashion_mnist",
    "load_images",
    "load_kmnist",
    "load_mnist",
    "load_text",
    "read_csv",
    "read_table",
    "save_images",
    "split",
]

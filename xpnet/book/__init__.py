"""The names of the book's ``common`` package: a chapter runs where ``common`` is replaced by ``xpnet.book``.

Each name has the book's signature over the library's own code: ``functions``, ``gradient``, ``layers``, ``util``,
``optimizer``, ``trainer``, ``multi_layer_net``, ``multi_layer_net_extend``, and those of the chapters, ``layer_naive``,
``two_layer_net``, ``simple_convnet``, ``deep_convnet``; ``mnist`` replaces the book's ``dataset.mnist``, and ``pickle``
reads the book's files of weights and nothing else.

Numbers are drawn where the book draws them, from NumPy's global generator, and networks start in float64: after
``np.random.seed(0)`` a chapter prints what the book's own package prints, to rounding.

On CuPy one line comes before the imports, ``xpnet.set_backend("cupy")``. Where a script fills arrays of its own,
``from xpnet.book import np`` replaces ``import numpy as np``: it is the NumPy of the current backend. As in the book,
``from xpnet.book.layers import *`` imports this ``np`` too.

Source: Saito, 2016, Deep Learning from Scratch, chapters 3 to 8.
"""

from xpnet.book.arrays import __getattr__

__all__ = ["__getattr__", "np"]

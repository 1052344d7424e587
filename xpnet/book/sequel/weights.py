"""The book's files of weights in networks of xpnet."""

from __future__ import annotations

from pathlib import Path

from xpnet.backend import array_namespace
from xpnet.book.sequel.base_model import read_params
from xpnet.layers import LSTM
from xpnet.networks import Network, RecurrentLM

__all__ = ["load_weights"]


def load_weights(net: Network, file_name: str | Path) -> None:
    """Read a file of ``save_params`` of the book into the network of xpnet that is equal to that of the book.

    These are ``Seq2seq``, ``PeekySeq2seq`` and ``AttentionSeq2seq``, and for the book's ``Rnnlm`` and ``BetterRnnlm``
    ``RecurrentLM(V, D, layers=1, tied=False)`` and ``RecurrentLM(V, D)``. The parameters have one order here and there;
    the gates of LSTMs are brought into xpnet's. Nothing in the file is run.

    Raises: ``DataError`` for a file that is missing, damaged, or of another network.

    >>> model, net = xn.book.sequel.base_model.BaseModel(), Seq2seq(vocabulary=3, width=2, hidden=2)
    >>> model.params = [np.ones(W.shape) for W in net.params.values()]
    >>> model.save_params("seq2seq.pkl")  # as the book's program writes it
    >>> load_weights(net, "seq2seq.pkl")
    >>> net.params["encoder.Embedding1.W"]
    array([[1., 1.],
           [1., 1.],
           [1., 1.]], dtype=float32)
    """
    places = dict(net.params.places)
    wanted = list(net.params.values())
    if isinstance(net, RecurrentLM) and net.tied:
        wanted.insert(-1, net.params["Embedding1.W"].T)  # there a second time, for the scores
    found = read_params("load_weights", Path(file_name), wanted)
    if len(found) > len(places):
        del found[-2]
    for (name, (layer, _)), array in zip(places.items(), found, strict=True):
        W = net.params[name]
        own = LSTM.reorder(array, "fgio") if isinstance(layer, LSTM) else array
        net.params[name] = array_namespace(W).astype(own, W.dtype, copy=False)

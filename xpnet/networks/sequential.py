"""Layers put together like Lego."""

from __future__ import annotations

from xpnet.networks.network import Network


class Sequential(Network):
    """Layers one after another, ``y = layerₙ(… layer₁(x))``; itself a layer, so it nests.

    Layers are named after their class, ``Affine1``, ``Relu1``, ``Affine2`` …, or by a mapping of names to layers;
    parameters by the path, ``Affine1.W``, ``Sequential1.Affine2.b``. Only the outermost one has a ``loss``.

    Raises: ``DtypeError`` for anything but a layer; ``ArgumentError`` for no layers, for one object in two places, for
    one array under two names and for a network with a loss among the layers.

    >>> net = Sequential(Affine.create(4, 3), Relu(), Affine.create(3, 2), loss=SoftmaxWithLoss())
    >>> net
    Sequential(Affine(W (4, 3), b (3,)), Relu(), Affine(W (3, 2), b (2,)), loss=SoftmaxWithLoss())
    >>> list(net.params)
    ['Affine1.W', 'Affine1.b', 'Affine2.W', 'Affine2.b']
    >>> x, t = np.zeros((5, 4), dtype="float32"), np.array([0, 1, 1, 1, 1])
    >>> net.gradient(x, t)["Affine2.b"]  # the share of each class that is predicted, 1/2, less the true one
    array([ 0.3, -0.3], dtype=float32)
    """

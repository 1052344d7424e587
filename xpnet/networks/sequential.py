"""Layers put together like Lego."""

from __future__ import annotations

from xpnet.networks.network import Network


class Sequential(Network):
    """Layers one after another, ``y = layerₙ(… layer₁(x))``; itself a layer, so it nests.

    Layers are named after their class, ``Affine1``, ``Relu1``, ``Affine2`` …, or by a mapping of names to layers;
    parameters by the path, ``Affine1.W``, ``Sequential1.Affine2.b``. Only the outermost one has a ``loss``.

    Raises: ``DtypeError`` for anything but a layer; ``ArgumentError`` for no layers, for one object in two places, for
    one array under two names and for a network with a loss among the layers.
    """

"""Remedies of embeddings, normalizations and losses."""

from rows import Remedy

BAGS = "x = here.asarray([[0, 1], [2, 0]], 'int64'); layer = EmbeddingBag.create(3, 2, reduction='sum')"
ROWS_OF_A_TABLE = "x = here.asarray([0, 1], 'int64'); t = here.asarray([1, 0], 'int64')"

TABLES_AND_LOSSES = [
    Remedy(
        f"{BAGS}; bags = xn.asarray([2, 1])",
        "layer(x, bags)",
        'layer(x, «xn.asarray(bags, dtype="int64")»)',
    ),
    Remedy(
        f"{BAGS}; weights = here.asarray([[1, 2], [1, 0]], 'int64')",
        "layer(x, None, weights)",
        "layer(x, None, «xn.asarray(weights)»)",
    ),
    Remedy(
        f"{BAGS}; w = xn.asarray([[1.0, 2.0], [0.5, 1.0]])",
        "EmbeddingBag(layer.W)(x, None, w)",
        'EmbeddingBag(layer.W, «reduction="sum"»)(x, None, w)',
    ),
    Remedy(
        f"{ROWS_OF_A_TABLE}; t = xn.asarray([1.0, 0.0]); loss = NegativeSamplingLoss.create(3, 2)",
        "loss(loss.W[:2, :], t)",
        'loss(loss.W[:2, :], «xn.asarray(t, dtype="int64")»)',
    ),
    Remedy(
        f"{ROWS_OF_A_TABLE}; net = Sequential(Embedding.create(3, 2), loss=NegativeSamplingLoss.create(3, 2))",
        "net.accuracy(x, t)",
        "net.«loss(x, t, predict=True)»",
    ),
    Remedy(
        f"{ROWS_OF_A_TABLE}\n"
        "class Halved(Optimizer):\n"
        "    def __init__(self):\n"
        "        super().__init__(lr=0.1)\n"
        "    def step(self, W, dW, lr):\n"
        "        return W - lr * dW\n"
        "net = lambda **rows: Sequential(Embedding.create(3, 2, **rows), loss=NegativeSamplingLoss.create(3, 2))\n"
        "def step(net):\n"
        "    Halved().update(net.params, net.gradient(x, t))",
        "step(net(by_rows=True))",
        "step(net(«by_rows=False»))",
    ),
    Remedy(
        "x = xn.asarray([[[1.0, 2.0, 0.5]] * 3]); t = xn.asarray([[1.0]])",
        "CTCLoss()(x, t)",
        'CTCLoss()(x, «xn.asarray(t, dtype="int64")»)',
    ),
    Remedy(
        "x = xn.asarray([[1.0, 2.0]]); t = x[:, 0] > 0.0",
        "CosineEmbeddingLoss()(x, x, t)",
        "CosineEmbeddingLoss()(x, x, «xn.asarray(t)»)",
    ),
    Remedy("", "Dropout(axes=(1,))", "Dropout(«axes=(0, 1)»)"),
    Remedy(
        f"{ROWS_OF_A_TABLE}\n"
        "net = lambda **rows: Sequential(Embedding.create(3, 2, **rows), loss=NegativeSamplingLoss.create(3, 2))\n"
        "def step(net):\n"
        "    Lookahead(SGD()).update(net.params, net.gradient(x, t))",
        "step(net(by_rows=True))",
        "step(net(«by_rows=False»))",
    ),
]

"""Remedies of data of one's own, and of training on it."""

from __future__ import annotations

from rows import Remedy

NET = "net = TwoLayerNet(4, 5, 3)\nx, t = here.asarray(np.ones((6, 4))), here.asarray(np.asarray([0, 1, 2] * 2))"
TABLE = (
    'table = {"a": [1.0, 2.0, 3.0, 4.0] * 5, "c": ["u", "v"] * 10, "price": [float(i) for i in range(20)],'
    ' "id": list(range(20))}\nholes = {**table, "a": [None, 2.0, 3.0, 4.0] * 5}'
)
STATEFUL = (
    "net = Sequential(RNN.create(3, 4, stateful=True, return_sequences=False), Affine.create(4, 2),"
    " loss=SoftmaxWithLoss())\nx, t = here.asarray(np.ones((4, 5, 3))), here.asarray(np.asarray([0, 1] * 2))"
)

DATA = [
    Remedy(TABLE, 'datasets.Dataset.of(table, target=["c"])', 'datasets.Dataset.of(table, «target="price"»)'),
    Remedy(
        TABLE,
        'datasets.Dataset.of(holes, target="c")',
        'datasets.Dataset.of(holes, target="c", «missing="fill"»)',
    ),
    Remedy(
        TABLE,
        'datasets.Dataset.of(table, target="id", task="classes")',
        'datasets.Dataset.of(table, target="id", «task="numbers"»)',
    ),
    Remedy(
        TABLE,
        'datasets.Dataset.of(table, target="c", task="numbers")',
        'datasets.Dataset.of(table, target="c", «task="classes"»)',
    ),
    Remedy(NET, 'net.freeze("Convolution*")', 'net.freeze("Affine*")', "look at net.summary()"),
    Remedy(
        NET,
        'Trainer(net, SGD(), (x, t), metrics="accuracy")',
        'Trainer(net, SGD(), (x, t), metrics=["accuracy"])',
        "write metrics=[…]",
    ),
    Remedy(
        NET + '\nTrainer(net, SGD(), (x, t)).fit(1, folder=folder / "run")',
        'Trainer(net, SGD(), (x, t)).fit(2, folder=folder / "run")',
        'Trainer(net, SGD(), (x, t)).fit(2, folder=folder / "run", «resume=True»)',
    ),
    Remedy(STATEFUL, "Trainer(net, SGD(), (x, t))", "Trainer(net, SGD(), (x, t), «shuffle=False»)"),
    Remedy(
        NET + "\nshares = here.asarray(np.full((6, 3), 0.5))\nweights = here.asarray(np.ones(6))",
        "Trainer(net, SGD(), (x, shares), class_weight=[1.0, 2.0, 1.0])",
        "Trainer(net, SGD(), «train=(x, t, weights)»)",
    ),
    Remedy(
        TABLE,
        'datasets.Dataset.of(table, target="c", kinds=["a"])',
        'datasets.Dataset.of(table, target="c", kinds={"a": "category"})',
        'write kinds={"zip": "category"}',
    ),
]

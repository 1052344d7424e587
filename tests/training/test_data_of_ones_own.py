"""What a user has goes into a Trainer as it is: frames, lists, labels that are texts, rows on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from named_numbers import normal
from small_net import small_net

from xpnet.backend import array_namespace, to_numpy
from xpnet.datasets import Dataset, load_array
from xpnet.datasets.augment import flip
from xpnet.errors import ArgumentError, DataError, DtypeError, ShapeError
from xpnet.layers import Affine, Embedding, Flatten, MeanSquaredError, SigmoidWithLoss, SoftmaxWithLoss
from xpnet.networks import Sequential
from xpnet.optimizers import SGD
from xpnet.random import Generator
from xpnet.training import Trainer

X = normal("x", 30, 4)
LABELS = np.asarray(["cat", "dog", "hen"])[np.argmax(X[:, :3], axis=1)]
ROWS = {name: X[:, i].tolist() for i, name in enumerate("abcd")}


def net_of(loss, outputs: int) -> Sequential:
    return Sequential(Affine.create(4, outputs, rng=Generator(0)), loss=loss)


def frame(library: str):
    return pytest.importorskip(library).DataFrame(ROWS)


def series(library: str, values):
    return pytest.importorskip(library).Series(values)


FORMS = {
    "lists": lambda: (X.tolist(), LABELS.tolist()),
    "texts of NumPy": lambda: (X.tolist(), LABELS),
    "objects": lambda: (X.tolist(), LABELS.astype(object)),
    "pandas": lambda: (frame("pandas"), series("pandas", LABELS)),
    "pandas categories": lambda: (frame("pandas"), series("pandas", LABELS).astype("category")),
    "pandas, one column": lambda: (frame("pandas"), series("pandas", LABELS).to_frame()),
    "polars": lambda: (frame("polars"), series("polars", LABELS.tolist())),
    "dict": lambda: (ROWS, LABELS.tolist()),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_trains_as_its_arrays_do(form: str, backend, asarray) -> None:
    net, same = net_of(SoftmaxWithLoss(), 3), net_of(SoftmaxWithLoss(), 3)
    arrays = asarray(X), asarray(np.argmax(X[:, :3], axis=1))
    trainer = Trainer(net, SGD(0.5), FORMS[form](), FORMS[form](), batch_size=7)
    (record,) = trainer.run(1)
    (expected,) = Trainer(same, SGD(0.5), arrays, arrays, batch_size=7).run(1)
    assert (record.loss, record.test_loss, record.test_accuracy) == (
        expected.loss,
        expected.test_loss,
        expected.test_accuracy,
    )
    assert trainer.encoding.targets.names == ["cat", "dog", "hen"]
    assert trainer.train[0].dtype == backend.dtype


@pytest.mark.parametrize("loss", [MeanSquaredError, SigmoidWithLoss])
def test_targets_of_one_axis_or_two(loss: type, asarray) -> None:
    y = (X[:, 0] > 0).astype(float)
    losses = []
    for t in (asarray(y), asarray(y[:, None]), y.tolist(), y[:, None].tolist(), asarray(y.astype(np.int64))):
        (record,) = Trainer(net_of(loss(), 1), SGD(0.1), (asarray(X), t), (asarray(X), t)).run(1)
        losses.append((record.loss, record.test_loss))
    assert losses == [losses[0]] * 5


def test_classes_of_two_axes_and_truth_values(asarray) -> None:
    t = np.argmax(X[:, :2], axis=1)
    losses = []
    for labels in (asarray(t), asarray(t[:, None]), t.tolist(), (t > 0).tolist(), asarray(t > 0)):
        (record,) = Trainer(net_of(SoftmaxWithLoss(), 2), SGD(0.1), (asarray(X), labels)).run(1)
        losses.append(record.loss)
    assert losses == [losses[0]] * 5


def test_indices_in_lists_stay_whole_for_an_embedding(backend) -> None:
    net = Sequential(Embedding.create(5, 3), Flatten(), Affine.create(6, 2), loss=SoftmaxWithLoss())
    trainer = Trainer(net, SGD(0.1), ([[0, 4], [1, 2], [3, 3]], ["a", "b", "a"]))
    assert array_namespace(trainer.train[0]).isdtype(trainer.train[0].dtype, "integral")
    trainer.fit(1)


@pytest.mark.parametrize("shares", [0.2, 0.5])
def test_a_share_is_kept_apart_of_every_class(shares: float, data) -> None:
    net = net_of(SoftmaxWithLoss(), 3)
    trainer = Trainer(net, SGD(0.5), data, shares, batch_size=7, rng=Generator(5))
    kept, apart = (to_numpy(parts[0]).tolist() for parts in (trainer.train, trainer.validation))
    assert sorted(kept + apart) == sorted(to_numpy(data[0]).tolist())
    counts = np.bincount(to_numpy(data[1]))
    assert np.bincount(to_numpy(trainer.validation[1])).tolist() == [round(shares * count) for count in counts]
    assert trainer.fit(1)[-1].test_accuracy == net.accuracy(*trainer.validation)


def test_a_data_set_brings_its_validation_and_encoding() -> None:
    data = Dataset.of(ROWS | {"label": LABELS.tolist()}, target="label")
    trainer = Trainer(net_of(SoftmaxWithLoss(), 3), SGD(0.5), data)
    assert trainer.encoding is data.encoding
    assert trainer.fit(2)[-1].test_accuracy is not None


def test_rows_on_disk_train_as_those_in_memory(tmp_path: Path, data, backend) -> None:
    np.save(tmp_path / "x.npy", to_numpy(data[0]))
    t = to_numpy(data[1])
    nets = net_of(SoftmaxWithLoss(), 3), net_of(SoftmaxWithLoss(), 3)
    rows = load_array(tmp_path / "x.npy")
    one = Trainer(nets[0], SGD(0.5), (rows, t), 0.2, batch_size=7, rng=Generator(1))
    two = Trainer(nets[1], SGD(0.5), data, 0.2, batch_size=7, rng=Generator(1))
    for first, second in zip(one.fit(2), two.fit(2), strict=True):
        assert first.loss == pytest.approx(second.loss, rel=1e-6)
        assert first.test_loss == pytest.approx(second.test_loss, rel=1e-6)
        assert (first.train_accuracy, first.test_accuracy) == (second.train_accuracy, second.test_accuracy)
    mapped = Trainer(nets[0], SGD(0.5), (np.load(tmp_path / "x.npy", mmap_mode="r"), t), batch_size=7)
    assert mapped.batches.on_disk
    mapped.fit(1)


def test_weights_of_rows_are_those_of_the_loss(data, asarray) -> None:
    """A weight of 0 leaves a row out; of 2 it is there twice."""
    x, t = to_numpy(data[0]), to_numpy(data[1])
    weights = np.arange(30) % 3
    rows = np.repeat(np.arange(30), weights)
    parts = (asarray(x), asarray(t), asarray(weights.astype(float))), (asarray(x[rows]), asarray(t[rows]))
    records = [Trainer(net_of(SoftmaxWithLoss(), 3), SGD(0.5), part, batch_size=40).fit(1)[0] for part in parts]
    assert records[0].loss == pytest.approx(records[1].loss, rel=1e-5)
    listed = Trainer(net_of(SoftmaxWithLoss(), 3), SGD(0.5), (*data, weights.tolist()), batch_size=40).fit(1)
    assert listed[0].loss == records[0].loss


@pytest.mark.parametrize("given", ["by index", "by name", "balanced"])
def test_classes_may_have_weights(given: str, data, asarray) -> None:
    x, t = data
    labels = to_numpy(t)
    if given == "balanced":
        table = len(labels) / (3 * np.bincount(labels))
        option: object = "balanced"
    else:
        table, option = np.asarray([1.0, 5.0, 0.5]), {1: 5.0, 2: 0.5}
    if given == "by name":
        t, option = LABELS.tolist(), {"dog": 5.0, "hen": 0.5}
    own = Trainer(net_of(SoftmaxWithLoss(), 3), SGD(0.5), (x, t), class_weight=option, batch_size=7)
    same = Trainer(net_of(SoftmaxWithLoss(), 3), SGD(0.5), (x, data[1], asarray(table[labels])), batch_size=7)
    assert own.fit(2)[-1].loss == pytest.approx(same.fit(2)[-1].loss, rel=1e-6)


def bad(**columns) -> dict:
    return ROWS | columns


@pytest.mark.parametrize(
    ("data", "kind", "text"),
    [
        ((bad(c=[*ROWS["c"][:7], None, *ROWS["c"][8:]]), LABELS), DataError, "column c must have .* none in row 7;"),
        (
            (bad(c=["Rome"] * 30), LABELS),
            DtypeError,
            r"column c must be numbers, got 'Rome'; encode the table",
        ),
        ((ROWS, [None, *LABELS[1:]]), DataError, "the target must have a value in each row, got none in row 0"),
        ((ROWS, LABELS[:-1]), ShapeError, "x and t must have the same number of rows, got 30 and 29 rows"),
        ((ROWS, X[:, 0].tolist()), ShapeError, "must give a score for each of the 30 classes .*, got 3; let its last"),
        ((ROWS, LABELS, [1.0] * 29 + [-1.0]), ArgumentError, "weights of train must be finite .*, got -1.0 in row 29"),
        ((ROWS, LABELS, [1.0] * 29), ShapeError, "weights of train must be one for each of 30 rows, got 29"),
        ((ROWS, LABELS, ["much"] * 30), DtypeError, "weights of train must be numbers, got 'much'"),
        (([["a"] * 4] * 30, LABELS), DtypeError, "asarray: x must be numbers, got text"),
        (([], []), DataError, "a table must have rows, got none"),
    ],
)
def test_bad_data_are_refused_in_one_sentence(data, kind: type, text: str) -> None:
    with pytest.raises(kind, match=text) as raised:
        Trainer(net_of(SoftmaxWithLoss(), 3), SGD(0.5), data)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ({"class_weight": {"cow": 1.0}}, "class_weight must map classes, cat, dog, hen, to weights from 0, got 'cow'"),
        ({"class_weight": "fair"}, 'class_weight must be "balanced" or map classes to weights'),
        ({"validation": 1.5}, "validation must be a share between 0 and 1, got 1.5"),
        ({"validation": (ROWS, ["cow"] * 30)}, "labels must be among those of training, .* got 'cow' in row 0"),
    ],
)
def test_bad_options_are_refused(option: dict, text: str) -> None:
    with pytest.raises((ArgumentError, DataError), match=text):
        Trainer(net_of(SoftmaxWithLoss(), 3), SGD(0.5), (ROWS, LABELS), **option)


def test_answers_are_of_two_classes_or_from_0_to_1(backend) -> None:
    def made(t, outputs: int = 1) -> Trainer:
        return Trainer(net_of(SigmoidWithLoss(), outputs), SGD(0.1), (ROWS, t))

    with pytest.raises(ArgumentError, match=r"under SigmoidWithLoss must be of two classes, got cat, dog, hen; "):
        made(LABELS)
    shares = np.linspace(0.0, 1.0, 30).tolist()
    np.testing.assert_allclose(to_numpy(made(shares).train[1])[:, 0], shares, atol=1e-6)
    assert made((LABELS == "cat").tolist()).encoding.targets.names == ["False", "True"]
    several = [[1, 0, 1]] * 30
    assert made(several, 3).train[1].dtype == backend.dtype
    assert made(several, 3).fit(1)[0].loss > 0.0


def test_one_hot_truth_values_are_shares(asarray) -> None:
    classes = np.argmax(X[:, :3], axis=1)
    forms = asarray(classes), asarray(np.eye(3)[classes] > 0), (np.eye(3)[classes] > 0).tolist()
    trainers = [Trainer(net_of(SoftmaxWithLoss(), 3), SGD(0.1), (asarray(X), t)) for t in forms]
    losses = [trainer.fit(1)[0].loss for trainer in trainers]
    assert losses == pytest.approx([losses[0]] * 3, rel=1e-5)


def test_what_is_no_function_or_path_is_refused(data) -> None:
    def trainer(**options) -> Trainer:
        return Trainer(net_of(SoftmaxWithLoss(), 3), SGD(0.1), data, **options)

    for call, text in (
        (lambda: trainer(schedule=3), "schedule must be a function, got int; write schedule=function"),
        (lambda: trainer().fit(1, on_batch=3), "on_batch must be a function, got int"),
        (lambda: trainer().fit(1, callbacks=print), "callbacks must be a list of functions, got one that stands alone"),
        (lambda: trainer(augment=3), "augment must be a list of functions, got int; write augment="),
        (lambda: trainer(augment=flip()), "augment must be a list of functions, got one that stands alone"),
        (lambda: trainer(augment=[flip]), r"must take 3 arguments, got flip; call it, augment=\[flip\(\)\]"),
        (lambda: trainer().fit(1, progress=3), "progress must be True, False or a Console of rich, got int"),
        (
            lambda: trainer(class_weight=[1.0, 2.0]),
            'class_weight must be "balanced" or map classes to weights, got list',
        ),
        (lambda: trainer().fit(1, folder=3), "the path must be a string or a Path, got int"),
        (lambda: load_array(3), "load_array: the path must be a string or a Path, got int"),
        (lambda: Dataset.of(ROWS, ["a"]), "target must be the name of a column, got list"),
    ):
        with pytest.raises(DtypeError, match=text):
            call()


def test_arrays_of_numpy_train_on_every_backend(asarray, backend) -> None:
    x, t = normal("x", 30, 4), np.arange(30) % 3
    made = []
    for rows in ((x, t, np.ones(30)), (asarray(x), asarray(t), asarray(np.ones(30)))):
        trainer = Trainer(small_net(), SGD(0.1), rows, validation=(rows[0][:6, ...], rows[1][:6]), batch_size=10)
        assert array_namespace(trainer.train[0]) is backend.xp
        made.append([(record.loss, record.test_loss) for record in trainer.fit(2)])
    assert made[0] == made[1]

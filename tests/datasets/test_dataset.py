"""A data set of a table: its split, its encoding fitted on training alone, and its targets."""

from __future__ import annotations

import json

import numpy as np
import pytest
from named_numbers import normal
from tables_of_people import FORMS

from xpnet.backend import to_numpy
from xpnet.datasets import Classes, Dataset, Encoding, Numbers, split
from xpnet.errors import ArgumentError, DataError, DtypeError, NameUnknownError
from xpnet.random import Generator

ROWS = 60
TABLE = {
    "a": normal("a", ROWS).tolist(),
    "b": ["xyz"[i % 3] for i in range(ROWS)],
    "label": ["cat" if i % 4 else "dog" for i in range(ROWS)],
    "price": (100.0 + 10.0 * normal("price", ROWS)).tolist(),
}


@pytest.mark.parametrize("form", FORMS)
def test_labels_become_classes_and_come_back(form, backend) -> None:
    data = Dataset.of(form(TABLE), target="label", rng=Generator(3))
    assert data.classes == ["cat", "dog"]
    assert (data.inputs, data.outputs) == (5, 2)
    (x, t), apart = data.train, data.validation
    assert (x.shape, t.shape, apart[0].shape) == ((48, 5), (48,), (12, 5))
    assert x.dtype == backend.dtype
    assert sorted(to_numpy(apart[1]).tolist()) == [0] * 9 + [1] * 3  # every class gives its share
    scores = np.eye(2)[to_numpy(t)]
    labels = data.encoding.answers(scores)
    assert set(labels) == {"cat", "dog"}
    np.testing.assert_array_equal(data.encoding.t(labels), to_numpy(t))


def test_numbers_are_near_one_and_come_back() -> None:
    data = Dataset.of(TABLE, target="price", validation=None)
    assert data.validation is None
    assert data.outputs == 1
    t = to_numpy(data.train[1])
    assert t.shape == (ROWS, 1)
    assert abs(t.mean()) < 1e-6
    assert t.std() == pytest.approx(1.0, abs=1e-5)
    np.testing.assert_allclose(data.encoding.answers(t), TABLE["price"], rtol=1e-5)


def test_only_rows_of_training_are_learnt_from() -> None:
    other = {name: list(values) for name, values in TABLE.items()}
    whole = Dataset.of(other, target="price")
    _, apart = split(ROWS, 0.2, Generator(0))
    for row in apart:
        other["a"][row] += 1000.0
        other["price"][row] *= 7.0
    again = Dataset.of(other, target="price")
    assert whole.encoding.describe() == again.encoding.describe()
    np.testing.assert_array_equal(to_numpy(whole.train[0]), to_numpy(again.train[0]))


def test_a_table_apart_is_encoded_as_the_first() -> None:
    data = Dataset.of(TABLE, target="label", validation={"a": [1.0], "b": ["z"], "price": [1.0], "label": ["dog"]})
    assert to_numpy(data.validation[1]).tolist() == [1]
    assert len(to_numpy(data.train[1])) == ROWS
    with pytest.raises(DataError, match="labels must be among those of training, cat, dog, got 'cow' in row 0"):
        Dataset.of(TABLE, "label", {"a": [1.0], "b": ["z"], "price": [1.0], "label": ["cow"]})


def test_an_encoding_comes_back_from_json() -> None:
    for target in ("label", "price"):
        encoding = Dataset.of(TABLE, target=target).encoding
        again = Encoding.of(json.loads(json.dumps(encoding.describe())))
        np.testing.assert_array_equal(again.x(TABLE), encoding.x(TABLE))
        np.testing.assert_array_equal(again.t(TABLE[target]), encoding.t(TABLE[target]))


def test_a_missing_value_is_named_by_its_row_in_the_table() -> None:
    table = TABLE | {"a": [*TABLE["a"][:41], None, *TABLE["a"][42:]]}
    with pytest.raises(DataError, match="column a must have a value in each row, got none in row 41;"):
        Dataset.of(table, "label")
    assert Dataset.of(table, "label", missing="fill").inputs == 5
    table = TABLE | {"label": [*TABLE["label"][:41], None, *TABLE["label"][42:]]}
    with pytest.raises(DataError, match="the target must have a value in each row, got none in row 41;"):
        Dataset.of(table, "label")
    assert to_numpy(Dataset.of(table, "label", missing="fill", validation=None).train[1]).shape == (ROWS - 1,)


def test_what_a_data_set_cannot_be_made_of_is_refused() -> None:
    for made, kind, text in (
        (
            lambda: Dataset.of(TABLE, "cost"),
            NameUnknownError,
            "the column must be one of a, b, label, price, got 'cost'",
        ),
        (
            lambda: Dataset.of(TABLE, "label", task="numbers"),
            DtypeError,
            "the target must be numbers, got 'dog' in row 0",
        ),
        (lambda: Dataset.of(TABLE, "label", task="guess"), ArgumentError, 'task must be "classes" or "numbers"'),
        (
            lambda: Dataset.of(TABLE, "label", validation=1.0),
            ArgumentError,
            "validation must be a share between 0 and 1",
        ),
        (lambda: Dataset.of({"a": [1], "t": [2.0]}, "t"), DataError, "training and validation must both have rows"),
    ):
        with pytest.raises(kind, match=text):
            made()


@pytest.mark.parametrize(
    ("labels", "names", "kind"),
    [
        (["b", "a", "b"], ["a", "b"], str),
        ([True, False, True], ["False", "True"], np.bool_),
        ([10, 9, 10], ["9", "10"], np.integer),
        ([1.0, 2.0, 1.0], ["1", "2"], str),
    ],
)
def test_classes_have_an_order_and_their_own_type(labels: list, names: list[str], kind: type) -> None:
    classes = Classes.fit(labels)
    assert classes.names == names
    decoded = classes.decode(np.eye(2)[classes.encode(labels)])
    if kind is not str:
        assert decoded.tolist() == labels
        assert issubclass(decoded.dtype.type, kind)
    assert classes.decode(np.asarray([[-1.0], [2.0]])).tolist() == [classes.decode(np.eye(2))[i] for i in (0, 1)]


def test_numbers_of_one_value_stay_finite() -> None:
    assert Numbers.fit([3.0, 3.0]).encode([4.0]).tolist() == [[1.0]]


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_split_is_a_partition_named_by_its_seed(share: float) -> None:
    labels = np.asarray([0] * 40 + [1] * 9 + [2])
    train, apart = split(50, share, Generator(1), labels)
    assert sorted([*train, *apart]) == list(range(50))
    assert set(labels[train]) == {0, 1, 2}
    assert set(labels[apart]) == {0, 1}
    assert [int((labels[apart] == label).sum()) for label in (0, 1)] == [round(share * 40), min(round(share * 9), 8)]
    np.testing.assert_array_equal(apart, split(50, share, Generator(1), labels)[1])
    assert not np.array_equal(apart, split(50, share, Generator(2), labels)[1])
    assert len(split(50, share, Generator(1))[1]) == round(share * 50)

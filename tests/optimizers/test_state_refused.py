"""What is no state of an optimizer is refused when it is assigned, and changes nothing."""

from __future__ import annotations

import numpy as np
import pytest

from xpnet.errors import ArgumentError, DtypeError
from xpnet.optimizers import SGD, Adam
from xpnet.schedules import Plateau


@pytest.mark.parametrize("wrong", [None, "state", [1.0], {1: 2}])
def test_what_maps_no_names_is_refused(wrong) -> None:
    with pytest.raises(DtypeError, match=r"^Adam: state must map names to numbers and arrays, got \w+; give it"):
        Adam().state = wrong


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("steps", value) for value in (-1, True, 2.0, None)),
        *(("W.m", value) for value in (None, "m", [1.0, 2.0], 3.0, np.ones(2, dtype=np.int64))),
        *(("skipped", value) for value in (None, "one")),
    ],
)
def test_a_value_of_another_kind_is_refused_by_its_name(name, value) -> None:
    adam = Adam()
    adam.update({"W": np.ones(2)}, {"W": np.ones(2)})
    before = adam.state
    with pytest.raises(ArgumentError, match=rf"^Adam: state must hold .*, got a difference in {name}; give it"):
        adam.state = {**before, name: value}
    assert all(adam.state[key] is array for key, array in before.items())


def test_the_numbers_of_a_schedule_must_be_numbers() -> None:
    sgd = SGD(Plateau(0.1))
    with pytest.raises(ArgumentError, match=r"got a difference in lr.best; give it the state"):
        sgd.state = {**sgd.state, "lr.best": None}

"""A number, a whole number and a flag are those of Python and of NumPy; a bool is no number."""

from __future__ import annotations

import numpy as np
import pytest

from xpnet.arguments import check_flags, check_size, is_number, is_whole
from xpnet.errors import ArgumentError, DtypeError

WHOLE = (0, 3, np.int64(3), np.uint8(3))
OTHERS = (0.5, 3.0, np.float32(0.5), float("inf"))
NONE = (True, np.True_, "3", None, [3], 1j, np.ones(1))


def test_numbers():
    assert all(map(is_number, WHOLE + OTHERS))
    assert not any(map(is_number, NONE))


def test_whole_numbers():
    assert all(map(is_whole, WHOLE))
    assert not any(map(is_whole, OTHERS + NONE))
    assert is_whole(1, 1)
    assert not is_whole(np.int8(0), 1)
    assert is_whole(-1)
    assert not is_whole(-1, 0)


@pytest.mark.parametrize("size", [0, -1, True, 2.0, "2", None, np.int64(0)])
def test_a_size_is_a_positive_integer(size):
    with pytest.raises(ArgumentError, match=r"^Layer: width must be a positive integer, got .*; give a whole number"):
        check_size("Layer", "width", size)
    check_size("Layer", "width", np.int32(1))


@pytest.mark.parametrize("flag", [0, 1, "no", None, np.ones(1, dtype=bool)])
def test_a_flag_is_true_or_false(flag):
    with pytest.raises(DtypeError, match=r"^Layer: causal must be True or False, got "):
        check_flags("Layer", other=np.True_, causal=flag)

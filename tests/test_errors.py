"""Every kind of error is a builtin too, and keeps its parts."""

from __future__ import annotations

import copy
import pickle

import pytest

from xpnet import errors
from xpnet.errors import (
    ArgumentError,
    BackendError,
    DataError,
    DerivativeError,
    DivergenceError,
    DtypeError,
    GradientError,
    LibraryError,
    MemberError,
    NameUnknownError,
    RuleMissingError,
    ShapeError,
    StateError,
    XpnetError,
)

KINDS = {
    ArgumentError: ValueError,
    ShapeError: ValueError,
    DtypeError: TypeError,
    LibraryError: TypeError,
    BackendError: RuntimeError,
    StateError: RuntimeError,
    NameUnknownError: KeyError,
    MemberError: AttributeError,
    DataError: OSError,
    GradientError: AssertionError,
    DivergenceError: ArithmeticError,
    DerivativeError: NotImplementedError,
    RuleMissingError: AttributeError,
}


def test_every_kind_of_error_is_a_builtin_too() -> None:
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, XpnetError)}
    for kind in kinds - {XpnetError} - KINDS.keys():
        assert any(issubclass(kind, known) for known in KINDS), kind
    for kind, builtin in KINDS.items():
        assert issubclass(kind, builtin)
        assert issubclass(kind, XpnetError)


@pytest.mark.parametrize("kind", [XpnetError, *KINDS])
def test_errors_keep_their_parts_when_copied_and_pickled(kind: type[XpnetError]) -> None:
    error = kind("Affine", "x must be (N, 4)", (2, 5), "give it that shape")
    for same in (error, copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert str(same) == "Affine: x must be (N, 4), got (2, 5); give it that shape"
        assert (same.who, same.must, same.got, same.remedy) == (
            "Affine",
            "x must be (N, 4)",
            (2, 5),
            "give it that shape",
        )

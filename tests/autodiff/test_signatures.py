"""What a function takes and says is the standard's: its signature, one line with the derivative, and nothing else."""

from __future__ import annotations

import inspect
import pydoc
from typing import Any

import numpy as np
import pytest

from xpnet.autodiff import CallError, Variable, namespace_over
from xpnet.backend import LIBRARIES
from xpnet.errors import XpnetError
from xpnet.standard import FUNCTIONS, Standard

xp = namespace_over(np)


def of(space: Any, full: str) -> Any:
    for part in full.split("."):
        space = getattr(space, part)
    return space


def without_annotations(signature: inspect.Signature) -> list[tuple[str, Any, Any]]:
    """Names, kinds and defaults; array-api-strict has a default of its own for "as it is"."""
    undefined = {"Undef": None}
    return [(p.name, p.kind, undefined.get(type(p.default).__name__, p.default)) for p in signature.parameters.values()]


def test_signatures_are_those_of_the_standard() -> None:
    strict = pytest.importorskip("array_api_strict")
    compared = 0
    for full in FUNCTIONS:
        try:
            theirs = of(strict, full)
        except AttributeError:  # of a later standard than this array-api-strict
            continue
        expected = without_annotations(inspect.signature(theirs))
        assert without_annotations(inspect.signature(of(xp, full))) == expected, full
        compared += 1
    assert compared > 160


def test_every_function_is_declared_for_editors(place: Any) -> None:
    """What an editor completes for ``xp: Standard`` is what there is, with the same signature."""
    space = Variable(place.asarray([1.0])).__array_namespace__()
    for prefix, part in (("", space), ("linalg.", space.linalg), ("fft.", space.fft)):
        found = {prefix + name: value for name, value in vars(part).items() if inspect.isfunction(value)}
        assert found.keys() <= FUNCTIONS.keys()
        for full, function in found.items():
            assert inspect.signature(function) == inspect.signature(FUNCTIONS[full])
    if place.name == "numpy":
        assert all(of(space, full) for full in FUNCTIONS)
    assert set(Standard.__annotations__) == {"linalg", "fft"}
    assert inspect.signature(Variable.__array_namespace__).return_annotation == "Standard"


@pytest.mark.parametrize("full", sorted(FUNCTIONS))
def test_help_is_one_line_with_the_derivative(full: str) -> None:
    function = of(xp, full)
    line = function.__doc__
    assert "\n" not in line
    assert line.endswith(".")
    assert any(word in line for word in ("; ``d", "; a constant", "; constants", "; no array", "; each gets")), line
    shown = pydoc.render_doc(function, renderer=pydoc.plaintext)
    assert "out=" not in shown
    assert "*args" not in shown or full == "meshgrid"


WRONG = {
    "sum": ((1,), {"out": None}, "the keyword out; leave it out"),
    "exp": ((1,), {"where": True}, "the keyword where; leave it out"),
    "mean": ((1, 0), {}, "2 positional arguments; pass the arguments after the * by name"),
    "add": ((1,), {}, "no x2; give it"),
    "clip": ((1, 0.0), {"min": 0.0}, "min twice; give it once"),
    "sin": ((), {"x": 1.0}, "the keyword x; pass it by position"),
    "concat": (([1],), {"out": 1}, "the keyword out; leave it out"),
    "stack": (([1], 0), {}, "2 positional arguments; "),
    "reshape": ((1, (1,)), {"order": "F"}, "the keyword order; leave it out"),
    "sort": ((1,), {"kind": "stable"}, "the keyword kind; leave it out"),
    "argsort": ((1,), {"kind": "stable"}, "the keyword kind; leave it out"),
    "argmax": ((1,), {"out": 1}, "the keyword out; leave it out"),
    "asarray": ((1,), {"order": "F"}, "the keyword order; leave it out"),
    "astype": ((1, float), {"casting": "safe"}, "the keyword casting; leave it out"),
    "zeros": ((3,), {"order": "F"}, "the keyword order; leave it out"),
    "vecdot": ((1, 1), {"dtype": float}, "the keyword dtype; leave it out"),
    "meshgrid": ((1,), {"sparse": True}, "the keyword sparse; leave it out"),
    "unique_values": ((1,), {"sorted": True}, "the keyword sorted; leave it out"),
    "linalg.svd": ((1,), {"compute_uv": False}, "the keyword compute_uv; leave it out"),
    "fft.fft": ((1,), {"out": 1}, "the keyword out; leave it out"),
}


@pytest.mark.parametrize("full", sorted(WRONG))
@pytest.mark.parametrize("wraps", [Variable, np.asarray], ids=["variable", "array"])
def test_a_call_of_another_kind_says_what_the_function_takes(full: str, wraps: Any) -> None:
    args, keywords, got = WRONG[full]
    x = wraps(np.ones((2, 2)))
    args = tuple(x if arg == 1 else [x] if arg == [1] else arg for arg in args)
    with pytest.raises(TypeError) as caught:
        of(xp, full)(*args, **keywords)
    assert isinstance(caught.value, CallError)
    assert isinstance(caught.value, XpnetError)
    assert str(caught.value).startswith(f"{full}: the call must be {full}(")
    assert f", got {got}" in str(caught.value)


def test_every_function_refuses_an_unknown_keyword() -> None:
    x = Variable(np.ones((2, 2)))
    for full in FUNCTIONS:
        function = of(xp, full)
        required = [
            p
            for p in inspect.signature(function).parameters.values()
            if p.default is p.empty and p.kind < p.KEYWORD_ONLY
        ]
        args = [x for p in required if p.kind is not p.VAR_POSITIONAL]
        with pytest.raises(CallError, match=f"^{full}: the call must be .*, got the keyword whatever; leave it out"):
            function(*args, whatever=None)


def test_keywords_of_the_standard_pass() -> None:
    x = Variable(np.asarray([[3.0, 1.0], [2.0, 5.0]]))
    assert xp.clip(x, max=2.0).value.tolist() == [[2.0, 1.0], [2.0, 2.0]]
    assert xp.reshape(x, shape=(4,)).shape == (4,)
    assert xp.permute_dims(x, axes=(1, 0)).value.tolist() == [[3.0, 2.0], [1.0, 5.0]]
    assert xp.roll(x, shift=1, axis=0).value.tolist() == [[2.0, 5.0], [3.0, 1.0]]
    assert xp.full(shape=(2,), fill_value=3.0).value.tolist() == [3.0, 3.0]
    assert xp.fft.fftfreq(4, dtype=xp.float32).dtype == np.float32
    assert xp.argsort(x, descending=True).value.tolist() == [[0, 1], [1, 0]]


def test_the_namespace_tells_what_variables_can_do(place: Any) -> None:
    if place.name not in LIBRARIES:
        pytest.skip("a library of its own")
    x = Variable(place.asarray([3.0, 1.0, 3.0]))
    space = x.__array_namespace__()
    info = space.__array_namespace_info__()
    own = space.differentiates.__array_namespace_info__()
    able = info.capabilities()
    assert able.keys() == own.capabilities().keys()
    assert able["max dimensions"] == own.capabilities()["max dimensions"]
    assert able["data-dependent shapes"] == own.capabilities()["data-dependent shapes"]
    if able["data-dependent shapes"]:
        assert space.unique_values(x).shape == (2,)
    try:
        picked = x[x > 2.0].shape == (2,)
    except (TypeError, RuntimeError):
        picked = False
    assert picked or not able["boolean indexing"]  # JAX picks, but not under jit, and says no
    assert info.default_device() == own.default_device()
    assert info.default_dtypes()["real floating"] == space.ones(1).dtype
    for name, dtype in info.dtypes().items():
        assert getattr(space, name) == dtype
        assert space.zeros(1, dtype=dtype).dtype == dtype

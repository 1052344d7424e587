"""The Python of the page, without the page: its events, the faults that it offers, and errors with their lines."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

import xpnet as xn

pytestmark = pytest.mark.journey
PAGE = Path(__file__).parents[2] / "docs" / "playground"
TEXT = (PAGE / "network.py").read_text(encoding="utf-8")
BREAKS = json.loads((PAGE / "breaks.json").read_text(encoding="utf-8"))
LAYER = "    def backward(self, dout):\n        xp = array_namespace(dout)\n        return xp.where"


@pytest.fixture
def asked():
    """A function that asks for one thing of a text, and returns the events."""
    spec = importlib.util.spec_from_file_location("playground", PAGE / "playground.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    playground = module.Playground(print)

    def ask(what: str, text: str = TEXT, **options: Any) -> list[dict[str, Any]]:
        return [json.loads(event) for event in playground.events(what, text, json.dumps(options))]

    with xn.use_backend("numpy"):
        yield ask


def test_each_fault_replaces_one_line() -> None:
    for each in BREAKS:
        (body,) = [part for part in TEXT.split("\nclass ") if part.startswith(f"{each['of']}(")]
        assert [line.strip() for line in body.splitlines()].count(each["right"]) == 1


@pytest.mark.parametrize("each", [each for each in BREAKS if each["of"] != "Affine"], ids=lambda each: each["name"])
def test_the_check_names_the_cause(asked, each: dict[str, str]) -> None:
    (report,) = asked("check", TEXT.replace(each["right"], each["wrong"]))
    assert not report["ok"]
    assert each["cause"] in " ".join(report["causes"])


def test_a_trained_network_is_checked_and_stepped_through(asked) -> None:
    text = TEXT.replace("epochs = 20", "epochs = 2")
    first, last = asked("train", text)
    assert last["loss"] < first["loss"]
    assert last["test"] > 0.8
    assert [picture.count("<svg") for picture in last["pictures"]] == [1, 1]
    (graph,) = asked("step", text, row=361)
    assert graph["row"] == 1
    known = [(each["name"], each["forward"], each["backward"]) for each in graph["arrays"]]
    assert known == [("x", 0, 9), ("Affine", 1, 8), ("Relu", 2, 7), ("Affine", 3, 6)]
    assert [len(each["derivative"]) for each in graph["arrays"]] == [64, 50, 50, 10]
    (again,) = asked("step", TEXT, row=1)
    assert again["arrays"][1]["value"] != graph["arrays"][1]["value"]  # another text is another network
    (report,) = asked("check", text)
    assert report["ok"]
    assert [row["name"] for row in report["rows"]] == ["Affine1.W", "Affine1.b", "Affine2.W", "Affine2.b"]


@pytest.mark.parametrize(
    ("text", "line", "place", "says"),
    [
        ("net = (", 1, "", "'(' was never closed."),
        ("1 / 0", 1, "", "ZeroDivisionError: division by zero"),
        ("exit()", 1, "", "The text has ended Python, by exit() or the like."),
        ("", None, "", "The text must make the training data and name it train."),
        (TEXT.replace("@ self.W.T", "@ self.W"), 29, "Affine.backward", "ValueError: matmul: "),
        (TEXT.replace("return x @ self.W", "return self.forward(x)"), 23, "Affine.forward", "RecursionError: "),
        (TEXT.replace("(hidden, 10), ", "(9, 10), "), None, "", "ShapeError: Affine2: x must be (N, 9), got (3, 50)"),
        (
            TEXT.replace(LAYER, "    def other(self, dout):\n        return xp.where"),
            73,
            "",
            "Relu1 must have a backward",
        ),
    ],
    ids=["syntax", "zero", "exit", "empty", "product", "recursion", "shapes", "no backward"],
)
def test_an_error_is_told_with_its_line(asked, text: str, line: int | None, place: str, says: str) -> None:
    (error,) = asked("check", text)
    assert (error["kind"], error["line"], error["place"]) == ("error", line, place)
    assert says in error["text"]
    (report,) = asked("check", TEXT)
    assert report["ok"]

"""``XPNET_LANG=zh``: every sentence of the library has a translation, and what is no sentence stays as it is."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import xpnet as xn
from tests.languages.sentences import HOME, Source, english_in, of_library, untranslated
from xpnet import languages
from xpnet.cli import COMMANDS, main
from xpnet.errors import ArgumentError, DataError, ShapeError, StateError
from xpnet.languages import say
from xpnet.languages.table import FILLED, Table, beside

TABLES = sorted((HOME / "languages" / "zh").glob("*.json"))


@pytest.fixture
def chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XPNET_LANG", "zh")


def test_every_sentence_of_an_error_has_a_translation() -> None:
    """What fails here is missing in xpnet/languages/zh; the first word of a line names the table."""
    assert untranslated(of_library()) == []


def test_a_sentence_without_a_translation_is_found_where_it_is_raised() -> None:
    text = """
class Layer:
    def check(self, name, must="{} must shine"):
        remedy = "polish it" if name else f"paint {name}"
        remedy += ", or leave"
        raise ShapeError("Layer", f"{name} must glow", f"dull in {name}", remedy)
"""
    found = untranslated(Source({"layer.py": ast.parse(text)}))
    assert [line.partition(" (")[0] for line in found] == [
        "got: 'dull in {}'",
        "must: '{} must glow'",
        "remedy: 'paint {}'",
        "remedy: 'paint {}, or leave'",
        "remedy: 'polish it'",
        "remedy: 'polish it, or leave'",
    ]


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_a_translation_takes_the_values_of_its_sentence_and_keeps_its_code(path: Path) -> None:
    pairs = json.loads(path.read_text(encoding="utf-8"))
    assert list(pairs) == sorted(pairs)
    for english, translation in pairs.items():
        places = {int(number) for number, _ in FILLED.findall(translation)}
        assert places <= set(range(english.count("{}"))), english
        if path.stem in ("must", "remedy"):
            assert places == set(range(english.count("{}"))), english
        for code in re.findall(r"[\w.]+\([^()]*\)|--[a-z]+|`[^`]+`", english.replace("{}", "")):
            assert code in FILLED.sub("", translation) or " " in code, english
        assert not re.search("[，。；：]\\s|\\s[，。；：]", translation), translation


@pytest.mark.parametrize("name", ["zh", "zh_CN", "zh-CN", "zh_CN.UTF-8", "ZH", "zh-Hans"])
def test_an_error_is_in_chinese_by_the_same_template(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    error = ShapeError("Affine", "x must be (N, 4)", (2, 5), "give it that shape")
    english = str(error)
    monkeypatch.setenv("XPNET_LANG", name)
    assert str(error) == "Affine：x 必须是 (N, 4)，但得到的是 (2, 5)；改成这个形状"
    error.set_who("Affine1")
    assert str(error).startswith("Affine1：")
    for plain in ("", "en", "en_US.UTF-8", "C.UTF-8"):
        monkeypatch.setenv("XPNET_LANG", plain)
        assert str(error) == english.replace("Affine", "Affine1")


def test_what_came_may_be_a_clause_of_its_own(chinese: None) -> None:
    error = StateError("Relu", "forward must run before backward", "no forward", "call forward first")
    assert str(error) == "Relu：forward 必须在 backward 之前运行，但 forward 还没有运行；先调用 forward"


def test_only_the_first_of_several_clauses_says_that_it_is_one(chinese: None) -> None:
    error = StateError("SGD", "grads must have the names of params", "W1 missing, b1 missing", "call forward first")
    assert str(error) == "SGD：grads 必须与 params 有相同的名字，但缺 W1，缺 b1；先调用 forward"


def test_sentences_of_others_and_unknown_ones_stay_as_they_are(chinese: None) -> None:
    foreign = "ValueError: could not convert string to float: part of 'a'"
    error = DataError("load", "a.csv must be readable", foreign, "an unknown remedy")
    assert str(error) == f"load：a.csv 必须能读取，但得到的是 {foreign}；an unknown remedy"


def test_square_brackets_and_braces_of_code_are_kept(chinese: None) -> None:
    error = ArgumentError("x", "metrics must be a list of names or functions", "[a]", 'write kinds={"zip": "category"}')
    assert str(error).endswith('但得到的是 [a]；写 kinds={"zip": "category"}')


def test_a_language_that_is_not_known_is_said_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XPNET_LANG", "fr")
    error = ShapeError("Affine", "x must be (N, 4)", (2, 5), "give it that shape")
    sentence = "XPNET_LANG must be en or zh, got fr; messages are in English"
    assert str(error) == f"Affine: x must be (N, 4), got (2, 5); give it that shape ({sentence})"
    told = CliRunner().invoke(main, ["nothing"])
    assert told.exit_code == 2
    assert told.stderr.startswith(f"warning: {sentence}\n")
    assert told.stderr.count(sentence) == 1


def test_a_terminal_without_chinese_gets_english() -> None:
    words = [sys.executable, "-m", "xpnet", "report", "nowhere"]
    env = {**os.environ, "XPNET_LANG": "zh", "PYTHONIOENCODING": "cp1252", "PYTHONPATH": str(HOME.parent)}
    done = subprocess.run(words, env=env, capture_output=True, encoding="cp1252", check=False)
    assert done.returncode == 1
    first, second = done.stderr.splitlines()
    assert first == "warning: XPNET_LANG=zh needs an output with Chinese, got cp1252; set PYTHONIOENCODING=utf-8"
    assert second.startswith("error: Run: nowhere must be ")


def test_tables_are_read_only_where_chinese_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    languages._table.cache_clear()
    monkeypatch.setattr(Table, "read", None)
    assert say("wrote a.svg") == "wrote a.svg"
    assert str(ShapeError("a", "b", "c", "d")) == "a: b, got c; d"


@pytest.mark.parametrize(
    ("left", "right", "joined"),
    [
        ("层", "Affine", "层 Affine"),
        ("Affine", "层", "Affine 层"),
        ("层", "（层）", "层（层）"),
        ("大小 ", "相同", "大小相同"),
        ("x=", "层", "x=层"),
        ("(2,)", "行", "(2,) 行"),
        ("：", "x", "：x"),
        ("", "层", "层"),
    ],
)
def test_a_space_stands_between_chinese_and_other_letters(left: str, right: str, joined: str) -> None:
    assert beside(left, right) == joined


def texts_of(command: click.Command) -> Iterator[str]:
    yield from (" ".join(part.split()) for part in (command.help or "").split("\n\n"))
    yield from (option.help for option in command.params if isinstance(option, click.Option) and option.help)
    for own in getattr(command, "commands", {}).values():
        yield from (own.get_short_help_str(), *texts_of(own))


def printed() -> Iterator[str]:
    """The sentences that the command line prints."""
    trees = {path.name: ast.parse(path.read_text("utf-8")) for path in sorted((HOME / "cli").glob("*.py"))}
    source = Source(trees)
    for call in (call for name in ("print", "say", "UsageError") for call in source.calls[name] if call.args):
        yield from (text for text in source.texts(call.args[0]) if re.search("[a-z]{2}", text.replace("{}", "")))


def test_the_command_line_is_in_chinese(chinese: None) -> None:
    context = click.Context(main)
    commands = [main, *(main.get_command(context, name) for name in COMMANDS)]
    texts = [*COMMANDS.values(), main.epilog, *(text for command in commands for text in texts_of(command))]
    lacking = {text for text in [*texts, *printed()] if english_in(say(text))}
    assert sorted(lacking) == []


def test_help_is_wrapped_to_the_terminal_and_a_wrong_option_answers_in_chinese(chinese: None) -> None:
    told = CliRunner().invoke(main, ["train", "--help"], terminal_width=60)
    assert told.output.startswith("用法：")
    assert "\n选项：\n" in told.output
    assert "学习率。" in told.output
    wrong = CliRunner().invoke(main, ["train", "--lr", "x"])
    assert wrong.exit_code == 2
    assert wrong.stderr.endswith("错误：'--lr' 的值不对：'x' 不是数\n")


def test_a_gradient_check_names_the_cause_in_chinese(chinese: None) -> None:
    np = pytest.importorskip("numpy")

    class Double:
        def forward(self, x):
            return x * x

        def backward(self, dout):
            return dout

    report = xn.gradient_check(Double(), np.asarray([[1.0, 2.0], [3.0, 5.0]]))
    lines = str(report).splitlines()
    assert lines[0] == "Double 的梯度确认（every，float64，容许误差 1e-06）"
    assert lines[1].split()[0] == "名称"
    assert "；dout 原样传了下去：要乘以层的导数" in lines[-1]

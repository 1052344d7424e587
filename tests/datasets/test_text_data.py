"""Texts as rows of symbols and of what comes next."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from xpnet.backend import to_numpy
from xpnet.datasets import Encoding, load_text
from xpnet.errors import ArgumentError, BackendError, DataError, ShapeError
from xpnet.networks import TransformerLM
from xpnet.optimizers import Adam
from xpnet.random import Generator
from xpnet.training import Run, Trainer

TEXT = "abcabcäb" * 20 + "zzz" + "abcab" * 20


@pytest.fixture
def book(tmp_path: Path) -> Path:
    (tmp_path / "book.txt").write_text(TEXT, encoding="utf-8")
    return tmp_path / "book.txt"


@pytest.mark.parametrize("kind", ["characters", "bytes"])
def test_rows_and_what_comes_next(kind: str, book: Path, backend) -> None:
    data = load_text(book, context=7, validation=0.25, kind=kind)
    x, t = map(to_numpy, data.train)
    assert x.shape == t.shape
    assert x.dtype.kind == "i"
    np.testing.assert_array_equal(x.reshape(-1)[1:], t.reshape(-1)[:-1])
    symbols = data.encoding.inputs
    whole = symbols.text(x.reshape(-1))
    assert TEXT.startswith(whole[:-1])
    assert symbols.width == (256 if kind == "bytes" else 6)
    y, s = map(to_numpy, data.validation)
    assert symbols.text(y.reshape(-1)) in TEXT
    assert symbols.text(s[0]) in TEXT


def test_characters_that_training_has_not_seen_have_one_symbol(book: Path) -> None:
    symbols = load_text(book, context=7).encoding.inputs
    assert symbols("aXYa")[0].tolist() == [0, symbols.width - 1, symbols.width - 1, 0]
    assert symbols.text([0, symbols.width - 1]) == "a\ufffd"
    again = Encoding.of(json.loads(json.dumps(Encoding(symbols).describe()))).inputs
    np.testing.assert_array_equal(again("abcä"), symbols("abcä"))


def test_a_language_model_learns_it_and_its_run_answers(book: Path, tmp_path: Path, backend) -> None:
    data = load_text(book, context=8, validation=None)
    net = TransformerLM(data.encoding.inputs.width, 8, 16, 2, 1, rng=Generator(0))
    history = Trainer(net, Adam(0.01), data, batch_size=10, metrics=["perplexity"]).fit(8, folder=tmp_path / "run")
    assert history[-1].loss < 0.6 * history[0].loss
    assert history[-1].metrics["perplexity"] < history[0].metrics["perplexity"]
    if backend.name == "numpy":
        assert Run(tmp_path / "run").scores(["abcabcab"]).shape == (1, 8, data.encoding.inputs.width)


def test_pieces_of_words_are_those_of_training_and_write_any_text(book: Path, tmp_path: Path) -> None:
    pytest.importorskip("tokenizers")
    data = load_text(book, context=4, validation=0.4, kind="bpe", vocabulary=262)
    symbols = data.encoding.inputs
    assert symbols.width == 262
    x = to_numpy(data.train[0]).reshape(-1)
    assert x.size < 0.6 * len(TEXT.encode())
    assert TEXT.startswith(symbols.text(x))
    other = "zzz 漢字 ä\n"
    assert symbols.text(symbols(other)[0]) == other
    assert symbols("abcab").size < symbols("zzzzz").size == 5
    again = Encoding.of(json.loads(json.dumps(data.encoding.describe()))).inputs
    np.testing.assert_array_equal(again(TEXT), symbols(TEXT))
    net = TransformerLM(symbols.width, 4, 16, 2, 1, rng=Generator(0))
    Trainer(net, Adam(0.01), data, batch_size=10).fit(1, folder=tmp_path / "run")
    run = Run(tmp_path / "run")
    assert run.scores(symbols.text(x[:4])).shape[-1] == 262
    assert run.encoding.inputs.text(x) == symbols.text(x)


def test_pieces_need_tokenizers(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(BackendError, match=r"tokenizers must be installed, got none; pip install xpnet\[text"):
        load_text(book, context=7, kind="bpe")


def test_a_description_of_pieces_that_is_damaged_is_refused() -> None:
    pytest.importorskip("tokenizers")
    with pytest.raises(DataError, match="a description of symbols must be whole, got "):
        Encoding.of({"inputs": {"byte pairs": "{}"}})


def test_python_ships_a_text() -> None:
    data = load_text("python", context=64)
    assert data.train[0].shape[0] > 3000
    assert " the " in data.encoding.inputs.text(to_numpy(data.train[0])[:100].reshape(-1))


def test_bad_texts_are_refused(book: Path, tmp_path: Path) -> None:
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    symbols = load_text(book, context=7).encoding.inputs
    for call, kind, text in (
        (lambda: load_text(tmp_path / "none.txt", 7), DataError, "must be readable, got No such file or directory"),
        (lambda: load_text(tmp_path / "latin.txt", 7), DataError, "must be text in UTF-8, got byte 0xe9 at 3"),
        (lambda: load_text(book, 500), DataError, "must have 501 symbols or more"),
        (lambda: load_text(book, 0), ArgumentError, "context must be a positive integer"),
        (lambda: load_text(book, 7, 1.5), ArgumentError, "validation must be a share between 0 and 1, got 1.5"),
        (lambda: load_text(book, 7, kind="words"), ArgumentError, "kind must be one of characters, bytes, bpe, got 'w"),
        (
            lambda: load_text(book, 7, vocabulary=300),
            ArgumentError,
            'vocabulary must be above 256, with kind="bpe", got',
        ),
        (lambda: load_text(book, 7, kind="bpe", vocabulary=9), ArgumentError, "vocabulary must be above 256"),
        (lambda: symbols(["ab", "a"]), ShapeError, "texts must have equal lengths"),
        (lambda: symbols.text([99]), DataError, "symbols must be from 0 to 5, got 99"),
    ):
        with pytest.raises(kind, match=text):
            call()

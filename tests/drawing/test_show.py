"""A drawing as PNG, and on the screen."""

from __future__ import annotations

import struct
import sys
import types
import webbrowser
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pytest

import xpnet as xn
from xpnet.errors import BackendError, DataError


@pytest.fixture
def drawing():
    x = xn.Variable(3.0, name="x")
    y = x * x
    y.backward()
    return xn.draw(y, title="x²")


def test_a_png_is_twice_the_size_of_the_svg(drawing, tmp_path: Path) -> None:
    pytest.importorskip("resvg_py")
    path = drawing.save(tmp_path / "square.PNG")
    data = path.read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = _size(drawing.svg())
    assert struct.unpack(">II", data[16:24]) == (2 * width, 2 * height)


def _size(svg: str) -> tuple[int, int]:
    width, height = svg.split('viewBox="0 0 ')[1].split('"')[0].split()
    return int(width), int(height)


def test_a_png_without_its_renderer_names_it(drawing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    text = "Drawing.png: resvg-py must be installed to make a PNG, got none; pip install resvg-py, or save an .svg"
    with pytest.raises(BackendError, match=text):
        drawing.save(tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []


def test_show_opens_the_page_in_a_browser(drawing, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda url: opened.append(url) or True)
    drawing.show()
    (url,) = opened
    assert Path(url2pathname(urlsplit(url).path)).read_text(encoding="utf-8") == drawing.html()


def without_a_window(url: str) -> bool:
    raise ImportError("cannot import name 'window' from 'js'")  # as Pyodide's webbrowser does in a worker


@pytest.mark.parametrize("answer", [lambda url: False, without_a_window], ids=["none", "no window"])
def test_show_without_a_browser_names_the_page(drawing, monkeypatch: pytest.MonkeyPatch, answer) -> None:
    monkeypatch.setattr(webbrowser, "open", answer)
    with pytest.raises(DataError, match=r"Drawing.show: a browser must open, got none; open .*drawing.html yourself"):
        drawing.show()


@pytest.mark.parametrize("kernel", [True, False])
def test_show_in_a_notebook_displays_the_picture(drawing, monkeypatch: pytest.MonkeyPatch, kernel: bool) -> None:
    shown: list[object] = []
    ipython, display = types.ModuleType("IPython"), types.ModuleType("IPython.display")
    ipython.get_ipython = lambda: types.SimpleNamespace(kernel=object()) if kernel else None
    display.display = shown.append
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    monkeypatch.setattr(webbrowser, "open", lambda url: True)
    drawing.show()
    assert shown == ([drawing] if kernel else [])

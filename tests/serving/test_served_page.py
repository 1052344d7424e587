"""The page in a real browser: drawn on by mouse, finger and keys, forms, files, and what it says of a mistake."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("starlette")
from browser import CHROMIUM, Browser

SEVEN = [(0.25, 0.2), (0.75, 0.2), (0.5, 0.85)]
ANSWER = "document.getElementById('answer').textContent"
STATUS = "document.getElementById('status').textContent"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
    opened = Browser(tmp_path_factory.mktemp("browser"))
    yield opened
    opened.close()


@pytest.fixture
def show(browser: Browser, shared):
    """A function that opens the page of a run, and checks afterwards that the page has not complained."""
    browser.complaints.clear()

    def start(name: str, **window) -> Browser:
        browser.show(f"http://127.0.0.1:{shared(name).port}/", **window)
        return browser

    yield start
    assert browser.complaints == []


def answered(browser: Browser) -> str:
    return browser.until(ANSWER, lambda text: text not in ("nothing yet", ""))


@pytest.mark.parametrize("window", [{}, {"dark": True}, {"width": 390, "height": 800}], ids=["light", "dark", "phone"])
def test_a_digit_is_drawn(window: dict, show) -> None:
    page = show("digits", **window)
    page.draw("board", SEVEN, touch="width" in window)
    assert re.fullmatch(r"\d", answered(page))
    shares = page.value("[...document.querySelectorAll('#bars .value')].map(v => parseFloat(v.textContent))")
    assert len(shares) == 10
    assert sum(shares) == pytest.approx(100.0, abs=1.0)
    titles = page.value("[...document.querySelectorAll('#layers h3')].map(h => h.textContent)")
    assert titles == ["Affine1 Affine, 30", "Relu1 Relu, 30", "Affine2 Affine, 10"]
    sizes = page.value("[...document.querySelectorAll('#pictures canvas')].map(c => [c.width, c.height])")
    assert sizes == [[8, 8], [8, 8]]
    assert page.value("document.documentElement.scrollWidth <= innerWidth")
    page.value("document.getElementById('clear').click()")
    assert page.value(ANSWER) == "nothing yet"


def test_the_keyboard_draws_and_clears(show) -> None:
    page = show("digits")
    page.value("document.getElementById('board').focus()")
    page.press("ArrowUp", 10)
    page.press(" ")
    page.press("ArrowDown", 20)
    page.press(" ")
    assert re.fullmatch(r"\d", answered(page))
    page.press("Delete")
    assert page.value(ANSWER) == "nothing yet"


def test_an_image_is_opened(show, files, shared, digit, tmp_path: Path) -> None:
    page = show("digits")
    (tmp_path / "digit.png").write_bytes(files["large"])
    page.choose(tmp_path / "digit.png")
    assert answered(page) == str(shared("digits").run.predict(digit))


def test_a_table_has_a_form_and_takes_files(show, browser, shared, tmp_path: Path) -> None:
    page = show("table")
    names = shared("table").run.encoding.targets.names
    assert answered(page) in names
    labels = page.value("[...document.querySelectorAll('.form label')].map(l => l.firstChild.textContent)")
    assert labels == ["size", "zip", "sold", "built"]
    slopes = page.value("[...document.querySelectorAll('#slopes .name')].map(n => n.textContent)")
    assert slopes == shared("table").run.encoding.inputs.names
    (tmp_path / "rows.csv").write_text("size,zip,sold,built\n1,A7,true,2011-01-01\n2,A7,true,2011-01-01\n")
    page.choose(tmp_path / "rows.csv")
    page.until(ANSWER, lambda text: text == "2 rows")
    assert page.value("document.querySelectorAll('#rows tbody tr').length") == 2
    page.value("(f => { f.value = 'big'; f.dispatchEvent(new Event('input', {bubbles: true})) })"
               "(document.getElementById('column-0'))")  # fmt: skip
    assert "column size must be a number in each row, got 'big'" in page.until(STATUS)
    assert len(browser.complaints) == 1  # of the status 422
    browser.complaints.clear()


def test_a_text_is_written_on(show) -> None:
    page = show("text")
    assert len(answered(page)) == 1
    page.value("document.getElementById('write').click()")
    page.until("document.getElementById('text').value.length", lambda length: length == 4 + 100)


def test_numbers_are_typed(show) -> None:
    assert answered(show("arrays")) in {"0", "1", "2"}


def test_no_name_breaks_out_of_the_page_and_it_asks_nobody(shared) -> None:
    _, html = shared("table").ask("/")
    assert html.count("<script>") == html.count("</script>") == 1
    told = re.search(r"const about = (\{.*\})$", html, re.MULTILINE)[1]
    assert json.loads(told)["answers"]["classes"] == ["</script>", "Oslo", "Rome"]
    assert not re.search(r"https?://(?!www.w3.org)|@import|src=", html.replace("location.origin", ""))
    policy = shared("table").server.policy
    script = re.search(r"<script>(.*?)</script>", html, re.DOTALL)[1]
    assert f"script-src 'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" in policy
    assert policy.startswith("default-src 'none'")
    assert "connect-src 'self'" in policy


def test_everything_can_be_reached_and_is_named(shared) -> None:
    _, html = shared("digits").ask("/")
    for wanted in ('lang="en"', 'role="status"', 'aria-live="polite"', "<noscript>", 'aria-label="Probabilities"'):
        assert wanted in html

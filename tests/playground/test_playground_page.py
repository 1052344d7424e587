"""The page that runs xpnet in a browser, as ``docs/playground/build.py`` has built it: ``nox -s playground``."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from browser import CHROMIUM, Browser

pytestmark = pytest.mark.journey
PAGE = Path(__file__).parents[2] / "docs" / "playground"
TEXT = (PAGE / "network.py").read_text(encoding="utf-8")
BREAKS = json.loads((PAGE / "breaks.json").read_text(encoding="utf-8"))
ELSEWHERE = "http://elsewhere.invalid/"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


class Playground:
    """The page in a browser, loaded."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.browser, self.address = browser, address
        self.text, self.value = browser.text, browser.value
        browser.show(address)
        self.finish()
        self.loaded = {each.removeprefix(address) for each in browser.requested}

    def press(self, name: str) -> None:
        self.value(f"document.getElementById('{name}').focus()")
        self.value("document.activeElement.click()")

    def finish(self) -> str:
        """Wait until Python is idle, and return the status."""
        self.browser.until("document.getElementById('train').ariaDisabled === 'false'")
        return self.text("status")

    def ask(self, name: str) -> str:
        self.press(name)
        return self.finish()

    def write(self, text: str) -> None:
        """Replace the whole text, as by typing."""
        self.value("document.getElementById('text').select(), document.getElementById('text').focus()")
        self.browser.tell("Input.insertText", text=text)

    def marked(self) -> str | None:
        """The number of the line that is marked as wrong."""
        return self.value("document.querySelector('#numbers .wrong')?.textContent.trim()")

    def in_graph(self, script: str) -> Any:
        return self.value(f"(d => {script})(document.getElementById('graph').contentDocument)")


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Playground]:
    site = os.environ.get("XPNET_PLAYGROUND")
    if not site:
        pytest.skip("XPNET_PLAYGROUND names no page that was built; nox -s playground does it all")
    assert CHROMIUM is not None
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    browser = Browser(tmp_path_factory.mktemp("browser"))
    yield Playground(browser, f"http://127.0.0.1:{server.server_port}/")
    browser.close()
    server.shutdown()
    server.server_close()


@pytest.fixture
def page(loaded: Playground) -> Iterator[Playground]:
    """The page with its first text; all that it asks for is on its server, and it does not complain."""
    loaded.press("reset")
    yield loaded
    assert not loaded.browser.complaints
    own = (loaded.address, f"blob:{loaded.address}", "data:,")
    assert [address for address in loaded.browser.requested if not address.startswith(own)] == []


def test_it_loads_from_its_server_alone(page: Playground) -> None:
    assert {"", "page.js", "worker.js", "pyodide/pyodide.asm.wasm", "playground.py"} <= page.loaded
    assert any(re.fullmatch(r"wheels/xpnet-.*\.whl", name) for name in page.loaded)
    assert "xpnet" in page.text("versions")


def test_a_request_elsewhere_would_be_seen(page: Playground) -> None:
    page.write(f"import js\njs.fetch({ELSEWHERE!r})\n")
    page.ask("check")
    page.browser.until("0", lambda _: ELSEWHERE in page.browser.requested)
    page.browser.requested.remove(ELSEWHERE)
    page.browser.complaints.clear()


def test_it_trains_the_edited_network_to_95_percent(page: Playground) -> None:
    page.write(TEXT.replace("hidden = 50", "hidden = 40").replace("epochs = 20", "epochs = 12"))
    assert page.ask("train") == "Done."
    found = re.fullmatch(
        r"Epoch 12 of 12: loss [\d.]+, accuracy ([\d.]+) % in training, ([\d.]+) % on the test digits\.",
        page.text("numbers-now"),
    )
    assert found, page.text("numbers-now")
    assert float(found[2]) >= 95.0
    titles = page.value("[...document.querySelectorAll('#pictures svg > title')].map(each => each.textContent)")
    assert titles == ["Loss", "Accuracy"]


def test_it_steps_forward_and_backward(page: Playground) -> None:
    assert page.ask("step") == "Done."
    page.browser.until("document.getElementById('graph').contentDocument?.body?.dataset.step === '0'")
    words = [page.in_graph("d.getElementById('where').textContent")]
    known = []
    for _ in range(9):
        page.in_graph("d.getElementById('next').click()")
        words.append(page.in_graph("d.getElementById('where').textContent"))
        page.value("new Promise(done => setTimeout(done))")  # for the observer of steps
        known.append(page.value("document.querySelectorAll('#arrays canvas[aria-label*=numbers]').length"))
    forward = [f"Forward, step {step} of 9" for step in range(1, 5)]
    assert words == ["Inputs, step 0 of 9", *forward, *(f"Backward, step {step} of 9" for step in range(5, 10))]
    assert known == [2, 3, 4, 4, 4, 5, 6, 7, 8]
    assert "db = Σ dout" in page.in_graph("d.getElementById('rule').textContent")
    first = page.in_graph("d.querySelector('h1').textContent")
    page.ask("another")
    page.browser.until(
        "document.getElementById('graph').contentDocument?.querySelector('h1')?.textContent",
        lambda title: title != first,
    )


@pytest.mark.parametrize("fault", range(len(BREAKS)), ids=lambda k: BREAKS[k]["name"])
def test_a_broken_layer_is_named_and_mended(page: Playground, fault: int) -> None:
    page.value(f"document.getElementById('fault').value = {fault}")
    page.ask("break")
    assert BREAKS[fault]["wrong"] in page.value("document.getElementById('text').value")
    assert page.text("verdict").startswith("Wrong: the gradient")
    assert BREAKS[fault]["cause"] in page.text("causes")
    page.ask("mend")
    assert page.value("document.getElementById('text').value") == TEXT
    assert page.text("verdict").startswith("Every gradient agrees")


def test_a_layer_that_is_broken_by_editing_is_named(page: Playground) -> None:
    page.write(TEXT.replace("xp.zeros_like(dout), dout)", "xp.zeros_like(dout), -dout)"))
    page.ask("check")
    assert "Relu1.backward is itself wrong: x: its sign is wrong everywhere" in page.text("causes")


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (TEXT.replace("def forward(self, x, t):", "def forward(self, x, t)"), 56, "Line 56: Expected ':'."),
        (TEXT.replace("@ self.W.T", "@ self.W"), 29, "Line 29, in Affine.backward: ValueError: matmul: "),
        (TEXT.replace("hidden = 50", "hidden = 10**9"), 71, "ValueError: Maximum allowed dimension exceeded"),
        (
            TEXT.replace("(hidden, 10), ", "(hidden + 1, 10), "),
            None,
            "ShapeError: Affine2: x must be (N, 51), got (1, 50)",
        ),
        (TEXT.replace("net = ", "not_net = "), None, "The text must make a network and name it net."),
        (TEXT.replace("hidden = 50", "hidden = int(input())"), 69, "Line 69: EOFError"),
    ],
    ids=["syntax", "product", "huge", "shapes", "no net", "input"],
)
def test_a_wrong_text_is_answered_in_a_sentence(page: Playground, text: str, line: int | None, says: str) -> None:
    page.write(text)
    page.ask("train")
    assert says in page.text("error")
    assert page.marked() == (None if line is None else str(line))
    assert page.text("numbers-now") == "Not trained: see the error below the text."


def test_output_is_shown_up_to_a_limit(page: Playground) -> None:
    page.write("for i in range(1000):\n    print('line', i)\n")
    page.ask("step")
    lines = page.text("output").splitlines()
    assert lines[:2] == ["line 0", "line 1"]
    assert lines[-1] == "… more than 500 lines: the rest is left out"


def test_a_training_stops_and_keeps_the_network(page: Playground) -> None:
    page.write(TEXT.replace("epochs = 20", "epochs = 100000"))
    page.press("train")
    page.browser.until("document.querySelectorAll('#pictures svg').length === 2")
    assert page.ask("stop") == "Stopped."
    assert page.ask("step") == "Done."


def test_an_endless_loop_stops_and_the_text_is_kept(page: Playground) -> None:
    text = TEXT.replace("hidden = 50", "while True:\n    pass")
    page.write(text)
    page.press("train")
    assert page.ask("stop") == "It did not stop by itself, so Python was ended and starts again. The text is kept."
    assert page.value("document.getElementById('text').value") == text
    page.press("reset")
    assert page.ask("check") == "Done."


def test_a_phone_and_a_keyboard(page: Playground) -> None:
    page.browser.tell("Emulation.setDeviceMetricsOverride", width=360, height=740, deviceScaleFactor=1, mobile=False)
    assert page.value("document.documentElement.scrollWidth <= 360")
    page.value("document.getElementById('reset').focus()")
    reached = []
    for _ in range(9):
        page.browser.press("Tab")
        reached.append(page.value("document.activeElement.id"))
    assert reached == ["text", "train", "step", "check", "stop", "fault", "break", "mend", "rows"]
    page.value("document.getElementById('check').focus()")
    page.browser.press(" ")
    page.finish()
    assert page.value("document.activeElement.id") == "check"
    page.value(
        "(f => (f.focus(), f.setSelectionRange(f.value.length, f.value.length)))(document.getElementById('text'))"
    )
    page.browser.tell("Input.insertText", text="if hidden:")
    page.browser.press("Enter")
    assert page.value("document.getElementById('text').value").endswith("if hidden:\n    ")

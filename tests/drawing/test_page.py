"""The page that steps through a graph: its words, and its behaviour in a real browser."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from figures import APPLES, APPLES_AND_ORANGES, FIGURES, figure

from xpnet.drawing.graph import Edge, Graph, Node
from xpnet.drawing.page import page
from xpnet.drawing.steps import steps

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--enable-logging=stderr", "--dump-dom"]


@pytest.fixture
def browse(tmp_path: Path):
    """The document that a browser makes of a page, at a fragment of its address."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")

    def dump(html: str, fragment: str = "") -> str:
        file = tmp_path / "page.html"
        file.write_text(html, encoding="utf-8")
        command = [CHROMIUM, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", f"{file.as_uri()}{fragment}"]
        run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        assert not re.search(r"CONSOLE.*(Uncaught|Refused|Error)", run.stderr)
        return run.stdout

    return dump


def told(document: str, part: str) -> str:
    return re.search(rf'<p id="{part}"[^>]*>([^<]*)</p>', document)[1]


def hidden(document: str, kind: str) -> int:
    """How many values (``forward``) or derivatives (``backward``) are not shown yet."""
    groups = re.findall(rf'<g class="xn-{kind}[^"]*".*?</g>', document)
    return sum("xn-later" in group for group in groups)


def test_the_steps_of_the_apples():
    assert [step.text for step in steps(APPLES)] == [
        "The inputs are known; nothing is computed yet.",
        "× takes 100 and 2 and gives 200.",
        "× takes 200 and 1.1 and gives 220.",
        "The derivative of the result with respect to itself is 1: backward starts from there.",
        "× passes back 1.1 to × and 200 to tax.",
        "× passes back 2.2 to apple and 110 to count.",
    ]


@pytest.mark.parametrize("name", FIGURES)
def test_every_value_and_derivative_appears_at_exactly_one_step(name):
    graph = FIGURES[name]
    appearing = [edge for step in steps(graph) for edge in step.forward]
    assert sorted(appearing) == list(range(len(graph.edges)))
    coming_back = [edge for step in steps(graph) for edge in step.backward]
    assert sorted(coming_back) == list(range(len(graph.edges)))


def test_the_derivative_of_a_branch_waits_for_all_its_ends():
    graph = figure(
        "x:x b.x p(exp) q(log) s(+) y>y",
        ("x", "b", "2", "7.889"),
        ("b", "p", "", "7.389"),
        ("b", "q", "", "0.5"),
        ("p", "s", "7.389", "1"),
        ("q", "s", "0.6931", "1"),
        ("s", "y", "8.082", "1"),
    )
    assert [step.backward for step in steps(graph) if step.direction == "backward"] == [[5], [3, 4], [2], [1, 0]]
    assert steps(graph)[-1].text == "exp passes back 7.389 to x. All shares sent to x add up to 7.889."
    assert steps(graph)[1].text == "exp takes 2 and gives 7.389."


def test_without_derivatives_there_is_only_forward():
    bare = Graph(APPLES.nodes, [Edge(e.source, e.target, e.value) for e in APPLES.edges])
    assert {step.direction for step in steps(bare)} == {"start", "forward"}


def test_the_page_asks_for_nothing_and_forbids_asking():
    html = page(APPLES).replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert "default-src 'none'" in html
    assert not re.search(r"https?:|src=|href=|@import|url\(", html)


def test_no_name_can_break_out_of_the_page():
    nasty = "</script><script>alert(1)</script><!--"
    html = page(Graph([Node("input", nasty), Node("operation", nasty, rule=nasty)], [Edge(0, 1, nasty)], title=nasty))
    assert html.count("<script") == html.count("</script>") == 2
    assert "<!--" not in html


def test_everything_can_be_reached_and_is_named():
    html = page(APPLES)
    for wanted in ('lang="en"', 'aria-live="polite"', 'role="img"', 'aria-label="Step"', "<noscript>", "<button id="):
        assert wanted in html


def test_it_opens_at_the_step_in_its_address(browse):
    document = browse(page(APPLES_AND_ORANGES), "#step=6")
    assert 'data-step="6"' in document
    assert told(document, "where") == "Backward, step 6 of 9"
    assert told(document, "text") == "× passes back 1.1 to + and 650 to tax."
    assert hidden(document, "forward") == 0
    assert hidden(document, "backward") == 6
    assert document.count("xn-work") == 1 + page(APPLES).count("xn-work")


def test_keys_and_buttons_go_step_by_step(browse):
    press = "; ".join(f"dispatchEvent(new KeyboardEvent('keydown', {{key: '{key}'}}))" for key in ("End", "Home"))
    right = "dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight'}))"
    script = f"<script>{press}; {right}; {right}; find('next').click(); find('back').click()</script></body>"
    document = browse(page(APPLES_AND_ORANGES).replace("</body>", script))
    assert told(document, "where") == "Forward, step 2 of 9"
    assert told(document, "text") == "× takes 150 and 3 and gives 450."
    assert hidden(document, "forward") == 2
    assert hidden(document, "backward") == 9

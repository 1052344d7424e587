"""A page that steps through forward and backward one node at a time: one HTML file that needs no network."""

from __future__ import annotations

import json
from dataclasses import asdict

from xpnet.drawing.graph import Graph
from xpnet.drawing.steps import steps
from xpnet.drawing.svg import svg
from xpnet.drawing.text import FONT, escape_xml


def page(graph: Graph) -> str:
    """Return the HTML of the page; ``#step=3`` at the end of its address opens it at step 3."""
    data = json.dumps([asdict(step) for step in steps(graph)], ensure_ascii=True).replace("<", "\\u003c")
    return (
        _PAGE.replace("%FONT%", FONT)
        .replace("%TITLE%", escape_xml(graph.title))
        .replace("%STEPS%", data)
        .replace("%SVG%", svg(graph))
    )


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>%TITLE%</title>
<style>
:root { color-scheme: light dark }
body { font: 16px/1.5 %FONT%; margin: 0 auto; padding: 1.5rem; max-width: 76rem }
h1 { font-size: 1.3rem; margin: 0 0 1rem }
figure { margin: 0; overflow-x: auto }
figure svg { display: block }
.controls { display: flex; gap: .5rem; align-items: center; margin: 1rem 0; flex-wrap: wrap }
button { font: inherit; padding: .35rem .9rem; border: 1px solid #8a97a3; border-radius: 6px; cursor: pointer;
  background: transparent; color: inherit }
button:hover:not(:disabled) { background: #8a97a333 }
button:disabled { opacity: .45; cursor: default }
button:focus-visible, input:focus-visible, figure:focus-visible { outline: 3px solid #2f6db5; outline-offset: 2px }
input { flex: 1 1 10rem; accent-color: #2f6db5 }
#words { min-height: 6.5rem }
#words p { margin: .2rem 0 }
#where { font-weight: 600 }
#where[data-direction="backward"]::before { content: "\\2190  "; color: #c2410c }
#where[data-direction="forward"]::before { content: "\\2192  " }
.keys { opacity: .75; font-size: .85rem }
.xn-forward text, .xn-backward { transition: opacity .2s }
.xn-later { opacity: 0 }
.xn-now text { font-weight: 700 }
.xn-work rect { stroke-width: 3.5 }
@media (prefers-reduced-motion: reduce) { .xn-forward text, .xn-backward { transition: none } }
</style>
</head>
<body>
<main>
<h1>%TITLE%</h1>
<figure tabindex="0" aria-label="The graph; it can be scrolled">
%SVG%</figure>
<div class="controls" role="group" aria-label="Steps">
<button id="first" type="button">First</button>
<button id="back" type="button">Back</button>
<button id="next" type="button">Next</button>
<button id="last" type="button">Last</button>
<input id="slide" type="range" min="0" value="0" aria-label="Step">
</div>
<div id="words" aria-live="polite">
<p id="where"></p>
<p id="text"></p>
<p id="rule"></p>
</div>
<p class="keys">Keys: → and ← go one step, Home and End to the first and last.</p>
<noscript><p>The figure shows all values and derivatives; stepping through it needs JavaScript.</p></noscript>
</main>
<script id="steps" type="application/json">%STEPS%</script>
<script>
"use strict";
const steps = JSON.parse(document.getElementById("steps").textContent);
const find = id => document.getElementById(id);
const last = steps.length - 1;
const known = {forward: new Map(), backward: new Map()};
steps.forEach((step, at) => ["forward", "backward"].forEach(way => step[way].forEach(edge =>
  known[way].has(edge) || known[way].set(edge, at))));
let at = 0;

function mark(element, when, what) {
  what.classList.toggle("xn-later", when > at);
  element.classList.toggle("xn-now", when === at);
}

function show(step) {
  at = Math.max(0, Math.min(last, step));
  for (const group of document.querySelectorAll(".xn-forward")) {
    const text = group.querySelector("text");
    if (text) mark(group, known.forward.get(+group.dataset.edge) ?? 0, text);
  }
  for (const group of document.querySelectorAll(".xn-backward"))
    mark(group, known.backward.get(+group.dataset.edge) ?? last, group);
  for (const node of document.querySelectorAll(".xn-node"))
    node.classList.toggle("xn-work", +node.dataset.node === steps[at].node);
  const {direction, text, rule, node} = steps[at];
  const names = {start: "Inputs", forward: "Forward", backward: "Backward"};
  find("where").textContent = `${names[direction]}, step ${at} of ${last}`;
  find("where").dataset.direction = direction;
  find("text").textContent = text;
  find("rule").textContent = rule && `Local rule: ${rule}.`;
  find("slide").value = at;
  find("first").disabled = find("back").disabled = at === 0;
  find("next").disabled = find("last").disabled = at === last;
  document.body.dataset.step = at;
  const working = node === null ? null : document.querySelector(`.xn-node[data-node="${node}"]`);
  if (working) working.scrollIntoView({block: "nearest", inline: "center"});
}

function go(step) {
  show(step);
  history.replaceState(null, "", `#step=${at}`);
}

function read() {
  const found = /step=(\\d+)/.exec(location.hash);
  show(found ? +found[1] : 0);
}

find("slide").max = last;
find("slide").addEventListener("input", event => go(+event.target.value));
find("first").addEventListener("click", () => go(0));
find("back").addEventListener("click", () => go(at - 1));
find("next").addEventListener("click", () => go(at + 1));
find("last").addEventListener("click", () => go(last));
addEventListener("keydown", event => {
  if (event.target === find("slide") || event.altKey || event.ctrlKey || event.metaKey) return;
  const steps = {ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: last};
  if (event.key in steps) { event.preventDefault(); go(steps[event.key]); }
});
addEventListener("hashchange", read);
read();
</script>
</body>
</html>
"""

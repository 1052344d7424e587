"""``draw``: the picture of a computation in every format."""

from __future__ import annotations

import sys
import tempfile
import webbrowser
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from xpnet.autodiff import Variable
from xpnet.backend.numbers import COMPUTED
from xpnet.drawing.dot import dot
from xpnet.drawing.graph import Graph
from xpnet.drawing.mermaid import mermaid
from xpnet.drawing.network_graph import network_graph
from xpnet.drawing.number_graph import variable_of_number
from xpnet.drawing.page import page
from xpnet.drawing.svg import svg
from xpnet.drawing.variable_graph import variable_graph
from xpnet.errors import ArgumentError, BackendError, DataError, DtypeError
from xpnet.files import reason
from xpnet.layers import Layer
from xpnet.layers.plain import is_plain_layer, is_plain_network
from xpnet.typesetting import within_page


@dataclass(frozen=True)
class Drawing:
    """A computational graph that can be shown: as Mermaid or DOT text, as SVG or PNG, as a page to step through.

    A notebook shows the SVG by itself.

    >>> apple = MulLayer()
    >>> price = apple.forward(100, 2)
    >>> drawing = xn.draw(price)
    >>> drawing.svg()[:4], drawing.dot()[:7], drawing.html()[:15]
    ('<svg', 'digraph', '<!doctype html>')
    """

    graph: Graph

    def mermaid(self) -> str:
        """Return Mermaid text, for a README or a notebook."""
        return mermaid(self.graph)

    def dot(self) -> str:
        """Return DOT text, for Graphviz."""
        return dot(self.graph)

    def svg(self) -> str:
        """Return one self-contained SVG, in the style of the book's figures."""
        return svg(self.graph)

    def html(self) -> str:
        """Return one HTML page that steps through forward and backward, one node at a time."""
        return page(self.graph)

    def png(self) -> bytes:
        """Return the SVG as a PNG of twice its size, in the fonts of this machine.

        Raises: ``BackendError`` where resvg-py, which draws it, is not installed.
        """
        try:
            resvg = import_module("resvg_py")
        except ImportError as error:
            must, remedy = "resvg-py must be installed to make a PNG", "pip install resvg-py, or save an .svg"
            raise BackendError("Drawing.png", must, "none", remedy) from error
        return bytes(resvg.svg_to_bytes(svg_string=self.svg(), zoom=2))

    def save(self, path: str | Path) -> Path:
        """Write the drawing in the format given by the suffix of the path.

        Raises: ``ArgumentError`` for another suffix; ``DataError`` where the path cannot be written; as ``png``.
        """
        path = Path(path)
        make = FORMATS.get(path.suffix.lower())
        if make is None:
            raise ArgumentError(
                "Drawing.save", f"suffix must be one of {', '.join(FORMATS)}", repr(path.name), "name the file so"
            )
        made = make(self)
        try:
            path.write_bytes(made if isinstance(made, bytes) else made.encode())
        except (OSError, ValueError) as error:  # a ValueError for a name with a zero byte
            raise DataError(
                "Drawing.save",
                f"{path} must be writable",
                reason(error),
                "choose another path, or make the directory first",
            ) from error
        return path

    def show(self) -> None:
        """Show the drawing: its picture in a notebook, elsewhere its page in a browser.

        Raises: ``DataError``, naming the page, where no browser opens.
        """
        ipython = sys.modules.get("IPython")
        if ipython is not None and getattr(ipython.get_ipython(), "kernel", None) is not None:
            import_module("IPython.display").display(self)
            return
        path = self.save(Path(tempfile.mkdtemp(prefix="xpnet-")) / "drawing.html")
        try:
            opened = webbrowser.open(path.as_uri())
        except ImportError:  # of Pyodide in a worker, which has no window
            opened = False
        if not opened:
            raise DataError("Drawing.show", "a browser must open", "none", f"open {path} yourself")

    def _repr_svg_(self) -> str:
        return within_page(self.svg())

    def __repr__(self) -> str:
        return f"Drawing({self.graph.title!r}, {len(self.graph.nodes)} nodes, {len(self.graph.edges)} edges)"


FORMATS: Mapping[str, Callable[[Drawing], str | bytes]] = {
    ".svg": Drawing.svg,
    ".png": Drawing.png,
    ".html": Drawing.html,
    ".mmd": Drawing.mermaid,
    ".dot": Drawing.dot,
    ".gv": Drawing.dot,
}


def draw(subject: Any, *, expand: bool = False, title: str | None = None) -> Drawing:
    """Return the computational graph of a Variable, layer or network, with values and derivatives if known.

    A number that layers computed from numbers, ``MulLayer().forward(100, 2)``, is drawn with those layers. A class need
    not derive from anything: one with ``forward`` and ``backward`` is drawn as a layer, one with ``params``,
    ``gradient`` and ``loss`` as a network.

    ``expand`` opens layers into the operations of their forward, and networks inside a network into their layers.

    Raises: ``DtypeError`` for another subject; ``StateError`` where ``expand`` needs what backward released.

    >>> x = xn.Variable(np.array(2.0), name="x")
    >>> print(xn.draw(x * x).mermaid().partition("classDef")[0])
    flowchart LR
        n0(["x"])
        n1(("•"))
        n2(("×")):::operation
        n3(["#160;"])
        n0 -->|"2"| n1
        n1 --> n2
        n1 --> n2
        n2 -->|"4"| n3
    <BLANKLINE>
    """
    if isinstance(subject, Variable):
        graph = variable_graph(subject, expand)
    elif type(subject) in COMPUTED:
        graph = variable_graph(variable_of_number(subject), expand)
    elif isinstance(subject, Layer) or is_plain_layer(subject) or is_plain_network(subject):
        graph = network_graph(subject, expand)
    else:
        raise DtypeError(
            "draw",
            "subject must be a Variable, a layer or a network",
            type(subject).__name__,
            "compute it from xn.Variable(x), and draw the result",
        )
    return Drawing(graph if title is None else replace(graph, title=title))

"""The computational graph of two apples and tax, drawn: values above the arrows, derivatives below (section 5.1.3).

``python draw_graph.py [FOLDER]`` writes apples.svg, and apples.html to step through forward and backward node by node.
"""

import argparse
from pathlib import Path

import xpnet as xn

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("folder", nargs="?", type=Path, default=".")
folder = parser.parse_args().folder

apple = xn.Variable(100.0, name="apple")
count = xn.Variable(2.0, name="count")
tax = xn.Variable(1.1, name="tax")

price = apple * count * tax
price.backward()
print(f"{float(apple.grad):g}, {float(count.grad):g}, {float(tax.grad):g}")

drawing = xn.draw(price, title="Two apples and tax")
drawing.save(folder / "apples.svg")
drawing.save(folder / "apples.html")
print(drawing.mermaid())

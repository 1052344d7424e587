"""CUDA body of the Transformer's block."""

from __future__ import annotations

from typing import Any

from xpnet.layers.bodies import Body, body
from xpnet.layers.checks import plain
from xpnet.layers.transformer import TransformerBlock


@body("cupy", TransformerBlock)
class SumsInTheBranches(Body):
    """A block that adds the shortcut around a branch in the branch's last launch, forward and backward."""

    def forward(self, x: Any, mask: Any = None) -> Any:
        block = self.layer
        for branch in block.rows_of_names():
            *others, last = (block.layers[name] for name in branch)
            y = x
            for stage in others:
                y = stage(y, mask) if "mask" in stage.inputs else stage(y)
            x = last.onto(x, y, mask) if "mask" in last.inputs else last.onto(x, y)
        return x

    def backward(self, dout: Any = 1.0) -> Any:
        block, dout = self.layer, plain(dout)
        for branch in reversed(block.rows_of_names()):
            first, *others = (block.layers[name] for name in branch)
            dy = dout
            for stage in reversed(others):
                dy = stage.backward(dy)
            dout = first.backward_onto(dout, dy)
        return dout

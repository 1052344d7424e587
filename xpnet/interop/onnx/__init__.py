"""Files of ONNX: networks written to them, and read from them."""

from xpnet.interop.onnx.exporting import to_onnx
from xpnet.interop.onnx.importing import from_onnx
from xpnet.interop.onnx.of_runs import run_to_onnx

__all__ = ["from_onnx", "run_to_onnx", "to_onnx"]

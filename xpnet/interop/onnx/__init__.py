"""Files of ONNX: networks written to them, and read from them."""

from xpnet.interop.onnx.exporting import to_onnx

__all__ = ["to_onnx"]

"""Functions whose results are constants: truth values, counts, positions, integers, steps, and new arrays."""

from __future__ import annotations

from xpnet.autodiff.batching.ways import aligned, along, contained, counted, leading, of_dtypes, reducing, searching
from xpnet.autodiff.table import value_only

value_only("empty eye ones zeros fft.fftfreq fft.rfftfreq", "creates a constant")
value_only("empty_like ones_like zeros_like", "creates a constant", aligned)
value_only(
    "equal greater greater_equal less less_equal not_equal isfinite isinf isnan signbit "
    "logical_and logical_not logical_or logical_xor",
    "true or false",
    aligned,
)
value_only("all any", "true or false", reducing)
value_only("isin", "true or false", contained)
value_only("argmax argmin", "counts or positions", searching)
value_only("argsort", "counts or positions", along(-1))
value_only("count_nonzero", "counts or positions", reducing)
value_only("nonzero", "counts or positions")
value_only("searchsorted", "counts or positions", counted)
value_only("linalg.matrix_rank", "counts or positions", leading)
value_only("ceil floor floor_divide nextafter round trunc", "steps", aligned)
value_only(
    "bitwise_and bitwise_invert bitwise_left_shift bitwise_or bitwise_right_shift bitwise_xor", "integers", aligned
)
value_only("broadcast_shapes can_cast finfo iinfo isdtype result_type", "about dtypes and shapes", of_dtypes)

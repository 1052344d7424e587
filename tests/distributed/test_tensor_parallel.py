"""The example of a network that is split by columns and rows comes to the network that is not."""

import runpy
from pathlib import Path

import pytest
from ranks_in_threads import on_ranks

from xpnet.backend import make_backend

EXAMPLE = Path(__file__).parents[2] / "examples" / "tensor_parallel.py"


@pytest.mark.parametrize("size", [2, 3])
def test_a_pair_of_affine_maps_that_is_split_trains_as_the_whole(size):
    example = runpy.run_path(str(EXAMPLE))
    example["train"].__globals__["STEPS"] = 20

    def run(group):
        one = example["whole"]()
        part = example["split"](one, group)
        losses, expected = example["train"](part), example["train"](one)
        sizes = sum(W.size for W in part.params.values()), sum(W.size for W in one.params.values())
        return losses, expected, example["apart"](one, part, group), sizes

    for losses, expected, distance, (held, of) in on_ranks(size, make_backend("numpy", dtype="float64"), run):
        assert losses == pytest.approx(expected, rel=1e-10)
        assert losses[-1] < 0.5 * losses[0]
        assert distance < 1e-12
        assert held < of / size + 70  # all ranks have the bias of the second, and one may have a column more

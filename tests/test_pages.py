"""The pages of the documentation: their code runs and prints what they show, and their links lead somewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[1]
SITE = ROOT / "docs" / "site"
sys.path.append(str(SITE))

from house import floors, house, imports, nearest  # noqa: E402 (the path comes first)
from pages import PAGES, Block, at_root, blocks, dead_links, for_site, pictures, read, run  # noqa: E402
from reference import FACES, by_file  # noqa: E402
from test_architecture import ROWS  # noqa: E402

# The pages in Chinese have the code of the English ones: tests/languages/test_pages_in_other_languages.py
ENGLISH = [place for place in PAGES if "zh" not in place.parts]
WITH_CODE = [str(place) for place in ENGLISH if place.parts[0] == "docs" and blocks(read(place))]
NEEDED = {
    "docs/conform.md": "array_api_strict",
    "docs/interop.md": "torch",
    "docs/onnx.md": "onnxruntime",
    "docs/sklearn.md": "sklearn",
}


@pytest.mark.parametrize("place", WITH_CODE)
def test_the_code_of_a_page_runs_and_prints_what_it_shows(place, tmp_path):
    if place in NEEDED:
        pytest.importorskip(NEEDED[place])
    text = read(PurePosixPath(place))
    run(text, tmp_path)
    assert set(pictures(text)) <= {path.name for path in tmp_path.iterdir()}


@pytest.mark.parametrize("place", [str(place) for place in PAGES])
def test_links_lead_somewhere(place):
    assert dead_links(PurePosixPath(place)) == []


def test_a_block_that_prints_something_else_is_found(tmp_path):
    page = "```python\nprint(1)\n```\n\n```text\n{}\n```\n\nand\n\n```python\nx = 2\n```\n"
    assert blocks(page.format(1)) == [Block("print(1)\n", "1\n"), Block("x = 2\n", None)]
    assert run(page.format(1), tmp_path) == "1\n"
    with pytest.raises(AssertionError, match="and not"):
        run(page.format(2), tmp_path)


def test_a_page_of_the_site_links_to_pages():
    text, files = for_site(PurePosixPath("docs/distributed.md"))
    assert "](../examples/tensor_parallel.md)" in text
    assert "](../tests/pretend_cuda/README.md)" in for_site(PurePosixPath("docs/gpu.md"))[0]
    assert files == [Path("docs/examples/train.slurm")]


def test_every_page_has_a_place_in_the_navigation():
    nav = str(tomllib.loads((SITE / "site.toml").read_text(encoding="utf-8"))["nav"])
    assert [str(place) for place in PAGES if f"'{place}'" not in nav] == []


def test_the_house_is_the_one_that_stands():
    assert [set(floor) for floor in floors()] == [floor - {"__init__", "__main__"} for floor in ROWS[:-1]]
    level = {part: number for number, floor in enumerate(floors()) for part in floor}
    edges = imports()
    assert edges.keys() == level.keys()
    assert [(a, b) for a in edges for b in edges[a] if level[a] <= level[b]] == []
    drawn = nearest(edges)
    assert ("layers", "autodiff") in drawn
    assert ("cli", "layers") not in drawn
    assert house().count("<rect") == 1 + len(level)


def test_what_is_promised_to_stay_is_in_the_reference():
    named = {name for names in map(by_file, map(import_module, FACES)) for listed in names.values() for name in listed}
    for part in ("layers", "networks", "optimizers", "datasets", "training", "gradcheck"):
        face = import_module(f"xpnet.{part}")
        assert {f"xpnet.{part}.{name}" for name in face.__all__} - named <= {"xpnet.optimizers.Rate"}


def test_the_table_of_functions_is_up_to_date():
    made = subprocess.run([sys.executable, "-m", "xpnet.autodiff"], capture_output=True, text=True, check=True).stdout
    assert (ROOT / "docs" / "functions.md").read_text(encoding="utf-8") == made


def test_the_readme_s_code_runs(tmp_path):
    output = run(read(PurePosixPath("README.md")), tmp_path)
    assert (tmp_path / "apples.svg").read_text(encoding="utf-8") == (ROOT / "docs" / "apples.svg").read_text(
        encoding="utf-8"
    )
    by_hand, *epochs = map(float, re.findall(r"test accuracy ([\d.]+)%", output))
    assert by_hand > 95.0
    assert len(epochs) == 5
    assert epochs[-1] > 95.0
    assert "39" not in output.splitlines()[0]
    assert "fail" not in output


@pytest.mark.parametrize("backend", ["numpy", "cupy"])
def test_the_code_of_the_readme_runs_from_top_to_bottom(backend, needs, tmp_path):
    """On the backend that its one line chooses, for a few steps."""
    needs(backend)
    code = "\n".join(block.code for block in blocks(read(PurePosixPath("README.md"))))
    for line, fewer in (
        ('set_backend("numpy")', f'set_backend("{backend}")'),
        ("(1000)", "(20)"),
        (".run(5)", ".run(1)"),
    ):
        assert line in code
        code = code.replace(line, fewer)
    code = code.replace(
        "import numpy as np\n", "import numpy as np\nassert type(net.params['Affine1.W']) is EXPECTED\n"
    )
    array = "cupy.ndarray" if backend == "cupy" else "numpy.ndarray"
    code = f"import {backend}\nEXPECTED = {array}\n{code}"
    command, env = [sys.executable, "-c", code], os.environ | {"PYTHONPATH": at_root()}
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False, env=env)
    assert done.returncode == 0, done.stderr
    assert "test accuracy" in done.stdout
    assert {path.name for path in tmp_path.iterdir()} == {"convnet.safetensors", "apples.svg", "price.svg"}

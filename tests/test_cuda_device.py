"""The header of a run tells a pretended CUDA from a real one."""

from __future__ import annotations

import sys

import pytest
from cuda_device import is_pretended, named_device


def test_what_computes_is_named(cupy, request):
    pretended = sys.modules.get("pretend_cuda")
    assert is_pretended(cupy) == (pretended is not None and pretended.installed())
    lines = request.config.hook.pytest_report_header(config=request.config, start_path=request.config.rootpath)
    assert any(f"cupy ({named_device()})" in line for part in lines for line in ([part] if type(part) is str else part))
    assert (named_device() == "pretend CUDA") == is_pretended(cupy)


@pytest.mark.parametrize(("name", "said"), [(b"NVIDIA H200", "NVIDIA H200"), (b"Tesla T4", "NVIDIA Tesla T4")])
def test_a_real_device_is_named_after_nvidia(cupy, monkeypatch, name, said):
    monkeypatch.setattr("cuda_device.is_pretended", lambda _: False)
    monkeypatch.setattr(cupy.cuda.runtime, "getDeviceProperties", lambda _: {"name": name})
    assert named_device() == said

"""A server in a process of its own: many clients, bad requests among them, and an end while requests run."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest
from servers import png

from benchmarks.serve_load import digits_as_files, ended, hammer, memory_of, served
from xpnet.errors import BackendError
from xpnet.serving.process import bound, names_of


def test_nothing_is_lost_and_what_runs_is_finished(runs: dict[str, Path]) -> None:
    images, wanted = digits_as_files(runs["digits"], 20)
    process, port = served(runs["digits"], "--max-size", "1")
    try:
        load = asyncio.run(hammer(port, 280, 10, images, wanted, 1_000_000))
        assert load.wrong == []
        assert load.statuses["200"] == 252
        assert load.statuses["left"] == 4
        assert asyncio.run(memory_of(port)) > 10_000_000
        assert asyncio.run(ended(process, port, images[0], 8)) == (8, 0)
        assert process.stdout.read().startswith("stopped; ")
    finally:
        process.kill()
        process.communicate()


def test_what_a_server_tells_of_itself(shared, digit) -> None:
    here = shared("digits")
    assert here.ask("/health") == (200, {"status": "ok", "run": "digits"})
    here.ask("/predict", png(digit), "image/png")
    here.ask("/predict", b"x", "image/png")
    _, text = here.ask("/metrics")
    lines = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert lines['xpnet_requests_total{path="/predict",status="200"}'] == "1"
    assert lines['xpnet_requests_total{path="/predict",status="422"}'] == "1"
    assert lines["xpnet_batch_rows_count"] == "1"
    assert lines["xpnet_waiting_requests"] == "0"
    _, told = here.ask("/info")
    assert told["takes"] == {"kind": "images", "size": [8, 8], "channels": 1, "drawn": True}
    assert "settings" not in told["training"]  # paths of this machine


@pytest.mark.parametrize("name", ["digits", "table", "text", "arrays"])
def test_the_schema_describes_what_is_served(name: str, shared) -> None:
    here = shared(name)
    _, schema = here.ask("/openapi.json")
    assert schema["openapi"] == "3.1.0"
    assert ("/write" in schema["paths"]) == (name == "text")
    for path, methods in schema["paths"].items():
        for method in methods:
            assert here.ask(path, None if method == "get" else b"x", "a/b")[0] not in (404, 405)
    row = schema["components"]["schemas"]["Rows"]["properties"]["rows"]["items"]
    if name == "table":
        assert row["required"] == ["size", "zip", "sold", "built"]
        assert row["properties"]["size"] == {"type": ["number", "null"]}
    references = {value for value in strings(schema) if value.startswith("#/")}
    assert {each.rpartition("/")[2] for each in references} <= schema["components"]["schemas"].keys()


def strings(value):
    if isinstance(value, dict):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
    elif isinstance(value, str):
        yield value


def test_a_port_in_use_and_an_address_that_is_none() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            BackendError, match=f"127.0.0.1:{port} must be an address to listen at, got a port that is in"
        ):
            bound("127.0.0.1", port)
    with pytest.raises(BackendError, match="give an address of this machine with --host"):
        bound("203.0.113.1", 0)


def test_a_server_on_this_machine_answers_to_its_names_alone() -> None:
    assert names_of("127.0.0.1") == ["127.0.0.1", "localhost", "[::1]"]
    assert names_of("0.0.0.0") is None

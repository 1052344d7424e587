"""Requests that are refused, each with a status and one sentence, and the limits."""

from __future__ import annotations

import re
import socket

import numpy as np
import pytest
from servers import png

ROW = {"size": 140.0, "zip": "A7", "sold": True, "built": "2015-03-01"}


@pytest.mark.parametrize(
    ("name", "body", "kind", "status", "text"),
    [
        ("digits", b"{", "application/json", 400, "the body must be JSON, got JSONDecodeError"),
        ("digits", b"[" * 100_000, "application/json", 400, "the body must be JSON, got RecursionError"),
        ("digits", b"[1]", "application/json", 400, "with at least one row"),
        ("digits", {"rows": []}, "application/json", 400, "with at least one row"),
        ("digits", b"", "application/json", 400, "the body must hold rows, got nothing"),
        ("digits", {"rows": [1]}, "application/json", 422, "row 0 must be the file of an image in base64"),
        ("digits", {"rows": ["aGFsbG8="]}, "application/json", 422, "the image in row 0 must be a whole image, got no"),
        ("digits", b"hello", "image/png", 422, "the image must be a whole image, got no image"),
        ("digits", png(np.zeros((9, 9))), "image/png", 422, "must show a figure on a plain ground, got a single shade"),
        ("digits", b"a,b\n1,2", "text/csv", 415, "a body with images must be one of .*, got text/csv"),
        ("digits", b"a", "application/pdf", 415, "must be one of application/json, image/., .* got application/pdf"),
        ("table", b"a", "image/png", 415, "a body with table must be one of .*, got image/png"),
        ("table", {"rows": [5]}, "application/json", 422, "each row of rows must be an object, column: value, got 5"),
        ("table", {"rows": [{}]}, "application/json", 422, "row 0 must have the column size"),
        ("table", {"rows": [ROW, {"size": 1}]}, "application/json", 422, "row 1 must have the column zip"),
        ("table", {"rows": [ROW | {"size": "big"}]}, "application/json", 422, "size must be a number .* got 'big' in"),
        ("table", {"rows": [ROW | {"size": [1]}]}, "application/json", 422, "column size of rows must hold single"),
        ("table", {"rows": [ROW | {"size": 10**400}]}, "application/json", 422, "column size must be finite, got inf"),
        ("table", {"rows": [ROW | {"built": 7}]}, "application/json", 422, "built must be a date in each row, got 7"),
        ("table", b"a,b\n1,2\n", "text/csv", 422, "rows must have the columns of training, size, .*, got a, b; add"),
        ("table", b"\xff\xfe", "text/csv", 422, "the file must be text in UTF-8, got byte 0xff at 0"),
        ("table", b"no parquet", "application/vnd.apache.parquet", 422, "the file must be a readable Parquet file"),
        ("text", {"rows": [""]}, "application/json", 422, "each row must be a text of at least one character"),
        ("text", {"rows": ["ab", "abc"]}, "application/json", 422, "texts of one request must have equal lengths"),
        ("arrays", {"rows": [[1, 2]]}, "application/json", 422, "rows of rows must hold 4 numbers, as in training"),
        ("arrays", {"rows": [["a"]]}, "application/json", 422, "rows must hold rows of equally many numbers"),
        ("arrays", b"1,2,3,x\n", "text/csv", 422, "the file must hold numbers, got 'x' in row 0"),
        ("arrays", b"\x93NUMPY", "application/x-npy", 422, "must be a whole file of numbers"),
    ],
)  # fmt: skip
def test_a_bad_request_is_refused_with_one_sentence(name, body, kind, status, text, shared) -> None:
    found, told = shared(name).ask("/predict", body, kind)
    assert (found, list(told)) == (status, ["error"])
    assert "\n" not in told["error"]
    assert re.search(text, told["error"]), told["error"]


def test_paths_methods_and_hosts(serve) -> None:
    served = serve("digits", hosts=["127.0.0.1"])
    assert served.ask("/nowhere")[0] == 404
    status, told = served.ask("/predict")
    assert (status, told) == (
        405,
        {"error": "the method GET of this path is not known; the schema is at /openapi.json"},
    )
    assert served.ask("/health", Host="evil.example")[0] == 400
    assert served.ask("/write", {"text": "a"})[1] == {"error": "this network does not write texts"}


@pytest.mark.parametrize(
    "body", [b"", b"x", {"text": ""}, {"text": 1}, {"text": "a", "count": 0}, {"text": "a", "seed": -1}]
)
def test_prompts_that_are_none(body, serve) -> None:
    assert serve("text").ask("/write", body)[0] in (400, 422)


def test_limits_of_size_rows_and_pixels(serve) -> None:
    served = serve("digits", size=3000, rows=2, pixels=4000)
    status, told = served.ask("/predict", b"0" * 3001, "image/png")
    assert (status, told["error"]) == (413, "a body may have 3,000 bytes; send less at a time")
    with socket.create_connection(("127.0.0.1", served.port)) as connection:  # of no length that is told
        head = b"POST /predict HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head + (b"%x\r\n" % 2000 + b"0" * 2000 + b"\r\n") * 7)
        assert b" 413 " in connection.recv(100)
    status, told = served.ask("/predict", png(np.eye(64) * 200), "image/png")
    assert (status, told["error"]) == (413, "an image may have 4,000 pixels, got 64 x 64; make it smaller")
    served = serve("table", rows=2)
    status, told = served.ask("/predict", {"rows": [ROW] * 3})
    assert (status, told["error"]) == (413, "a request may hold 2 rows, got 3; split it")
    status, told = served.ask("/explain", {"rows": [ROW] * 2})
    assert (status, told["error"]) == (422, "one row can be explained at a time, got 2; use /predict for many")


def test_a_body_that_does_not_come(serve) -> None:
    served = serve("digits", seconds=0.2)
    with socket.create_connection(("127.0.0.1", served.port), timeout=30) as connection:
        connection.sendall(b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf")
        assert b" 408 " in connection.recv(100)
    with socket.create_connection(("127.0.0.1", served.port)) as connection:
        connection.sendall(b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf")
    assert served.ask("/health")[0] == 200

"""The answers of a server are those of its run, for every kind of rows."""

from __future__ import annotations

import base64
import io
import json

import numpy as np
import pytest
from servers import TABLE

from xpnet.backend import to_numpy
from xpnet.gradcheck import numerical_gradient

ROW = {"size": 140.0, "zip": "1.50", "sold": True, "built": "2015-03-01"}


def test_an_image_is_answered_whatever_its_size_and_ground(shared, files, digit) -> None:
    served = shared("digits")
    wanted = served.run.predict_proba(digit)
    for name, file in files.items():
        status, told = served.ask("/predict", file, "image/png")
        assert status == 200
        (answer,) = told["answers"]
        assert answer["answer"] == served.run.predict(digit) == np.argmax(wanted)
        if name == "same":
            assert list(answer["probabilities"].values()) == pytest.approx(wanted.tolist(), rel=1e-5)
    coded = [base64.b64encode(file).decode() for file in files.values()]
    status, told = served.ask("/predict", {"rows": [coded[0], f"data:image/png;base64,{coded[1]}"]})
    assert [row["answer"] for row in told["answers"]] == [np.argmax(wanted)] * 2


def test_the_insides_of_a_network_for_one_image(shared, files, digit) -> None:
    served = shared("digits")
    status, told = served.ask("/explain", files["same"], "image/png")
    assert status == 200
    assert [(layer["name"], layer["shape"]) for layer in told["layers"]] == [
        *(("Affine1", [30]), ("Relu1", [30]), ("Affine2", [10])),
    ]
    x = (digit.reshape(1, 64) / 255.0).astype(np.float64)
    net = served.run.network.astype("float64")
    np.testing.assert_allclose(told["layers"][2]["maps"][0][0], to_numpy(net.predict(x))[0], rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(told["input"][0], digit / 255.0, atol=1e-3)
    slopes = numerical_gradient(lambda x: net.predict(x)[0, told["answer"]], x)
    np.testing.assert_allclose(told["gradient"][0], np.reshape(slopes, (8, 8)), rtol=2e-3, atol=1e-3)


def test_rows_of_a_table_as_json_and_as_csv(shared) -> None:
    served = shared("table")
    rows = [{name: values[i] for name, values in TABLE.items()} for i in range(6)]
    wanted = served.run.predict(rows).tolist()
    status, told = served.ask("/predict", {"rows": rows})
    assert (status, [row["answer"] for row in told["answers"]]) == (200, wanted)
    assert sum(told["answers"][0]["probabilities"].values()) == pytest.approx(1.0)
    assert list(told["answers"][0]["probabilities"]) == ["</script>", "Oslo", "Rome"]
    lines = ["size,zip,sold,built", *(f"{r['size']!r},{r['zip']},{r['sold']},{r['built']}" for r in rows)]
    status, of_csv = served.ask("/predict", "\n".join(lines).encode(), "text/csv; charset=utf-8")
    assert (status, of_csv["answers"]) == (200, told["answers"])
    _, of_lines = served.ask("/predict", "\n".join(map(json.dumps, rows)).encode(), "application/x-ndjson")
    assert of_lines["answers"] == told["answers"]
    for row, among_others in zip(rows, told["answers"], strict=True):
        alone = served.ask("/predict", {"rows": [row]})[1]["answers"][0]
        assert alone["answer"] == among_others["answer"]
        assert alone["probabilities"] == pytest.approx(among_others["probabilities"], rel=1e-5)


def test_what_a_table_lacks_is_filled_or_said(shared) -> None:
    served = shared("table")
    status, told = served.ask("/predict", {"rows": [ROW | {"size": None}]})
    assert (status, told["remarks"]) == (200, [])
    mean = next(column.mean for column in served.run.encoding.inputs.columns if column.name == "size")
    assert told["answers"] == served.ask("/predict", {"rows": [ROW | {"size": mean}]})[1]["answers"]
    status, told = served.ask("/predict", {"rows": [ROW | {"zip": "Z9"}]})
    assert status == 200
    assert "column zip has 'Z9' in row 0, which training has not seen" in told["remarks"][0]
    _, told = served.ask("/explain", {"rows": [ROW]})
    assert list(told["gradient"]) == served.run.encoding.inputs.names


def test_a_text_is_read_and_written_on(shared) -> None:
    served = shared("text")
    status, told = served.ask("/predict", {"rows": ["the cat sat on the m"]})
    assert status == 200
    symbols = served.run.encoding.inputs
    scores = served.run.network.predict(symbols(["on the m"]))[0, -1]
    assert told["answers"][0]["answer"] == symbols.text(np.argmax(scores, keepdims=True))
    status, told = served.ask("/write", {"text": "the cat", "count": 5, "seed": 3})
    assert (status, told["text"][:7], len(told["text"])) == (200, "the cat", 12)
    assert served.ask("/write", {"text": "the cat", "count": 5, "seed": 3})[1] == told
    status, told = served.ask("/explain", b"the cat", "text/plain")
    assert (status, "gradient" in told) == (200, False)
    assert told["layers"][0]["shape"] == [7, 8]


def test_rows_of_numbers(shared) -> None:
    served = shared("arrays")
    x = np.asarray([[3.0, 0.0, 0.0, 1.0], [0.0, 0.5, 2.0, 1.0]])
    wanted = np.argmax(served.run.scores(x), axis=1).tolist()
    for body, kind in (
        ({"rows": x.tolist()}, "application/json"),
        (b"a,b,c,d\n3,0,0,1\n0,.5,2,1\n", "text/csv"),
        (npy(x), "application/x-npy"),
    ):
        status, told = served.ask("/predict", body, kind)
        assert (status, [row["answer"] for row in told["answers"]]) == (200, wanted)
    status, told = served.ask("/explain", {"rows": [x[0].tolist()]})
    W = to_numpy(served.run.network.params["Affine1.W"])
    np.testing.assert_allclose(told["gradient"][0][0], W[:, wanted[0]], rtol=1e-3)


def npy(array) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()

"""The description of the server's endpoints, in OpenAPI."""

from __future__ import annotations

import math
from typing import Any

from xpnet.serving.limits import Limits

VERSION = "1"
"""The version of the endpoints."""

BODIES = {
    "table": ("text/csv", "application/x-ndjson", "application/jsonl", "application/vnd.apache.parquet"),
    "images": ("image/*", "application/octet-stream", "application/x-npy"),
    "text": ("text/plain",),
    "numbers": ("text/csv", "application/x-ndjson", "application/jsonl", "application/x-npy"),
}
"""The types of bodies, besides JSON, by what a network takes."""

TYPES = {"number": "number", "boolean": "boolean", "date": "string", "category": "string"}


def schema(about: dict[str, Any], limits: Limits) -> dict[str, Any]:
    """Return the OpenAPI document for a run, from the facts about it."""
    answer = reference("Answer")
    paths: dict[str, Any] = {
        "/predict": {
            "post": {
                "summary": "Return the answer for each row.",
                "operationId": "predict",
                "requestBody": body(about),
                "responses": responses({
                    "type": "object",
                    "required": ["answers", "remarks"],
                    "properties": {
                        "answers": {"type": "array", "items": answer},
                        "remarks": {"type": "array", "items": {"type": "string"}},
                    },
                }),
            }
        },
        "/explain": {
            "post": {
                "summary": "Return the answer for one row, the outputs of the layers, and the gradient of its score.",
                "operationId": "explain",
                "requestBody": body(about),
                "responses": responses(reference("Explanation")),
            }
        },
    }  # fmt: skip
    if about["takes"].get("writes"):
        paths["/write"] = {
            "post": {
                "summary": "Return the text with the symbols that the network writes after it.",
                "operationId": "write",
                "requestBody": {"required": True, "content": {"application/json": {"schema": reference("Prompt")}}},
                "responses": responses({"type": "object", "properties": {"text": {"type": "string"}}}),
            }
        }
    for path, text, kind in (
        ("/health", "Return whether the server answers.", "application/json"),
        ("/info", "Return the facts about the network.", "application/json"),
        ("/metrics", "Return the metrics in the text format of Prometheus.", "text/plain"),
    ):
        ok = {"description": "The answer.", "content": {kind: {}}}
        paths[path] = {"get": {"summary": text, "operationId": path[1:], "responses": {"200": ok}}}
    sizes = f"A body may have {limits.size:,} bytes and {limits.rows:,} rows."
    about_it = f"The network of the run {about['run']}. {sizes}"
    return {
        "openapi": "3.1.0",
        "info": {"title": f"xpnet: {about['run']}", "version": VERSION, "description": about_it},
        "paths": paths,
        "components": {"schemas": schemas(about)},
    }


def reference(name: str) -> dict[str, str]:
    """Return a reference to a schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def body(about: dict[str, Any]) -> dict[str, Any]:
    """Return the description of a body with rows."""
    content: dict[str, Any] = {"application/json": {"schema": reference("Rows")}}
    content |= {kind: {} for kind in BODIES[about["takes"]["kind"]]}
    return {"required": True, "content": content}


def responses(ok: dict[str, Any]) -> dict[str, Any]:
    """Return the responses of an endpoint."""
    texts = {
        "400": "The body is no JSON, or has no rows.",
        "408": "The body did not arrive in time.",
        "413": "The body is too large, or has too many rows.",
        "415": "The body is of a type that the network does not take.",
        "422": "A row does not fit the network.",
        "503": "Too many requests wait, or the answer took too long.",
    }
    error = {"application/json": {"schema": reference("Error")}}
    found: dict[str, Any] = {"200": {"description": "The answer.", "content": {"application/json": {"schema": ok}}}}
    return found | {status: {"description": text, "content": error} for status, text in texts.items()}


def schemas(about: dict[str, Any]) -> dict[str, Any]:
    """Return the schemas of rows and answers."""
    answers = about["answers"]
    answer: dict[str, Any] = {"type": "object", "required": ["answer"], "properties": {"answer": {}}}
    if answers["kind"] == "classes":
        answer["properties"]["probabilities"] = {
            "type": "object",
            "properties": {name: {"type": "number", "minimum": 0, "maximum": 1} for name in answers["classes"]},
        }
    maps = {"type": "array", "items": {"type": "array", "items": {"type": "array", "items": {"type": "number"}}}}
    layer = {"name": {"type": "string"}, "kind": {"type": "string"}, "maps": maps}
    layer["shape"] = {"type": "array", "items": {"type": "integer"}}
    explained = {
        "layers": {"type": "array", "items": {"type": "object", "properties": layer}},
        "input": maps,
        "gradient": {"description": "The derivative of the score of the answer by each value of the row."},
    }
    return {
        "Rows": {
            "type": "object",
            "required": ["rows"],
            "properties": {"rows": {"type": "array", "minItems": 1, "items": row(about["takes"])}},
        },
        "Answer": answer,
        "Explanation": {"type": "object", "properties": {**answer["properties"], **explained}},
        "Prompt": {
            "type": "object",
            "required": ["text"],
            "properties": {
                "text": {"type": "string", "minLength": 1},
                "count": {"type": "integer", "minimum": 1, "maximum": 200, "default": 100},
                "seed": {"type": "integer", "minimum": 0, "default": 0},
            },
        },
        "Error": {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}},
    }


def row(takes: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a row."""
    if takes["kind"] == "table":
        columns = {}
        for column in takes["columns"]:
            own: dict[str, Any] = {"type": [TYPES[column["kind"]], "null"]}
            if column["kind"] == "date":
                own["format"] = "date"
            if column["kind"] == "category":
                own = {"type": ["string", "number", "null"], "examples": column["categories"][:3]}
            columns[column["name"]] = own
        return {"type": "object", "required": list(columns), "properties": columns}
    if takes["kind"] == "images":
        return {"type": "string", "contentEncoding": "base64", "description": "The file of an image."}
    if takes["kind"] == "text":
        return {"type": "string", "minLength": 1}
    numbers = {"type": "array", "items": {}}
    if takes["shape"]:
        numbers["description"] = f"{math.prod(takes['shape'])} numbers, of shape {tuple(takes['shape'])} or flat"
    return numbers

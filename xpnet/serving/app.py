"""The application that answers requests: the page, predictions, explanations, schema, metrics and health."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import logging
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from importlib.resources import files
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from xpnet.serving.batching import Batcher
from xpnet.serving.limits import Limits, Refused
from xpnet.serving.metrics import Metrics
from xpnet.serving.model import Model, Rows
from xpnet.serving.schema import schema
from xpnet.training import Run

GONE = 499
"""The status of a request whose client has left, in the metrics alone."""

PATIENCE = 4
"""A body that is too large is read up to this many times the limit, so that its client comes to read the refusal."""

Endpoint = Callable[[Request], Awaitable[Response]]


class Server:
    """The endpoints of a run; ``app`` is an application for any ASGI server.

    ``hosts`` are the names under which the server may be addressed, None for any: a page of another site cannot then
    reach a server on this machine by a name that leads here.
    """

    def __init__(self, run: Run, limits: Limits | None = None, hosts: list[str] | None = None) -> None:
        self.limits = Limits() if limits is None else limits
        self.model, self.metrics = Model(run, self.limits), Metrics()
        self.schema = schema(self.model.about, self.limits)
        self.page, self.policy = page(self.model.about)
        self.batcher: Batcher | None = None
        posts = {"/predict": self.predict, "/explain": self.explain, "/write": self.write}
        gets = {
            "/": self.show,
            "/info": self.info,
            "/health": self.health,
            "/metrics": self.measured,
            "/openapi.json": self.described,
        }
        routes = [Route(path, self.counted(path, run), methods=["POST"]) for path, run in posts.items()]
        routes += [Route(path, self.counted(path, run), methods=["GET"]) for path, run in gets.items()]
        trusted = [] if hosts is None else [Middleware(TrustedHostMiddleware, allowed_hosts=hosts)]
        refusals: Any = {404: self.unknown, 405: self.unknown}
        self.app = Starlette(routes=routes, middleware=trusted, lifespan=self.lifespan, exception_handlers=refusals)

    @asynccontextmanager
    async def lifespan(self, app: Any) -> AsyncIterator[None]:  # noqa: ARG002
        """Answer within the block, and all that wait before it ends."""
        self.batcher = Batcher(self.model.scores, self.limits, self.metrics)
        self.batcher.start()
        try:
            yield
        finally:
            await self.batcher.stop()

    def counted(self, path: str, run: Endpoint) -> Endpoint:
        """Return an endpoint that counts its requests, and answers refusals and errors with one sentence."""

        async def endpoint(request: Request) -> Response:
            begun = time.perf_counter()
            try:
                response = await run(request)
            except Refused as refused:
                response = JSONResponse({"error": refused.text}, refused.status)
                if refused.status == 503:
                    response.headers["Retry-After"] = "1"
                if refused.status in (408, 413):  # the rest of the body may not have been read
                    response.headers["Connection"] = "close"
            except ClientDisconnect:
                response = Response(status_code=GONE)
            except Exception:
                logging.getLogger("xpnet.serving").exception("a request to %s failed", path)
                response = JSONResponse({"error": "the server failed; its log tells why"}, 500)
            self.metrics.requests[path, response.status_code] += 1
            self.metrics.seconds.add(time.perf_counter() - begun)
            return response

        return endpoint

    async def unknown(self, request: Request, error: Any) -> Response:
        """Answer a path or a method that is not served."""
        self.metrics.requests["other", error.status_code] += 1
        what = "path" if error.status_code == 404 else f"method {request.method} of this path"
        text = f"the {what} is not known; the schema is at /openapi.json"
        return JSONResponse({"error": text}, error.status_code, headers=error.headers)

    async def body(self, request: Request) -> bytes:
        """Return the body of a request.

        Raises: ``Refused`` for one that is too large or takes too long.
        """
        limits = self.limits
        told = request.headers.get("content-length", "0")
        size = int(told) if told.isdecimal() else 0
        parts: list[bytes] = []
        try:
            async with asyncio.timeout(limits.seconds):
                if size <= PATIENCE * limits.size:
                    size = 0
                    async for part in request.stream():
                        size += len(part)
                        if size > PATIENCE * limits.size:
                            break
                        if size <= limits.size:
                            parts.append(part)
                        else:
                            parts.clear()
        except TimeoutError:
            if size <= limits.size:
                raise Refused(408, f"the body must arrive within {limits.seconds:g} seconds") from None
        if size > limits.size:
            raise Refused(413, f"a body may have {limits.size:,} bytes; send less at a time")
        if not size:
            raise Refused(400, "the body must hold rows, got nothing; the schema is at /openapi.json")
        return b"".join(parts)

    async def ask(self, rows: Any) -> Any:
        """Return scores of rows, or the result of a function, from the thread of the network."""
        assert self.batcher is not None  # noqa: S101 (there is one between startup and shutdown)
        return await self.batcher.ask(rows)

    async def rows(self, request: Request) -> Rows:
        """Return the encoded rows of a request."""
        body = await self.body(request)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        found: Rows = await self.ask(partial(self.model.rows, body, kind))
        return found

    async def predict(self, request: Request) -> Response:
        """Answer each row of a request."""
        rows = await self.rows(request)
        scores = await self.ask(rows.x)
        return answer({"answers": self.model.answers(scores), "remarks": rows.remarks})

    async def explain(self, request: Request) -> Response:
        """Answer one row, with the outputs of the layers and the gradient."""
        rows = await self.rows(request)
        if len(rows.x) != 1:
            raise Refused(422, f"one row can be explained at a time, got {len(rows.x)}; use /predict for many")
        return answer({**await self.ask(partial(self.model.explained, rows.x)), "remarks": rows.remarks})

    async def write(self, request: Request) -> Response:
        """Go on with a text."""
        try:
            told = json.loads(await self.body(request))
            text, count, seed = told["text"], told.get("count", 100), told.get("seed", 0)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise Refused(400, 'the body must be {"text": "…"}, and may have count and seed') from None
        whole = [isinstance(number, int) and not isinstance(number, bool) and number >= 0 for number in (count, seed)]
        if not isinstance(text, str) or not text or not all(whole) or seed >= 2**63:
            raise Refused(422, "text must have at least one character, and count and seed be whole numbers")
        return answer({"text": await self.ask(partial(self.model.written, text, count, seed))})

    async def show(self, request: Request) -> Response:  # noqa: ARG002
        """Return the page."""
        headers = {"Content-Security-Policy": self.policy, "Referrer-Policy": "no-referrer"}
        return Response(self.page, media_type="text/html; charset=utf-8", headers=headers)

    async def info(self, request: Request) -> Response:  # noqa: ARG002
        """Return the facts about the run."""
        return answer(self.model.about)

    async def health(self, request: Request) -> Response:  # noqa: ARG002
        """Return that the server answers."""
        return answer({"status": "ok", "run": self.model.about["run"]})

    async def measured(self, request: Request) -> Response:  # noqa: ARG002
        """Return the metrics."""
        text = self.metrics.text(0 if self.batcher is None else self.batcher.waiting)
        return PlainTextResponse(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    async def described(self, request: Request) -> Response:  # noqa: ARG002
        """Return the schema."""
        return answer(self.schema)


def answer(told: dict[str, Any]) -> Response:
    """Return a JSON response."""
    text = json.dumps(told, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Response(text, media_type="application/json")


def page(about: dict[str, Any]) -> tuple[str, str]:
    """Return the page with the facts about a run in it, and the policy that lets it run its own script alone."""
    html = files("xpnet.serving").joinpath("page.html").read_text(encoding="utf-8")
    told = json.dumps(about, ensure_ascii=True).replace("<", "\\u003c")
    html = html.replace("{/*ABOUT*/}", told, 1)
    scripts, styles = (
        " ".join(f"'sha256-{digest(text)}'" for text in re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL))
        for tag in ("script", "style")
    )
    policy = f"default-src 'none'; script-src {scripts}; style-src {styles}; connect-src 'self'; img-src data: blob:"
    return html, f"{policy}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def digest(text: str) -> str:
    """Return the SHA-256 of a text as the policy of a page has it."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

"""The limits of a server, and the refusals of requests beyond them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """The largest body in bytes, rows and pixels of a request, rows computed at once, requests that wait, and seconds.

    ``seconds`` is the time in which the body of a request must arrive, and the time in which it must be answered.
    """

    size: int = 10_000_000
    rows: int = 10_000
    pixels: int = 50_000_000
    batch: int = 256
    waiting: int = 200
    seconds: float = 30.0


class Refused(Exception):  # noqa: N818 (it is no error of the server)
    """A request that is refused, with the status of the response and one sentence."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text

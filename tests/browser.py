"""A headless Chromium, driven over the pipe of its DevTools protocol by the standard library alone."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"]
FLAGS += ["--no-proxy-server", "--remote-debugging-pipe"]
SECONDS = 60.0


class Browser:
    """One page of a browser and its workers.

    ``complaints`` are the errors that the console has shown, ``requested`` the addresses that were asked for.
    """

    def __init__(self, folder: Path) -> None:
        assert CHROMIUM is not None
        to_read, to_write, from_read, from_write = *os.pipe(), *os.pipe()

        def pipes() -> None:  # the browser reads from 3 and writes to 4
            kept = os.dup(to_read), os.dup(from_write)
            os.dup2(kept[0], 3)
            os.dup2(kept[1], 4)

        command = [CHROMIUM, *FLAGS, f"--user-data-dir={folder / 'profile'}", "about:blank"]
        quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, preexec_fn=pipes, close_fds=False, **quiet)
        os.close(to_read)
        os.close(from_write)
        self.out, self.into = os.fdopen(to_write, "wb", buffering=0), os.fdopen(from_read, "rb", buffering=0)
        self.rest, self.count, self.complaints, self.requested = b"", 0, [], []
        page = self.tell("Target.createTarget", url="about:blank")["targetId"]
        self.session: str | None = self.tell("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.tell(f"{domain}.enable")
        self.tell("Target.setAutoAttach", autoAttach=True, waitForDebuggerOnStart=True, flatten=True)

    session = None

    def tell(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command and return its result."""
        sent = self.send(self.session, method, **params)
        while True:
            told = self.next()
            if told.get("id") == sent:
                assert "error" not in told, told
                return told["result"]

    def send(self, session: str | None, method: str, **params: Any) -> int:
        """Send a command to the browser, or to a page or worker, and return its number."""
        self.count += 1
        message: dict[str, Any] = {"id": self.count, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        self.out.write(json.dumps(message).encode() + b"\0")
        return self.count

    def next(self) -> dict[str, Any]:
        while b"\0" not in self.rest:
            part = self.into.read(1 << 20)
            assert part, "the browser has ended"
            self.rest += part
        line, _, self.rest = self.rest.partition(b"\0")
        told = json.loads(line)
        if told.get("method") == "Network.requestWillBeSent":
            self.requested.append(told["params"]["request"]["url"])
        if told.get("method") == "Target.attachedToTarget" and "sessionId" in told:  # a worker of the page, which waits
            for method in ("Network.enable", "Runtime.runIfWaitingForDebugger"):
                self.send(told["params"]["sessionId"], method)
        if told.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(str(told["params"]["exceptionDetails"]))
        if told.get("method") == "Log.entryAdded" and told["params"]["entry"]["level"] == "error":
            self.complaints.append(told["params"]["entry"]["text"])
        return told

    def show(self, address: str, width: int = 1200, height: int = 900, dark: bool = False) -> None:
        """Open a page in a window of a size."""
        self.tell("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.tell("Emulation.setEmulatedMedia", features=[scheme])
        self.tell("Page.navigate", url=address)
        self.until("document.readyState === 'complete'")

    def value(self, script: str) -> Any:
        """The value of an expression in the page."""
        told = self.tell("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def until(self, script: str, wanted: Callable[[Any], Any] = bool) -> Any:
        """Wait until an expression has a value that is wanted, and return it."""
        end = time.monotonic() + SECONDS
        while not wanted(found := self.value(script)):
            assert time.monotonic() < end, f"{script} stayed {found!r}"
            time.sleep(0.05)
        return found

    def text(self, name: str) -> str:
        return self.value(f"document.getElementById('{name}').textContent")

    def box(self, name: str) -> tuple[float, float, float]:
        """The left and upper edge of an element, and its width."""
        script = f"(b => [b.left, b.top, b.width])(document.getElementById('{name}').getBoundingClientRect())"
        return tuple(self.value(script))

    def draw(self, name: str, points: list[tuple[float, float]], touch: bool = False) -> None:
        """Draw through points, given as shares of a square element, by mouse or finger."""
        left, top, side = self.box(name)
        places = [(left + side * x, top + side * y) for x, y in points]
        if touch:
            kinds = ["touchStart", *["touchMove"] * (len(places) - 1)]
            for kind, (x, y) in zip(kinds, places, strict=True):
                self.tell("Input.dispatchTouchEvent", type=kind, touchPoints=[{"x": x, "y": y}])
            self.tell("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
            return
        kinds = ["mousePressed", *["mouseMoved"] * (len(places) - 1)]
        options = {"button": "left", "buttons": 1, "clickCount": 1}
        for kind, (x, y) in zip(kinds, places, strict=True):
            self.tell("Input.dispatchMouseEvent", type=kind, x=x, y=y, **options)
        self.tell("Input.dispatchMouseEvent", type="mouseReleased", x=places[-1][0], y=places[-1][1], **options)

    def press(self, key: str, times: int = 1) -> None:
        code = {" ": "Space"}.get(key, key)
        text = {"text": key} if len(key) == 1 else {}
        for _ in range(times):
            for kind in ("keyDown", "keyUp"):
                self.tell(
                    "Input.dispatchKeyEvent", type=kind, key=key, code=code, **(text if kind == "keyDown" else {})
                )

    def choose(self, path: Path) -> None:
        """Choose a file in the page's only field for one."""
        root = self.tell("DOM.getDocument")["root"]["nodeId"]
        field = self.tell("DOM.querySelector", nodeId=root, selector="input[type=file]")["nodeId"]
        self.tell("DOM.setFileInputFiles", files=[str(path)], nodeId=field)

    def picture(self, path: Path, whole: bool = True) -> None:
        """Write a picture of the page."""
        made = self.tell("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(made["data"]))

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.out.close()
        self.into.close()

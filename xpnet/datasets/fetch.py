"""Downloads of files from mirrors into a folder: a file is whole and verified, or it is not written."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from http.client import HTTPException
from pathlib import Path
from queue import Empty, Queue
from threading import Event, Thread
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from xpnet.backend.threads import has_threads
from xpnet.datasets.idx import unpack, verify
from xpnet.errors import DataError

if TYPE_CHECKING:
    from rich.progress import Progress

TIMEOUT = 5.0  # seconds without an answer
PATIENCE = 1.0  # seconds after which the next mirror is asked as well
CHUNK = 1 << 16
LIMIT = 1 << 26  # bytes; anything longer than 64 MiB is not one of our files


def fetch(checksums: Mapping[str, str], mirrors: Sequence[str], folder: Path) -> dict[str, bytes]:
    """Download ``name.gz`` for every name of the checksums into the folder and return the unpacked bytes.

    If the first mirror fails, or is silent for a second, the next one is asked as well, and the first whole file is
    kept. A mirror that is silent for five seconds is given up. A bar on standard error shows the progress, and is
    removed at the end.

    Raises: ``DataError`` if no mirror gives a file with the right checksum, or the folder cannot be written; and for a
    Python without threads.
    """
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    if not has_threads():
        must, remedy = "files must be fetched by a Python with threads and sockets", f"put them into {folder}"
        raise DataError("fetch", must, f"one on {sys.platform}", remedy)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            found, order = {}, list(mirrors)
            for name, checksum in checksums.items():
                best, found[name] = _from_mirrors(f"{name}.gz", checksum, order, folder, progress)
                order.sort(key=lambda mirror: mirror != best)  # the mirror that has answered is asked first
            return found
    except DataError:
        raise
    except OSError as error:
        raise DataError("fetch", f"{folder} must be a folder to write to", error, "make it writable") from error


def _from_mirrors(
    name: str, checksum: str, mirrors: Sequence[str], folder: Path, progress: Progress
) -> tuple[str, bytes]:
    """Return the mirror that gave the file, and its unpacked bytes, after writing the file to the folder."""
    answers: Queue[tuple[str, bytes | BaseException]] = Queue()
    over = Event()

    def ask(mirror: str) -> None:
        try:
            answers.put((mirror, b"".join(_receive(f"{mirror}{name}", name, progress, over))))
        except BaseException as error:
            answers.put((mirror, error))

    waiting, reasons = list(mirrors), dict.fromkeys(mirrors, "")
    try:
        while not all(reasons.values()):
            if waiting:
                Thread(target=ask, args=(waiting.pop(0),), daemon=True).start()
            try:
                mirror, answer = answers.get(timeout=PATIENCE if waiting else None)
                if isinstance(answer, BaseException):
                    raise answer
                return mirror, _keep(answer, checksum, folder / name, f"{mirror}{name}")
            except Empty:
                continue
            except DataError as error:
                reasons[mirror] = f"{error.got} from {urlsplit(mirror).netloc}"
    finally:
        over.set()
    raise DataError(
        "fetch", f"{name} must arrive whole from a mirror", " and ".join(reasons.values()), "try again later"
    )


def _keep(packed: bytes, checksum: str, target: Path, url: str) -> bytes:
    """Return the unpacked bytes after verifying them and writing the file; write nothing if they are wrong."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f"{target.name}.", suffix=".part")
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(packed)
        data = verify(unpack(part), checksum, url)
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    return data


def _receive(url: str, name: str, progress: Progress, over: Event) -> Iterator[bytes]:
    """Yield the bytes at an address until ``over`` is set; network errors become DataError."""
    task = progress.add_task(name, total=None)
    remedy = "try again later"
    try:
        request = Request(url, headers={"User-Agent": "xpnet"})  # noqa: S310 (the mirrors are constants)
        with urlopen(request, timeout=TIMEOUT) as response:  # noqa: S310
            length = response.headers.get("Content-Length", "")
            progress.update(task, total=int(length) if length.isdigit() else None)
            received = 0
            while not over.is_set() and (chunk := response.read(CHUNK)):
                received += len(chunk)
                if received > LIMIT:
                    raise DataError(url, f"must be at most {LIMIT} bytes long", "more", remedy)
                progress.update(task, completed=received)
                yield chunk
    except DataError:
        raise
    except HTTPError as error:
        error.close()
        raise DataError(url, "must answer", error, remedy) from error
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise DataError(url, "must answer", str(reason) or type(reason).__name__, remedy) from error
    finally:
        progress.remove_task(task)

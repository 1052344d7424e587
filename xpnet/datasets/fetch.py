"""Files from mirrors into a folder: whole and verified, or not there at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from xpnet.datasets.idx import unpack, verify
from xpnet.errors import DataError

if TYPE_CHECKING:
    from rich.progress import Progress

TIMEOUT = 15.0  # seconds without an answer
CHUNK = 1 << 16
LIMIT = 1 << 26  # bytes; what is longer than 64 MiB is no file of ours


def fetch(checksums: Mapping[str, str], mirrors: Sequence[str], folder: Path) -> dict[str, bytes]:
    """Fetch ``name.gz`` for every name of the checksums into the folder and return the unpacked bytes.

    The mirrors are tried in turn for each file. A bar on standard error shows the progress, and goes when it is done.

    Raises: ``DataError`` where no mirror gives a file of the right checksum, or the folder cannot be written.
    """
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            return {
                name: _from_mirrors(f"{name}.gz", checksum, mirrors, folder, progress)
                for name, checksum in checksums.items()
            }
    except DataError:
        raise
    except OSError as error:
        raise DataError("fetch", f"{folder} must be a folder to write to", error, "make it writable") from error


def _from_mirrors(name: str, checksum: str, mirrors: Sequence[str], folder: Path, progress: Progress) -> bytes:
    reasons = []
    for mirror in mirrors:
        try:
            return _download(f"{mirror}{name}", checksum, folder / name, progress)
        except DataError as error:
            reasons.append(f"{error.got} from {urlsplit(mirror).netloc}")
    raise DataError("fetch", f"{name} must come whole from a mirror", " and ".join(reasons), "try again later")


def _download(url: str, checksum: str, target: Path, progress: Progress) -> bytes:
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f"{target.name}.", suffix=".part")
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            for chunk in _receive(url, target.name, progress):
                file.write(chunk)
        data = verify(unpack(part), checksum, url)
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    return data


def _receive(url: str, name: str, progress: Progress) -> Iterator[bytes]:
    """The bytes behind an address; only the network's errors become DataError here, never the disk's."""
    task = progress.add_task(name, total=None)
    remedy = "try again later"
    try:
        request = Request(url, headers={"User-Agent": "xpnet"})  # noqa: S310 (the mirrors are constants)
        with urlopen(request, timeout=TIMEOUT) as response:  # noqa: S310
            length = response.headers.get("Content-Length", "")
            progress.update(task, total=int(length) if length.isdigit() else None)
            received = 0
            while chunk := response.read(CHUNK):
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

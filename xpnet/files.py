"""Files that are whole or not there."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from xpnet.errors import DataError


@contextmanager
def written_in_place(path: str | Path) -> Iterator[Path]:
    """A path to write to that takes the place of ``path`` when the block ends well, and vanishes when it does not.

    Raises: ``DataError`` where the file cannot be written.
    """
    path = Path(path)
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        yield part
        os.replace(part, path)
    except OSError as error:
        raise DataError("save", f"{path} must be writable", error, "choose another place") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def make_folder(who: str, folder: Path) -> None:
    """Make a folder, and see that files can be written into it.

    Raises: ``DataError`` where they cannot.
    """
    probe = folder / ".xpnet"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise DataError(who, f"{folder} must be a writable folder", error, "choose another place") from error

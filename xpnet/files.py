"""Files that are complete or not there."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from stat import S_IMODE

from xpnet.errors import DataError, DtypeError


@contextmanager
def written_in_place(path: str | Path) -> Iterator[Path]:
    """Yield a path to write to, whose file replaces ``path`` when the block ends without an error.

    The new file is on the disk before it replaces the old one. A link stays a link, and the file that it names is
    written; a file keeps its permissions.

    Raises: ``DataError`` if the file cannot be written, or is a device or a pipe, which would be replaced.
    """
    target = target_of(path)
    part = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        mode = _mode_of(path, target)
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        if mode is not None:
            part.chmod(mode)
        part.replace(target)
        _keep_name(target)
    except OSError as error:
        if isinstance(error, DataError):
            raise
        raise DataError("save", f"{path} must be writable", reason(error), "choose another path") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def target_of(path: str | Path) -> Path:
    """Return the path behind all links.

    Raises: ``DataError`` for a path that cannot name a file, such as one with a zero byte.
    """
    try:
        return Path(os.path.realpath(path))
    except (OSError, ValueError) as error:
        raise DataError("save", f"{path!r} must name a file", reason(error), "choose another name") from error


def _mode_of(path: str | Path, target: Path) -> int | None:
    """Return the permissions of the existing file, or None without one.

    Raises: ``DataError`` for a path that must not be replaced, such as a device or a pipe.
    """
    if not (target.exists() or target.is_symlink()):
        return None
    remedy = "choose another path"
    if target.is_symlink():
        raise DataError("save", f"{path} must be writable", "a link that leads to itself", remedy)
    if target.is_dir():
        raise DataError("save", f"{path} must be writable", "Is a directory", remedy)
    if not target.is_file():
        raise DataError("save", f"{path} must be writable", "a device or pipe, and no file", remedy)
    if not os.access(target, os.W_OK):
        raise DataError("save", f"{path} must be writable", "a file that is read-only", remedy)
    return S_IMODE(target.stat().st_mode)


def _keep_name(target: Path) -> None:
    """Wait until the new name is on the disk, too, where the system can open a folder."""
    with suppress(OSError):
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def path_of(who: str, path: object) -> Path:
    """Return a string or a Path as a Path.

    Raises: ``DtypeError`` for anything else.
    """
    if not isinstance(path, str | os.PathLike):
        must = "the path must be a string or a Path"
        raise DtypeError(who, must, type(path).__name__, "give the name of a file or folder")
    return Path(path)


def make_folder(who: str, folder: Path) -> None:
    """Make a folder, and check that files can be written into it.

    Raises: ``DataError`` if they cannot.
    """
    probe = folder / f".{secrets.token_hex(8)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except (OSError, ValueError) as error:
        must = f"{folder} must be a writable folder"
        raise DataError(who, must, reason(error), "choose another path") from error


def reason(error: Exception) -> str:
    """Return why a file could not be used, in the words of the system."""
    return getattr(error, "strerror", None) or str(error)

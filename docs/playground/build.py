"""Build the page that runs xpnet in a browser: ``python docs/playground/build.py SITE``, then serve the folder SITE.

Pyodide comes from the npm registry, and the wheels come from the Python package index; that of xpnet is built. NumPy's
wheel for Pyodide is not in the index by itself. It is taken out of a package of 150 MB that ships it, and its checksum
must be that in Pyodide's lock file; ``--numpy FILE`` names a copy of the wheel that is here already.
"""

from __future__ import annotations

import argparse
import hashlib
import html
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PYODIDE = "0.28.3"
RUNTIME = ("pyodide.mjs", "pyodide.asm.js", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json")
PAGE = ("index.html", "style.css", "page.js", "worker.js", "playground.py", "network.py", "breaks.json")
SHIPS_NUMPY = ("open-webui==0.9.6", "open_webui/frontend/pyodide")
PURE = ("array-api-compat", "threadpoolctl")
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("site", type=Path, nargs="?", help="the folder to write; it must be new, or one of before")
    parser.add_argument("--numpy", type=Path, help="NumPy's wheel for Pyodide")
    parser.add_argument("--lacks", action="store_true", help="say what cannot be reached from here, and build nothing")
    given = parser.parse_args()
    if given.lacks:
        print(lacks())
    elif given.site is None:
        parser.error("name the folder to write")
    else:
        build(given.site, given.numpy)


def lacks() -> str:
    """Return the reason why the page cannot be built or seen here, or an empty text."""
    if not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))):
        return "Chromium is not installed (Debian: apt-get install chromium)"
    if not shutil.which("npm"):
        return "npm is not installed (Debian: apt-get install npm)"
    once = ("--fetch-retries=0", "--fetch-timeout=20000")
    if subprocess.run(["npm", "view", f"pyodide@{PYODIDE}", "version", *once], capture_output=True).returncode:
        return "the npm registry cannot be reached"
    with tempfile.TemporaryDirectory() as folder:
        asked = (*PIP, "download", "--no-deps", "--only-binary", ":all:", "--dest", folder, PURE[0])
        if subprocess.run(asked, capture_output=True).returncode:
            return "the Python package index cannot be reached"
    return ""


def build(target: Path, numpy: Path | None = None) -> None:
    """Write the page with everything that it loads, or leave the folder as it was."""
    if target.exists() and (not target.is_dir() or any(target.iterdir())) and not (target / "files.json").exists():
        sys.exit(f"{target} must be new or empty, or a page that was built before")
    if numpy is not None and not numpy.is_file():
        sys.exit(f"{numpy} must be NumPy's wheel, and there is no such file")
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        site = folder / "site"
        (site / "pyodide").mkdir(parents=True)
        (site / "wheels").mkdir()
        unpack_pyodide(folder, site / "pyodide")
        lock = json.loads((site / "pyodide" / "pyodide-lock.json").read_text())["packages"]["numpy"]
        take_numpy(folder, site / "wheels", numpy, lock["file_name"], lock["sha256"])
        wheels_to = str(site / "wheels")
        run(*PIP, "download", "--no-deps", "--only-binary", ":all:", "--dest", wheels_to, *PURE)
        run(*PIP, "wheel", "--no-deps", "--wheel-dir", wheels_to, str(HERE.parent.parent))
        for name in PAGE:
            shutil.copyfile(HERE / name, site / name)
        wheels = sorted(f"wheels/{path.name}" for path in (site / "wheels").iterdir())
        loaded = ["playground.py", *(f"pyodide/{name}" for name in RUNTIME[2:]), *wheels]
        sizes = {name: (site / name).stat().st_size for name in loaded}
        (site / "files.json").write_text(json.dumps({"wheels": wheels, "bytes": sizes}))
        write_licences(site)
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(site, target)
    print(f"{target}: {sum(path.stat().st_size for path in target.rglob('*') if path.is_file()) / 1e6:.0f} MB")


def run(*command: str) -> None:
    if subprocess.run(command).returncode:
        sys.exit(f"failed: {' '.join(command)}")


def unpack_pyodide(folder: Path, target: Path) -> None:
    run("npm", "pack", "--silent", f"pyodide@{PYODIDE}", "--pack-destination", str(folder))
    with tarfile.open(folder / f"pyodide-{PYODIDE}.tgz") as packed:
        for name in RUNTIME:
            member = packed.extractfile(f"package/{name}")
            assert member is not None, name
            (target / name).write_bytes(member.read())


def take_numpy(folder: Path, target: Path, given: Path | None, name: str, sha256: str) -> None:
    """Write NumPy's wheel, which must be the one that Pyodide was released with."""
    if given is not None:
        content = given.read_bytes()
    else:
        package, inside = SHIPS_NUMPY
        run(
            *PIP,
            "download",
            "--no-deps",
            "--only-binary",
            ":all:",
            "--ignore-requires-python",
            "--dest",
            str(folder),
            package,
        )
        (whole,) = folder.glob("*.whl")
        with zipfile.ZipFile(whole) as packed:
            content = packed.read(f"{inside}/{name}")
    if hashlib.sha256(content).hexdigest() != sha256:
        sys.exit(f"NumPy's wheel must be {name} as in the lock file of Pyodide {PYODIDE}, got another")
    (target / name).write_bytes(content)


def write_licences(site: Path) -> None:
    """Write the licences of all that the page is made of: those that the wheels bring, and others from ``licences``."""
    parts = [(HERE / "licences.html").read_text().replace("%PYODIDE%", PYODIDE)]
    texts = [(path.stem, path.read_text()) for path in sorted((HERE / "licences").iterdir())]
    parts += [f"<h2>{name}</h2>\n<pre>{html.escape(text)}</pre>" for name, text in texts]
    for path in sorted((site / "wheels").iterdir()):
        name, version = path.name.split("-")[:2]
        parts.append(f"<h2>{name} {version}</h2>")
        with zipfile.ZipFile(path) as wheel:
            for member in sorted(wheel.namelist()):
                if Path(member).name.upper().startswith(("LICENSE", "LICENCE", "COPYING")):
                    text = html.escape(wheel.read(member).decode())
                    parts.append(f"<h3>{member}</h3>\n<pre>{text}</pre>")
    (site / "licences.html").write_text("\n".join(parts))


if __name__ == "__main__":
    main()

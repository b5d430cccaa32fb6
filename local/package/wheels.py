"""The locked libraries as wheels for SCF's runtime: CPython on Linux, x86_64.

pip fetches them from the index it is configured with; the digests of the lock identify them.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from local.package.contents import MissingToolError, PackageError
from local.package.runtime import TAG, VERSION

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_TARGET = (
    *("--platform", "manylinux2014_x86_64", "--platform", "manylinux_2_17_x86_64"),
    *("--python-version", VERSION, "--implementation", "cp", "--abi", f"cp{TAG}", "--abi", "abi3"),
)
"""The older of SCF's two systems has glibc 2.17; pip takes each tag literally (doc 583/56126)."""
_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^ ;\\]+)")
_DIGEST = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True)
class Pin:
    """One distribution of the lock: its version, and the SHA-256 digests of its files, in hex."""

    version: str
    digests: frozenset[str]


def read_lock(text: str) -> dict[str, Pin]:
    """Parse a lock file that `make lock` wrote; names in lower case, with hyphens."""
    pins = {}
    for line in text.replace("\\\n", " ").splitlines():
        if pin := _PIN.match(line):
            pins[_normal(pin[1])] = Pin(pin[2], frozenset(_DIGEST.findall(line)))
    return pins


def fetch(names: Collection[str], lock: Mapping[str, Pin], store: Path) -> dict[str, Path]:
    """Return the wheel of each distribution, from `store` if it was fetched before.

    Raises:
        PackageError: the lock lacks one, or what is kept or offered is not what was locked.
        MissingToolError: pip cannot get one.

    """
    if missing := sorted(set(names) - lock.keys()):
        raise PackageError(f"requirements.txt does not pin {', '.join(missing)}: run make lock.")
    # Without the lock's markers: pip would judge them by the Python that it runs in.
    wanted = "".join(
        f"{name}=={lock[name].version}"
        + "".join(f" --hash=sha256:{digest}" for digest in sorted(lock[name].digests))
        + "\n"
        for name in sorted(names)
    )
    folder = kept_in(store, wanted)
    if not folder.exists():
        store.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=store) as scratch:
            _download(wanted, Path(scratch))
            try:
                Path(scratch, "wheels").rename(folder)
            except OSError:
                # Somebody beside us was quicker, and has fetched the same.
                if not folder.exists():
                    raise
    wheels = {_normal(path.name.partition("-")[0]): path for path in sorted(folder.glob("*.whl"))}
    if wheels.keys() != set(names):
        raise PackageError(f"{folder} is not complete: delete it, and package again.")
    for name, wheel in wheels.items():
        if hashlib.sha256(wheel.read_bytes()).hexdigest() not in lock[name].digests:
            raise PackageError(f"{wheel} is not what was locked: delete it, and package again.")
    return wheels


def kept_in(store: Path, wanted: str) -> Path:
    """Return the folder of the wheels for these requirements; each runtime has wheels of its own."""
    return store / hashlib.sha256("\n".join((wanted, *_TARGET)).encode()).hexdigest()[:16]


def files_in(wheel: Path) -> dict[str, bytes]:
    """Read a wheel: content by name."""
    with zipfile.ZipFile(wheel) as archive:
        return {entry.filename: archive.read(entry) for entry in archive.infolist() if not entry.is_dir()}


def _download(wanted: str, scratch: Path) -> None:
    requirements = scratch / "requirements.txt"
    requirements.write_text(wanted, encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet", "download"]
    options = ["--no-deps", "--require-hashes", "--only-binary", ":all:", *_TARGET]
    places = ["--requirement", str(requirements), "--dest", str(scratch / "wheels")]
    command = [*pip, *options, *places]
    run = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # our own pip
    if run.returncode != 0:
        reason = next((line for line in run.stderr.splitlines() if line.startswith("ERROR: ")), "")
        if "MATCH THE HASHES" in reason:
            raise PackageError("An index offers other files than those that were locked: change the index.")
        raise MissingToolError(f"pip cannot get the locked wheels. {reason or run.stderr[-400:]}")


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()

"""Find the Chromium that the browser tests drive, or install one of Debian's packages.

The headless shell comes first: the same engine without windows, extensions and their processes, which needs
less than half of the processor time to open a page. Without a browser those tests are skipped.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

_PACKAGES = ("chromium-headless-shell", "chromium")
_COMMANDS = (*_PACKAGES, "chromium-browser", "google-chrome", "google-chrome-stable")
_APT_SECONDS = 300


def find_chromium() -> str | None:
    """Return the path of an installed headless shell, Chromium or Chrome, or None."""
    return next((path for path in map(shutil.which, _COMMANDS) if path), None)


def install_chromium() -> str:
    """Install the first of the packages that the system has; return why that failed, or an empty string."""
    apt_get = shutil.which("apt-get")
    if apt_get is None:
        return "there is no apt-get here to install one"
    if os.geteuid() != 0:
        return "only root can install one (apt-get install chromium)"
    if not _runs(apt_get, "update"):
        return "apt-get update did not work"
    if not any(_runs(apt_get, "install", "--no-install-recommends", package) for package in _PACKAGES):
        return "apt-get install did not work"
    return "" if find_chromium() else "the package of this system brings no browser"


def _runs(apt_get: str, *arguments: str) -> bool:
    try:
        subprocess.run(  # noqa: S603 -- apt-get with fixed arguments
            [apt_get, "-qq", "-y", *arguments],
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_APT_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def main() -> None:
    """Install Chromium if there is none; a failure is reported and does not end the set-up."""
    if find_chromium():
        return
    sys.stderr.write("Installing Chromium for the browser tests\n")
    reason = install_chromium()
    if reason:
        sys.stderr.write(f"The browser tests will be skipped: no Chromium, and {reason}.\n")


if __name__ == "__main__":
    main()

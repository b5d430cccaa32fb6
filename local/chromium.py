"""Find the Chromium that the browser tests drive, or install Debian's package.

Without a browser those tests are skipped.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

_COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_APT_SECONDS = 300


def find_chromium() -> str | None:
    """Return the path of an installed Chromium or Chrome, or None."""
    return next((path for path in map(shutil.which, _COMMANDS) if path), None)


def install_chromium() -> str:
    """Install Debian's package; return why that failed, or an empty string."""
    apt_get = shutil.which("apt-get")
    if apt_get is None:
        return "there is no apt-get here to install one"
    if os.geteuid() != 0:
        return "only root can install one (apt-get install chromium)"
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (("update",), ("install", "--no-install-recommends", "chromium")):
        command = [apt_get, "-qq", "-y", *arguments]
        try:
            subprocess.run(  # noqa: S603 -- apt-get with fixed arguments
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_APT_SECONDS,
                check=True,
            )
        except (OSError, subprocess.SubprocessError):
            return f"apt-get {arguments[0]} did not work"
    return "" if find_chromium() else "the package of this system brings no browser"


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

"""Start the whole system on this machine, until Ctrl-C."""

from __future__ import annotations

import logging
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from local.__main__ import SCRIPT
from local.operator.number_arguments import port_number
from local.stack.app_options import add_app_arguments, own_app, settings_lines
from local.stack.demo_settings import APP_HOST
from local.stack.fault_options import add_fault_arguments, faults_of, switches_of
from local.stack.servers import HOST
from local.stack.stack import Stack, StackStartError

if TYPE_CHECKING:
    import argparse

    from local.stack.app_options import OwnApp

_BANNER = """\

  The upload service runs on your machine, with a simulated VOD.

    {url}/   open this page and upload a file
    {tls_url}   the same over TLS; its authority is {ca_file}

  From a second terminal:  {program} upload FILE{url_option}
  Store: {redis}. State, secrets and the functions' log: {folder}
{forward}{settings}{proxy}{faults}  Ctrl-C ends all of it.
"""
_FORWARD = (
    "  Events are sent to {places}.\n  To verify them: WEBHOOK_SECRET=$({program} webhook-secret{folder})\n"
)
_PROXY = "  Proxy for phones: {proxy}. They reach VOD, and the functions at http://{app_host}/signature.\n"
_FAULTS = "  Faults: {count} on purpose, the seed is {seed}. Seen and changed at /local/faults.\n"
_WRONG_USAGE = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "--port", type=port_number, default=8000, help="plain HTTP (default %(default)s; 0: any)"
    )
    parser.add_argument(
        "--tls-port", type=port_number, default=8443, help="HTTPS (default %(default)s; 0: any)"
    )
    parser.add_argument("--folder", type=Path, default=Path(".local"), help="state (default %(default)s)")
    parser.add_argument(
        "--mode",
        choices=["push", "pull"],
        default="push",
        help="how VOD tells us of events: normal callback (default) or reliable callback",
    )
    parser.add_argument(
        "--proxy",
        type=_address,
        metavar="[ADDRESS:]PORT",
        help="an HTTP proxy for phones too, on this machine's address ADDRESS (default 127.0.0.1)",
    )
    add_app_arguments(parser)
    add_fault_arguments(parser)


def main(arguments: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM; `REDIS_URL` in the environment replaces the embedded store."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        faults, seed = faults_of(arguments)
        switches = switches_of(arguments)
        app = own_app(arguments, os.environ)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return _WRONG_USAGE
    # Blocked before any thread starts, these signals reach nobody but the wait below.
    ending = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    signal.pthread_sigmask(signal.SIG_BLOCK, ending)
    stack = Stack(
        folder=arguments.folder,
        port=arguments.port,
        tls_port=arguments.tls_port,
        redis_url=os.environ.get("REDIS_URL") or None,
        overrides=app.overrides,
        forward_to=app.forward_to,
        simulator={"mode": arguments.mode.upper(), "switches": switches},
        faults=faults,
        fault_seed=seed,
        proxy=arguments.proxy,
    )
    try:
        with stack:
            sys.stdout.write(_banner(stack, arguments.folder, app))
            sys.stdout.flush()
            signal.sigwait(ending)
            sys.stdout.write("\n  Ending.\n")
    except StackStartError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host or HOST, port_number(port)


def _banner(stack: Stack, folder: Path, app: OwnApp) -> str:
    dial = stack.simulator.faults
    places = [app.forward_to] if app.forward_to else []
    places += ["the endpoints of your file"] if "APP_WEBHOOKS" in app.overrides else []
    usual = stack.url.endswith(":8000")
    return _BANNER.format(
        url=stack.url,
        tls_url=stack.tls_url,
        ca_file=stack.ca_file,
        program=_program(),
        url_option="" if usual else f" --url {stack.url}",
        redis="REDIS_URL of your environment" if stack.info["redis"] == "external" else "an embedded Valkey",
        folder=folder.resolve(),
        forward=_FORWARD.format(
            places=" and ".join(places),
            program=_program(),
            folder="" if folder == Path(".local") else f" --folder {folder}",
        )
        if places
        else "",
        settings=settings_lines(app),
        proxy=_PROXY.format(proxy=stack.proxy, app_host=APP_HOST) if stack.proxy else "",
        faults=_FAULTS.format(count=len(dial.strikes), seed=dial.seed) if dial.strikes else "",
    )


def _program() -> str:
    """Return the words by which this program was started, and can be again in the current folder."""
    if Path(sys.argv[0]).name == SCRIPT:
        return SCRIPT
    executable, here = Path(sys.executable), Path.cwd()
    python = executable.relative_to(here) if executable.is_relative_to(here) else "python"
    return f"{python} -m local"

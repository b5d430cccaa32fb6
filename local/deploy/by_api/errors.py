"""The error of this way of deploying: a refusal of the API, with the function that it is about."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from local.deploy.scf_calls import ScfRefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator


class DeploymentError(Exception):
    """A function could not be brought to what is wanted; `refused` is what the API said."""

    def __init__(self, key: str, refused: ScfRefusedError) -> None:
        """Set the function's key and the refusal."""
        super().__init__(f"{key}: {refused}")
        self.key = key
        self.refused = refused


@contextlib.contextmanager
def about(key: str) -> Iterator[None]:
    """Turn a refusal in the block into a DeploymentError about a function."""
    try:
        yield
    except ScfRefusedError as error:
        raise DeploymentError(key, error) from None

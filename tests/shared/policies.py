"""Upload policies for tests, read as the settings read them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from shared.config.settings import SigningSettings
from shared.schema.validation import validate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain.policy import Policy


def read_policy(members: Mapping[str, Any]) -> Policy:
    """Read a policy; what its members do not name is by default.

    Raises:
        ValidationError: it has a mistake.

    """
    variables = {"VOD_SECRET_ID": "AKIDofTheTests", "VOD_SECRET_KEY": "canary-of-the-secret-key"}
    policies = json.dumps({"default": members})
    return validate(SigningSettings, {**variables, "UPLOAD_POLICIES": policies}).upload_policies["default"]

"""The OpenAPI document of the HTTP functions and of the app's events, and a page to read it.

Written from the models and tables of `shared/`; what the functions do is left to `functions/`.
"""

from __future__ import annotations

from local.repository import REPOSITORY

DOCUMENT_FILE = REPOSITORY / "docs/openapi.json"

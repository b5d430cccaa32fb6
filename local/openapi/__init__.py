"""The OpenAPI document of the HTTP functions and of the app's events, and a page to read it.

It is built from the models and tables of `shared/`.
"""

from __future__ import annotations

from local.repository import REPOSITORY

DOCUMENT_FILE = REPOSITORY / "docs/openapi.json"

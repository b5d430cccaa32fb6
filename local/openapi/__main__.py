"""`python -m local.openapi`: write docs/openapi.json from the code.

A test fails while the file differs from the code.
"""

from __future__ import annotations

from local.openapi import DOCUMENT_FILE
from local.openapi.document import document_text

DOCUMENT_FILE.write_text(document_text(), encoding="utf-8")

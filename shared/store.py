"""Everything this service keeps, in one Redis.

What is kept of uploads is in `shared.upload_store`, of events in `shared.journal_store`, of the app's
endpoint in `shared.endpoint_store`; how much waits is counted by `shared.backlog_store`.
"""

from __future__ import annotations

from shared.backlog_store import BacklogStore
from shared.endpoint_store import EndpointStore
from shared.journal_store import EventEntry, EventKey, Journaled, JournalStore
from shared.store_connection import StoreScope
from shared.upload_store import UploadStore

__all__ = ["EventEntry", "EventKey", "Journaled", "Store", "StoreScope"]


class Store(UploadStore, JournalStore, EndpointStore, BacklogStore):
    """The store of one stage; any failure of it is a StoreUnavailableError, within a second."""

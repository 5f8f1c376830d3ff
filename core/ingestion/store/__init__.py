"""The crash-safe append log: one writer process, readers at any time.

SQLite in WAL mode with `synchronous=FULL`: a batch is acknowledged when its commit, and with it the fsync, returns.
`Writer` appends and keeps the gap ledger, `Reader` gives tapes and tables, `parquet` moves tables to and from files.
`FrameLog` keeps frames as they were received, where that is asked for.
"""

from core.ingestion.store.frames import FrameLog, kept_frames, kept_sizes
from core.ingestion.store.ledger_rows import OpenGap
from core.ingestion.store.reader import EXPORT_COLUMNS, Market, Reader
from core.ingestion.store.rows import digest
from core.ingestion.store.schema import SCHEMA_VERSION
from core.ingestion.store.writer import Appended, Quarantined, Writer

__all__ = [
    "EXPORT_COLUMNS",
    "SCHEMA_VERSION",
    "Appended",
    "FrameLog",
    "Market",
    "OpenGap",
    "Quarantined",
    "Reader",
    "Writer",
    "digest",
    "kept_frames",
    "kept_sizes",
]

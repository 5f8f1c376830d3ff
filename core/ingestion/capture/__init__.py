"""Live capture: frames from an exchange's socket into the store, acknowledged only after the fsync."""

from core.ingestion.capture.asked import Asked, World
from core.ingestion.capture.run import Capture
from core.ingestion.capture.several import Several, capture
from core.ingestion.capture.status import status

__all__ = ["Asked", "Capture", "Several", "World", "capture", "status"]

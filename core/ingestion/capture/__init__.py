"""Live capture: frames from an exchange's socket into the store, acknowledged only after the fsync."""

from core.ingestion.capture.run import Asked, Capture, World, capture
from core.ingestion.capture.status import status

__all__ = ["Asked", "Capture", "World", "capture", "status"]

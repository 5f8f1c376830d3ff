"""Recorded ticks from files: what the file is, is read from its content, never from its name."""

from core.ingestion.recordings.read import Batch, read

__all__ = ["Batch", "read"]

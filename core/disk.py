"""The few operations on files that durability hangs on, so that a test can put a failing disk under them."""

from __future__ import annotations

import os
from pathlib import Path


class Disk:
    """The file system as it is. All methods raise OSError as the system does.

    What is written survives a power cut only after `sync`, and its name only after `sync_folder` of the folder it
    stands in (POSIX fsync; a rename alone may be undone).
    """

    def write(self, path: Path, content: bytes) -> None:
        """Make or overwrite the file with `content`; not yet durable."""
        path.write_bytes(content)

    def read(self, path: Path) -> bytes:
        """All of the file."""
        return path.read_bytes()

    def sync(self, path: Path) -> None:
        """Return when the file's content is on the disk."""
        self._fsync(path, os.O_RDWR)  # Windows syncs no file that is open for reading only

    def rename(self, source: Path, target: Path) -> None:
        """Put `source` in the place of `target`, which may be there: a reader sees one or the other."""
        os.replace(source, target)

    def unlink(self, path: Path) -> None:
        """Remove the name."""
        path.unlink()

    def make_folder(self, path: Path) -> None:
        """Make one folder whose parent is there."""
        path.mkdir(exist_ok=True)

    def sync_folder(self, path: Path) -> None:
        """Return when the names in the folder are on the disk. Windows has no such call, and needs none."""
        if os.name == "posix":
            self._fsync(path, os.O_RDONLY)

    def make_folders(self, path: Path, below: Path) -> None:
        """Make `path`, which lies below the folder `below`, with every folder between, all of them durable."""
        missing = [folder for folder in (path, *path.parents) if folder.is_relative_to(below) and folder != below]
        for folder in reversed(missing):
            if not folder.is_dir():
                self.make_folder(folder)
            # Even if it was there: the one who made it may have been cut off before it was durable.
            self.sync_folder(folder.parent)

    def _fsync(self, path: Path, mode: int) -> None:
        file = os.open(path, mode)
        try:
            os.fsync(file)
        finally:
            os.close(file)


DISK = Disk()
"""The disk of this machine."""

"""A file's bytes as lines: plain, gzip (joined members too) or zstd, with a bound on what a hostile file can cost."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, NamedTuple, cast

from core.errors import BadInput

GZIP, ZSTD, PARQUET, ZIP = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1", b"PK\x03\x04"
LONGEST_LINE = 16 * 1024 * 1024
"""Bytes; a recorded session's longest, a whole order book, has 5.8 million."""
KEPT_OF_LONG = 64 * 1024
_CHUNK = 1024 * 1024
_RATIO = 300
"""How many times its own size a packed file may unpack to; recorded sessions reach 10 to 40."""
_FREE = 64 * 1024 * 1024
"""What any file may unpack to."""


class Line(NamedTuple):
    """One line without its end; `fault` says what is wrong with it as a whole, `text` is then cut."""

    text: bytes
    fault: str | None = None


def magic(path: Path) -> bytes:
    """The file's first four bytes. Raises BadInput when it cannot be opened or is empty."""
    try:
        with open(path, "rb") as file:
            first = file.read(4)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}") from error
    if not first:
        raise BadInput(f"{path.name} is empty: there is nothing to import")
    return first


def lines(path: Path, tell: Callable[[float], None] | None = None) -> Iterator[Line]:
    """The file's lines, unpacked. A file that breaks off inside its packing gives what could be read, then a fault.

    `tell` hears which share of the file has been read. Raises BadInput when it unpacks to more than 300 times its size.
    """
    size = path.stat().st_size
    with open(path, "rb") as raw:
        unpacked, total = _unpacked(path, raw), 0
        rest, skipping = b"", False
        while True:
            chunk, fault = _read(unpacked)
            total += len(chunk)
            if total > max(_FREE, _RATIO * size):
                raise BadInput(
                    f"{path.name} ({size:,} bytes) unpacks to more than {_RATIO} times its size:"
                    " that is no recording, and it is not read"
                )
            if tell is not None:
                tell(min(raw.tell() / size, 1.0))
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                if skipping:
                    skipping = False
                elif len(line) > LONGEST_LINE:
                    yield _too_long(line)
                else:
                    yield Line(line.rstrip(b"\r"))
            if len(rest) > LONGEST_LINE:
                if not skipping:
                    yield _too_long(rest)
                rest, skipping = b"", True
            if fault is not None or not chunk:
                if rest.strip() and not skipping:
                    yield Line(rest.rstrip(b"\r"), fault and f"the last line is cut: {fault}")
                elif fault is not None:
                    yield Line(b"", fault)
                return


def _unpacked(path: Path, raw: IO[bytes]) -> IO[bytes]:
    first = magic(path)
    if first.startswith(GZIP):
        return cast(IO[bytes], gzip.GzipFile(fileobj=raw))
    if first == ZSTD:
        import zstandard

        frames = zstandard.ZstdDecompressor(max_window_size=2**27)
        return io.BufferedReader(frames.stream_reader(raw, read_across_frames=True), _CHUNK)
    return raw


def _read(unpacked: IO[bytes]) -> tuple[bytes, str | None]:
    import zstandard

    try:
        return unpacked.read(_CHUNK), None
    except EOFError:
        return b"", "the file ends inside its packing"
    except (gzip.BadGzipFile, zlib.error, zstandard.ZstdError, OSError) as error:
        return b"", f"the file's packing is damaged ({error})"


def _too_long(line: bytes) -> Line:
    return Line(line[:KEPT_OF_LONG], f"line longer than {LONGEST_LINE // 1024 // 1024} MiB")

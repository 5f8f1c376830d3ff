"""SQLite's own file operations, seen and refused: a layer between SQLite and the system (https://sqlite.org/vfs.html).

`watching` puts it under every database that this process opens while the block runs. Each write, truncation, sync and
deletion is shown to a function first, which may keep it, wait, or answer with an error code of SQLite's; all else goes
straight to the layer below. It needs the SQLite library that Python's module is linked to as a shared one.
"""

from __future__ import annotations

import ctypes as c
import ctypes.util
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

FULL = 13
"""SQLITE_FULL: no space left."""
FAILED = {"write": 778, "sync": 1034, "truncate": 1546, "delete": 2570}
"""SQLITE_IOERR_WRITE, _FSYNC, _TRUNCATE, _DELETE."""


class Step(NamedTuple):
    """One operation: its name (a key of FAILED), the file, where in it (the new size of a truncation), the bytes."""

    name: str
    path: Path
    at: int = 0
    content: bytes = b""


WHY_NOT = "Python's SQLite is no shared library here, so its file operations cannot be seen"
Judge = Callable[[Step], int]
"""Sees a step before it is done; 0 lets it pass, anything else is SQLite's code of the error that it meets."""

_Open = c.CFUNCTYPE(c.c_int, c.c_void_p, c.c_void_p, c.c_void_p, c.c_int, c.c_void_p)
_Delete = c.CFUNCTYPE(c.c_int, c.c_void_p, c.c_void_p, c.c_int)
_Write = c.CFUNCTYPE(c.c_int, c.c_void_p, c.c_void_p, c.c_int, c.c_int64)
_Truncate = c.CFUNCTYPE(c.c_int, c.c_void_p, c.c_int64)
_Sync = c.CFUNCTYPE(c.c_int, c.c_void_p, c.c_int)


class _Vfs(c.Structure):
    """sqlite3_vfs, version 3."""

    _fields_ = (
        ("iVersion", c.c_int), ("szOsFile", c.c_int), ("mxPathname", c.c_int), ("pNext", c.c_void_p),
        ("zName", c.c_char_p), ("pAppData", c.c_void_p), ("xOpen", _Open), ("xDelete", _Delete),
        ("rest", c.c_void_p * 14),
    )  # fmt: skip


class _Methods(c.Structure):
    """sqlite3_io_methods, version 3."""

    _fields_ = (
        ("iVersion", c.c_int), ("xClose", c.c_void_p), ("xRead", c.c_void_p), ("xWrite", _Write),
        ("xTruncate", _Truncate), ("xSync", _Sync), ("rest", c.c_void_p * 13),
    )  # fmt: skip


class _File(c.Structure):
    """sqlite3_file."""

    _fields_ = (("pMethods", c.POINTER(_Methods)),)


def library() -> Any:
    """SQLite as Python's module uses it; None where that is not a shared library."""
    import _sqlite3

    name, module = ctypes.util.find_library("sqlite3"), getattr(_sqlite3, "__file__", None)
    if name is None or module is None or name.encode() not in Path(module).read_bytes():
        return None
    found = c.CDLL(name)
    found.sqlite3_vfs_find.restype = c.POINTER(_Vfs)
    return found


class _Layer:
    """The layer, made once: SQLite may keep pointers into it for as long as the process lives."""

    def __init__(self, sqlite: Any) -> None:
        self.judge: Judge = lambda step: 0
        self._sqlite = sqlite
        self._below = sqlite.sqlite3_vfs_find(None)
        self._names: dict[int, Path] = {}
        self._tables: dict[int, tuple[_Methods, _Methods]] = {}
        self._kept: list[Any] = []
        self._own = _Vfs.from_buffer_copy(self._below.contents)
        self._own.zName = b"tremor-bench"
        self._own.pNext = None
        self._own.xOpen = self._keep(_Open(self._open))
        self._own.xDelete = self._keep(_Delete(self._delete))

    def on(self) -> None:
        self._sqlite.sqlite3_vfs_register(c.byref(self._own), 1)

    def off(self) -> None:
        self._sqlite.sqlite3_vfs_unregister(c.byref(self._own))
        self.judge = lambda step: 0

    def _keep(self, function: Any) -> Any:
        self._kept.append(function)
        return function

    def _open(self, _vfs: int, name: int | None, file: int, flags: int, out: int) -> int:
        below = self._below.contents
        code: int = below.xOpen(c.cast(self._below, c.c_void_p), name, file, flags, out)
        methods = c.cast(file, c.POINTER(_File)).contents
        if code == 0 and name and methods.pMethods:
            self._names[file] = _path(name)
            methods.pMethods = c.pointer(self._table(methods.pMethods.contents))
        return code

    def _table(self, below: _Methods) -> _Methods:
        where = c.addressof(below)
        if where not in self._tables:
            own = _Methods.from_buffer_copy(below)

            def write(file: int, content: int, n: int, at: int) -> int:
                code = self.judge(Step("write", self._names[file], at, c.string_at(content, n)))
                return code or int(below.xWrite(file, content, n, at))

            def truncate(file: int, size: int) -> int:
                return self.judge(Step("truncate", self._names[file], size)) or int(below.xTruncate(file, size))

            def sync(file: int, flags: int) -> int:
                return self.judge(Step("sync", self._names[file])) or int(below.xSync(file, flags))

            own.xWrite = self._keep(_Write(write))
            own.xTruncate = self._keep(_Truncate(truncate))
            own.xSync = self._keep(_Sync(sync))
            self._tables[where] = (own, below)
        return self._tables[where][0]

    def _delete(self, _vfs: int, name: int, sync_folder: int) -> int:
        code = self.judge(Step("delete", _path(name)))
        return code or int(self._below.contents.xDelete(c.cast(self._below, c.c_void_p), name, sync_folder))


def _path(name: int) -> Path:
    return Path(c.string_at(name).decode())


_layer: list[_Layer] = []


@contextmanager
def watching(judge: Judge) -> Iterator[None]:
    """Every database that this process opens while the block runs shows its steps to `judge` first, in the thread that
    does them. A database that is still open when the block ends goes on unseen. One block at a time."""
    if not _layer:
        _layer.append(_Layer(library()))
    _layer[0].judge = judge
    _layer[0].on()
    try:
        yield
    finally:
        _layer[0].off()

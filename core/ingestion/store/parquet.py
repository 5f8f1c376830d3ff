"""Tables to and from Parquet (and CSV) files; the one place that opens Parquet."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from core.errors import BadInput

MOST_ROWS = 20_000_000
MOST_COLUMNS = 500
LONGEST_TEXT = 200


def checked_suffix(path: Path) -> None:
    """Raise BadInput unless the name ends in .parquet or .csv."""
    if path.suffix not in (".parquet", ".csv"):
        raise BadInput(f"{path.name}: the file's name must end in .parquet or .csv")


def write(table: pa.Table, path: Path) -> None:
    """Write `table` as Parquet (zstd), or as CSV when the name ends in .csv: temporary name, fsync, rename.

    Raises BadInput when the name has another suffix or the folder cannot be written.
    """
    checked_suffix(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".csv":
            pa_csv.write_csv(table, temporary)
        else:
            pq.write_table(table, temporary, compression="zstd")
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise BadInput(f"{path} cannot be written ({error.strerror or error}): choose another place") from error


def names(path: Path) -> list[str]:
    """The file's column names. Raises BadInput when it is no Parquet file or larger than what is read from one file."""
    return list(_types(path))


def read(path: Path, columns: Sequence[str]) -> Iterator[tuple[list[dict[str, Any]], float]]:
    """Rows of `columns` as dicts, 10,000 at a time, with the share of the file read. Timestamps come as whole ns UTC.

    Bounded before anything is read: a small file can hold hundreds of MB of columns, and its footer need not say so.
    """
    texts = [name for name, kind in _types(path).items() if name in columns and _is_text(kind)]
    with _opened(path, texts) as file:
        total, done = max(file.metadata.num_rows, 1), 0
        try:
            for batch in file.iter_batches(batch_size=10_000, columns=list(columns), use_threads=False):
                done += batch.num_rows
                yield _plain(batch).to_pylist(), done / total
        except (pa.ArrowException, OSError) as error:
            raise BadInput(f"{path.name} is damaged after {done:,} rows ({_short(error)})") from error


def _types(path: Path) -> dict[str, pa.DataType]:
    with _opened(path) as file:
        return {field.name: field.type for field in file.schema_arrow}


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind)


@contextmanager
def _opened(path: Path, texts: Sequence[str] = ()) -> Iterator[pq.ParquetFile]:
    try:
        # texts stay in their dictionary: one long text named by a million rows is not spelled out a million times
        file = pq.ParquetFile(path, pre_buffer=False, read_dictionary=list(texts))
    except (pa.ArrowException, OSError) as error:
        raise BadInput(f"{path.name} is no readable Parquet file ({_short(error)})") from error
    with file:
        if file.metadata.num_rows > MOST_ROWS or file.metadata.num_columns > MOST_COLUMNS:
            raise BadInput(
                f"{path.name} has {file.metadata.num_rows:,} rows of {file.metadata.num_columns:,} columns;"
                f" {MOST_ROWS:,} rows of {MOST_COLUMNS} are read from one file: split it"
            )
        yield file


def _plain(batch: pa.RecordBatch) -> pa.Table:
    """Timestamps as int64 ns; texts only when none is longer than a value can be."""
    table = pa.Table.from_batches([batch])
    for i, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type):
            plain = table.column(i).cast(pa.timestamp("ns", field.type.tz)).cast(pa.int64())
            table = table.set_column(i, field.name, plain)
        elif pa.types.is_dictionary(field.type):
            lengths = (pc.max(pc.binary_length(chunk.dictionary)).as_py() for chunk in table.column(i).chunks)
            longest = max((length or 0 for length in lengths), default=0)
            if longest > LONGEST_TEXT:
                raise BadInput(f"column {field.name} holds a text of {longest:,} bytes: no value is so long")
    return table


def _short(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__

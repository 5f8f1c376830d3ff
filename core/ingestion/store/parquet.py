"""Tables to and from Parquet (and CSV) files; the one place that opens Parquet."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from core.errors import BadInput


def write(table: pa.Table, path: Path) -> None:
    """Write `table` as Parquet (zstd), or as CSV when the name ends in .csv: temporary name, fsync, rename.

    Raises BadInput when the name has another suffix or the folder cannot be written.
    """
    if path.suffix not in (".parquet", ".csv"):
        raise BadInput(f"{path.name}: the file's name must end in .parquet or .csv")
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
        temporary.unlink(missing_ok=True)
        raise BadInput(f"{path} cannot be written ({error.strerror or error}): choose another place") from error

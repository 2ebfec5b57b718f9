"""The Taiwan table as its publisher packs it, written for tests."""

from __future__ import annotations

import struct
from pathlib import Path

import pandas as pd

from research.collect import publishers


def publishers_names() -> list[str]:
    return [*publishers.TAIWAN_COLUMNS[:-1], "default payment next month"]


def write_csv(path: Path, table: pd.DataFrame) -> Path:
    table.rename(columns={"default": "default.payment.next.month"}).to_csv(path, index=False)
    return path


def write_xlsx(path: Path, table: pd.DataFrame) -> Path:
    """The publisher's layout: a row X1 … Y above the row of names."""
    labels = ["", *[f"X{number}" for number in range(1, 24)], "Y"]
    rows = [labels, publishers_names(), *table.to_numpy().tolist()]
    pd.DataFrame(rows).to_excel(path, header=False, index=False)
    return path


def write_xls(path: Path, table: pd.DataFrame) -> Path:
    """The same layout in the oldest xls form (BIFF2), which needs no library to write."""
    labels = ["", *[f"X{number}" for number in range(1, 24)], "Y"]
    stream = struct.pack("<HHHH", 0x0009, 4, 0x0002, 0x0010)
    for row, cells in enumerate([labels, publishers_names(), *table.to_numpy().tolist()]):
        for column, value in enumerate(cells):
            place = struct.pack("<HH3x", row, column)
            if isinstance(value, str):
                text = value.encode("ascii")
                record, body = 0x0004, place + struct.pack("<B", len(text)) + text
            else:
                record, body = 0x0003, place + struct.pack("<d", value)
            stream += struct.pack("<HH", record, len(body)) + body
    path.write_bytes(stream + struct.pack("<HH", 0x000A, 0))
    return path

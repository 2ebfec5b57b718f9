"""What an exhibit carries as data: full precision, types, and its place among the others."""

from __future__ import annotations

import datetime as dt
import json

import numpy as np
import pandas as pd
import pytest

from research.pages.payload import (
    MIME,
    exhibit_numbers,
    exhibits,
    frame_to_payload,
    payload_to_frame,
    plain,
    tidy,
)


def test_a_frame_keeps_full_precision_and_types():
    frame = pd.DataFrame(
        {
            "x": [0.1 + 0.2, np.nan, np.inf],
            "n": np.array([1, 2, 3], dtype="int32"),
            "ok": [True, False, True],
            "day": pd.to_datetime(["2018-01-31", None, "2018-03-01"]),
            "tier": pd.Categorical(["low", None, "high"], categories=["low", "high"]),
        }
    )
    payload = frame_to_payload(frame)
    text = json.dumps(payload, allow_nan=False)
    back = payload_to_frame(json.loads(text))
    assert [column["dtype"] for column in payload["columns"]] == [
        "number", "integer", "boolean", "date", "text",
    ]  # fmt: skip
    assert back["x"].tolist()[0] == 0.1 + 0.2
    assert np.isnan(back["x"][1])
    assert np.isinf(back["x"][2])
    assert back["n"].tolist() == [1, 2, 3]
    assert back["ok"].dtype == bool
    assert back["day"][0] == dt.datetime(2018, 1, 31)
    assert back["day"].isna().tolist() == [False, True, False]
    assert back["tier"].isna().tolist() == [False, True, False]


def test_integers_with_gaps_survive():
    frame = pd.DataFrame({"n": pd.array([1, None], dtype="Int64")})
    back = payload_to_frame(frame_to_payload(frame))
    assert back["n"][0] == 1
    assert np.isnan(back["n"][1])


def test_meaningful_index_becomes_columns():
    frame = pd.DataFrame(
        {"v": [1, 2]}, index=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["k", None])
    )
    assert list(tidy(frame).columns) == ["k", "row_2", "v"]
    assert list(tidy(pd.Series([1], index=["x"], name="v")).columns) == ["row", "v"]
    assert list(tidy(pd.DataFrame({("a", "b"): [1]})).columns) == ["a · b"]
    with pytest.raises(ValueError, match="more than one column named"):
        tidy(pd.DataFrame({"k": [1]}, index=pd.Index([1], name="k")))


def test_exhibits_are_found_and_numbered_by_kind():
    def output(kind, name):
        return {"data": {MIME: {"kind": kind, "name": name}}}

    notebook = {
        "cells": [
            {"outputs": [output("table", "a"), output("figure", "b")]},
            {"source": "text"},
            {"outputs": [output("finding", "c"), output("table", "d"), {"name": "stdout"}]},
        ]
    }
    assert [(cell, payload["name"]) for cell, payload in exhibits(notebook)] == [
        (1, "a"),
        (1, "b"),
        (3, "c"),
        (3, "d"),
    ]
    assert exhibit_numbers(notebook, "03_x") == {
        "a": "Table 3.1", "b": "Figure 3.1", "c": "finding", "d": "Table 3.2",
    }  # fmt: skip
    assert exhibit_numbers(notebook, "extra")["d"] == "Table 2"


def test_plain_makes_json_of_anything():
    value = {
        "a": np.int64(1),
        2: [np.float32(0.5), pd.NA, {"z", "y"}],
        "s": pd.Series([1.0, np.nan]),
        "o": object,
    }
    result = plain(value)
    assert result["a"] == 1
    assert result["2"] == [0.5, None, ["y", "z"]]
    assert result["s"] == [1.0, None]
    json.dumps(result, allow_nan=False)

"""The mapping file of a survey platform: which column of an export holds what."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from research.errors import UserError, nearest
from research.files.textfiles import is_file, read_yaml
from research.paths import DEFINITIONS

MAPPINGS = DEFINITIONS / "platform_mappings"
Text = str | int | float  # a code such as 1 or -99 may stand without quotes
Row = Annotated[int, Field(ge=1, le=100)]


def _pattern(text: str, group: str) -> str:
    try:
        groups = re.compile(text).groupindex
    except (re.error, OverflowError, RecursionError):
        raise ValueError("not a regular expression") from None
    if group not in groups:
        raise ValueError(f"expected a group named (?P<{group}>…)")
    return text


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Rows(_Part):
    names: Row
    data: Row
    wordings: Row | None = None


class _Group(_Part):
    column: str
    values: dict[Literal["practitioner", "customer"], list[Text]]


class _Consent(_Part):
    column: str
    accepted: list[Text]


class _Keep(_Part):
    column: str
    values: list[Text] | None = None
    filled: bool | None = None


class _Mapping(_Part):
    platform: str
    rows: _Rows
    respondent: str
    items: list[Literal["map", "names", "wordings"]]
    respondent_prefix: str | None = None
    duration: str | None = None
    weight: str | None = None
    group: _Group | None = None
    consent: _Consent | None = None
    keep: list[_Keep] | None = None
    missing: list[Text] | None = None
    map: dict[Text, str] | None = None
    item_pattern: Annotated[str, AfterValidator(lambda text: _pattern(text, "item"))] | None = None
    answer_pattern: Annotated[str, AfterValidator(lambda text: _pattern(text, "answer"))] | None = None
    answers: dict[Text, float] | None = None


def read_mapping(name: str | Path) -> dict[str, Any]:
    """Return a mapping by the name of a platform or the path of a mapping file.

    Raises:
        UserError: there is none, a key is unknown or missing, or a value does not fit.
    """
    path = Path(name) if str(name).endswith((".yml", ".yaml")) else MAPPINGS / f"{str(name).lower()}.yml"
    if not is_file(path):
        known = [p.stem for p in MAPPINGS.glob("*.yml")]
        raise UserError(f"survey platform '{name}' has no mapping{nearest(str(name).lower(), known)}")
    try:
        mapping = _Mapping.model_validate(read_yaml(path))
    except ValidationError as error:
        faults = sorted(map(dict, error.errors()), key=lambda fault: fault["type"] != "extra_forbidden")
        raise UserError(f"{path.name}: {_told(faults[0])}") from None
    rows = mapping.rows
    if rows.data <= max(rows.names, rows.wordings or 1):
        raise UserError(
            f"{path.name}: rows: data begin in row {rows.data}, expected a row below names and wordings"
        )
    return mapping.model_dump(exclude_none=True)


def _told(fault: dict[str, Any]) -> str:
    place = ".".join(map(str, fault["loc"]))
    if fault["type"] == "extra_forbidden":
        return f"unknown key '{place}'{nearest(place, _Mapping.model_fields)}"
    if fault["type"] == "missing":
        return f"no key '{place}'"
    return f"{place}: found {fault['input']!r} — {fault['msg'].removeprefix('Value error, ')}"

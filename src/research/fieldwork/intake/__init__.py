"""Returned files: checked cell by cell, then read."""

from research.fieldwork.intake.check import annotate, check, kind_of
from research.fieldwork.intake.coding import Coding, read_coding
from research.fieldwork.intake.faults import Fault
from research.fieldwork.intake.judgements import read_ahp, read_vignettes
from research.fieldwork.intake.survey import read_survey

__all__ = [
    "Coding",
    "Fault",
    "annotate",
    "check",
    "kind_of",
    "read_ahp",
    "read_coding",
    "read_survey",
    "read_vignettes",
]

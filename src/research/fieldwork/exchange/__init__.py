"""Exchange with qualitative analysis programs by REFI-QDA: projects (.qdpx) and codebooks (.qdc)."""

from research.fieldwork.exchange.folder import WHOLE, read_folder, read_project, write_folder
from research.fieldwork.exchange.from_interviews import from_interviews
from research.fieldwork.exchange.interviews import Interviews
from research.fieldwork.exchange.project import Project
from research.fieldwork.exchange.reading import read_qda
from research.fieldwork.exchange.to_interviews import shared_units, to_interviews
from research.fieldwork.exchange.writing import write_qda

__all__ = [
    "WHOLE",
    "Interviews",
    "Project",
    "from_interviews",
    "read_folder",
    "read_project",
    "read_qda",
    "shared_units",
    "to_interviews",
    "write_folder",
    "write_qda",
]

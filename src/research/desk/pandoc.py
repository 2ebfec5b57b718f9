"""Documents through pandoc: Word, LaTeX and HTML; the same text gives the same bytes."""

from __future__ import annotations

import io
import os
import re
import subprocess
import tempfile
import textwrap
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path

import docx

from research.errors import UserError
from research.pages import provenance

READS = "markdown-raw_html-raw_tex+raw_attribute"  # a text of the data never becomes markup
SMALL = r"\usepackage{etoolbox}\AtBeginEnvironment{longtable}{\footnotesize}"  # letters in tables
SETTINGS = {
    ".docx": ["--to=docx", "--reference-doc=reference.docx"],
    ".tex": ["--to=latex", "--variable=geometry:margin=2.5cm", f"--variable=header-includes:{SMALL}"],
    ".html": ["--to=html5", "--embed-resources", "--mathml", "--variable=maxwidth:52em"],
}
HASH, BREAK = re.compile(r"\b[0-9a-f]{32,}\b"), r"\allowbreak{}"  # LaTeX breaks no line within one by itself
IN_TABLES = "Compact"  # pandoc's name of the paragraphs in cells
# The fonts of LaTeX have no such letters in text.
LETTERS = {
    "−": "-", "≤": r"\leq", "≥": r"\geq", "×": r"\times", "±": r"\pm", "→": r"\rightarrow", "α": r"\alpha",
    "η": r"\eta", "κ": r"\kappa", "τ": r"\tau", "χ": r"\chi", "ω": r"\omega", "²": "^2",
}  # fmt: skip


def path() -> str:
    """Return where pandoc is. Raises UserError when it is not installed."""
    try:
        import pypandoc

        return str(pypandoc.get_pandoc_path())
    except (ImportError, OSError):
        raise UserError("pandoc is not installed; `make extras` installs it (the extra `paper`)") from None


@cache
def looks() -> bytes:
    """Return pandoc's own styles of Word, with smaller letters in tables."""
    command = [path(), "--print-default-data-file=reference.docx"]
    own = subprocess.run(command, check=True, capture_output=True)
    made, changed = docx.Document(io.BytesIO(own.stdout)), io.BytesIO()
    made.styles[IN_TABLES].font.size = docx.shared.Pt(8.5)
    made.save(changed)
    return changed.getvalue()


def document(
    text: str, ending: str, *, whole: bool = True, files: Mapping[str, bytes] | None = None, beside: Path | None = None
) -> bytes:  # fmt: skip
    """Return a text in pandoc's Markdown as a document.

    Args:
        text: the text; citations are resolved with `references.bib` when that is among the files.
        ending: `.docx`, `.tex` or `.html`.
        whole: with a head; otherwise a part for another document.
        files: name → content of what the text refers to.
        beside: a folder with other files that the text refers to.

    Raises:
        UserError: pandoc is not installed or cannot read the text.
    """
    files = dict(files or {}) | ({"reference.docx": looks()} if ending == ".docx" else {})
    with tempfile.TemporaryDirectory() as place:  # no path of this machine gets into a document
        for name, content in files.items():
            (Path(place) / name).parent.mkdir(parents=True, exist_ok=True)
            (Path(place) / name).write_bytes(content)
        cited = ["--citeproc", "--bibliography=references.bib"] if "references.bib" in files else []
        done = subprocess.run(
            [path(), f"--from={READS}", *SETTINGS[ending], *cited, *(["--standalone"] if whole else []),
             f"--resource-path={os.pathsep.join(map(str, ['.', *([beside.resolve()] if beside else [])]))}",
             "--output=out"],
            input=text.encode("utf-8"), capture_output=True, cwd=place,
            env={**os.environ, "SOURCE_DATE_EPOCH": str(int(datetime.fromisoformat(provenance.date()).timestamp()))},
        )  # fmt: skip
        if done.returncode:
            raise UserError(f"pandoc: {done.stderr.decode('utf-8', 'replace').strip()}")
        made = (Path(place) / "out").read_bytes()
    if ending != ".tex":
        return made
    letters = {letter: rf"\ensuremath{{{sign}}}" for letter, sign in LETTERS.items()}
    text = made.decode("utf-8").translate(str.maketrans(letters))
    return HASH.sub(lambda found: BREAK.join(textwrap.wrap(found[0], 8)), text).encode("utf-8")

"""From executed notebooks to pages a reviewer can trust."""

import sys

# jsonschema, which nbformat imports, would build a grammar of web addresses, which takes a second and is not used here.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

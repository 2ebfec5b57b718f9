"""From executed notebooks to pages a reviewer can trust."""

import sys

# jsonschema, which nbformat imports, would build a grammar of web addresses (a second); no notebook is checked for them.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

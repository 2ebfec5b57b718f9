"""Write docs/performance.md from what the benchmarks measured: `python bench/page.py`.

`claims.csv` says what is promised of which row of `results/`: least or most of its seconds, ratio or memory.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from record import RESULTS

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "performance.md"
HEAD = """# Performance

Measured by the scripts in `bench/`, ours and the alternative in the same run on the same machine; `make bench` repeats
everything and writes this page from `bench/results/`. A ratio is the alternative's time over ours. The machine is
shared and its speed changes by more than half within hours: a time means something beside its neighbours, a ratio by
itself. Nothing is tested by the clock: the tests check that fast and slow code give the same numbers.

## Claims

Where nothing was promised, the target is what the first edition measured, less a tenth.

"""
Row = dict[str, Any]
NUMBERS = ("measured", "target", "seconds", "there", "ratio", "peak MiB")


def main() -> None:
    """Write the page."""
    made = {
        path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(RESULTS.glob("*.json"))
    }
    with (HERE / "claims.csv").open(encoding="utf-8", newline="") as file:
        claims = [judged(claim, made.get(claim["result"], {"rows": []})) for claim in csv.DictReader(file)]
    parts = [HEAD + table(claims), "## What was measured"]
    for name, found in made.items():
        title = (HERE / f"{name}.py").read_text(encoding="utf-8").split('"""')[1].strip().split("\n")[0]
        quick = f"; 20 million additions took {found['yardstick']:.1f} s" if "yardstick" in found else ""
        parts += [
            f"**`bench/{name}.py`**, {found['date']}{quick}. {title}",
            table(map(details, found["rows"])),
        ]
    last = max(made.values(), key=lambda found: found["date"])
    versions = ", ".join(f"{name} {version}" for name, version in last["versions"].items())
    parts += [f"{last['machine']}; {versions}.", (HERE / "tried.md").read_text(encoding="utf-8")]
    PAGE.write_text("\n\n".join(part.strip() for part in parts) + "\n", encoding="utf-8")


def judged(claim: dict[str, str], found: Row) -> Row:
    """Return a claim with what was measured last (of several rows, the last) and whether that keeps it."""
    rows = [
        row
        for row in found["rows"]
        if row["claim"].startswith(claim["row"]) and row.get("alternative", "").startswith(claim["beside"])
    ]
    value, unit = (rows[-1][claim["measure"]] if rows else None), claim["words"]
    least, most = (float(claim[end]) if claim[end] else None for end in ("least", "most"))
    kept = value is not None and (least is None or value >= least) and (most is None or value <= most)
    bound = f"at least {significant(least)}" if most is None else f"at most {significant(most)}"
    return {
        "claim": claim["claim"],
        "measured": "" if value is None else f"{significant(value)} {unit}".strip(),
        "target": f"{bound} {unit}".strip(),
        "": "not measured" if value is None else "kept" if kept else "**missed**",
    }


def details(row: Row) -> Row:
    """Return a row of a script as the page shows it."""
    size = f" ({row['n']})" if row.get("n") else ""
    return {
        "what": f"{row['claim']}{size}",
        "seconds": significant(row.get("ours_seconds")),
        "beside": row.get("alternative", ""),
        "there": significant(row.get("alternative_seconds")),
        "ratio": significant(row.get("ratio")),
        "peak MiB": significant(row.get("peak_mib")),
        "remark": row.get("note", ""),
    }


def table(rows: Any) -> str:
    """Return rows as a Markdown table; columns that nothing fills are left out, and two alone are a sentence."""
    lines = [{name: str(value).replace("|", "\\|") for name, value in row.items()} for row in rows]
    used = [name for name in lines[0] if any(line[name] for line in lines)]
    if used == ["what", "seconds"]:
        return "; ".join(f"{line['what']} {line['seconds']} s" for line in lines) + "."
    ruled = ["---:" if name in NUMBERS else "---" for name in used]
    cells = [used, ruled, *([line[name] for name in used] for line in lines)]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def significant(value: float | None) -> str:
    """Return a number with about three digits, without an exponent."""
    if value is None:
        return ""
    return (
        f"{value:,.0f}" if value >= 100 else f"{value:.3g}" if value >= 0.001 or not value else f"{value:.6f}"
    )


if __name__ == "__main__":
    main()

"""Write docs/performance.md from what the benchmarks measured: `python bench/page.py`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from record import RESULTS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
TRIED = Path(__file__).with_name("tried.md")
HEAD = """# Performance

Measured by the scripts in `bench/`, ours and the alternative in the same run on the same machine; `make bench` repeats
everything and writes this page from `bench/results/`. A ratio is the alternative's time over ours unless the claim says
otherwise. Nothing here is tested by the clock: the tests check that fast and slow code give the same numbers.

The machine is shared, and its speed changes by more than half within hours. Where it is noted, the time of 20 million
additions in Python says how fast it was just then. A time means something beside its neighbours, a ratio by itself.
"""
COLUMNS = (
    "claim", "n", "ours", "seconds", "alternative", "seconds there", "ratio", "target", "peak MiB", "remark",
)  # fmt: skip


def main() -> None:
    """Write the page."""
    parts = [HEAD]
    for path in sorted(RESULTS.glob("*.json")):
        made = json.loads(path.read_text(encoding="utf-8"))
        script = Path(__file__).with_name(f"{path.stem}.py")
        title = script.read_text(encoding="utf-8").split('"""')[1].strip().split("\n")[0].rstrip(".")
        versions = ", ".join(f"{name} {version}" for name, version in made["versions"].items())
        parts += [f"## {path.stem.replace('_', ' ').capitalize()}", f"`bench/{script.name}`: {title}."]
        parts += [table(made["rows"]), f"{made['date']}, {made['machine']}{speed(made)}; {versions}."]
    parts.append(TRIED.read_text(encoding="utf-8"))
    PAGE.write_text("\n\n".join(part.strip() for part in parts) + "\n", encoding="utf-8")


def speed(made: dict[str, Any]) -> str:
    """Return how fast the machine was when the script ended, where that was noted."""
    found = made.get("yardstick")
    return f", 20 million additions in Python took {found:.1f} s" if found else ""


def table(rows: list[dict[str, Any]]) -> str:
    """Return rows as a Markdown table; columns that nothing fills are left out."""
    lines = [cells(row) for row in rows]
    used = [name for name in COLUMNS if any(line[name] for line in lines)]
    head = [" | ".join(used), " | ".join("---:" if name in NUMBERS else "---" for name in used)]
    return "\n".join(
        f"| {line} |" for line in [*head, *(" | ".join(line[n] for n in used) for line in lines)]
    )


NUMBERS = ("seconds", "seconds there", "ratio", "peak MiB")


def cells(row: dict[str, Any]) -> dict[str, str]:
    """Return the cells of one row as text."""
    words = {
        "claim": "claim",
        "n": "n",
        "ours": "ours",
        "alternative": "alternative",
        "target": "target",
        "remark": "note",
    }
    plain = {name: str(row.get(key) or "").replace("|", "\\|") for name, key in words.items()}
    return plain | {
        "seconds": significant(row.get("ours_seconds")),
        "seconds there": significant(row.get("alternative_seconds")),
        "ratio": significant(row.get("ratio")),
        "peak MiB": "" if row.get("peak_mib") is None else f"{row['peak_mib']:,.0f}",
    }


def significant(value: float | None) -> str:
    """Return a number with about three digits, without an exponent."""
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}" if value >= 0.001 else f"{value:.6f}"


if __name__ == "__main__":
    main()

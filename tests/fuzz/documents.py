# ruff: noqa: E501 - lists of odd values are easier to read in long lines
"""What can happen to YAML and JSON, beyond changes of their text."""

from __future__ import annotations

import datetime as dt
import json
from random import Random
from typing import Any

import yaml

from .mutations import a_file, value, word

LAUGHS = "&a [x,x,x,x,x,x,x,x,x]"
SNIPPETS = (
    "!!python/object/apply:os.system ['id']", "!!python/name:os.system", "!!int foo", "!!float abc", "!!binary x", "!!set {a}",
    "&a [*a]", "&a {b: *a}", "*nowhere", "2001-13-45", "2024-02-30", "0b2", "0o9", "0x", "1_0", "190:20:30", ".inf", "-.inf", ".nan", "1e308",
    "9" * 5000, "[" * 3000, "{a: " * 2000, '"\\uD800"', "'", "|", ">-", "? [a]\n: b", "{[a]: b}", "{a: 1, a: 2}", "- - - -", "%TAG ! x", "---", "...",
    "<<: *x", "~", "[]", "{}", "[[]]", "[1, two, 3.0]", "{a: {b: {c: d}}}", "yes", "no", "on", "\t x", "@x", "`x`", "\x00", "x: y: z",
)  # fmt: skip


def a_yaml(data: str, random: Random) -> bytes:
    """Return YAML after changes of its structure, with odd snippets, or of its text."""
    what = random.random()
    if what < 0.35:
        return yaml.safe_dump(tree(yaml.safe_load(data), random), allow_unicode=True, sort_keys=False).encode(
            "utf-8", "replace"
        )
    if what < 0.65:
        lines = data.split("\n")
        place = random.randrange(len(lines))
        key, colon, _ = lines[place].partition(":")
        lines[place] = f"{key}{colon or ':'} {random.choice(SNIPPETS)}"
        if random.random() < 0.1:
            lines.append(laughs(random.choice((5, 9, 30))))
        return "\n".join(lines).encode("utf-8", "replace")
    return a_file(data, random)


def laughs(levels: int) -> str:
    """Return YAML in which aliases of aliases stand for very many values."""
    lines = ["l0: &l0 [lol]"]
    lines += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(lines)


def a_json(data: str, random: Random) -> bytes:
    """Return JSON after changes of its structure or of its text."""
    if random.random() < 0.6:
        changed = tree(json.loads(data), random)
        return json.dumps(changed, default=str, ensure_ascii=random.random() < 0.5).encode("utf-8", "replace")
    if random.random() < 0.05:
        return b"[" * 100_000
    return a_file(data, random)


def tree(content: Any, random: Random) -> Any:
    """Change one or a few nodes of nested mappings and lists."""
    for _ in range(random.choice((1, 1, 2, 3))):
        content = _node(content, random)
    return content


def _node(content: Any, random: Random) -> Any:
    if isinstance(content, dict) and content and random.random() < 0.85:
        key = random.choice(list(content))
        what = random.randrange(8)
        if what == 0:
            return {name: item for name, item in content.items() if name != key}
        if what == 1:
            return {
                random.choice((word(random), 3, None, 1.5, True)) if name == key else name: item
                for name, item in content.items()
            }
        if what == 2:
            return content | {word(random): fresh(random)}
        return content | {key: _node(content[key], random)}
    if isinstance(content, list) and content and random.random() < 0.85:
        place = random.randrange(len(content))
        what = random.randrange(5)
        if what == 0:
            return content[:place] + content[place + 1 :]
        if what == 1:
            return [*content, content[place]]
        return [*content[:place], _node(content[place], random), *content[place + 1 :]]
    return fresh(random)


def fresh(random: Random) -> Any:
    """Return a plain or nested value."""
    what = random.random()
    if what < 0.6:
        return plain(value(random))
    if what < 0.7:
        return random.choice((float("nan"), float("inf"), [], {}, [[]], [None], {"a": None}, {"": {"": {}}}))
    if what < 0.8:
        deep: Any = word(random)
        for _ in range(random.choice((2, 20, 150))):
            deep = random.choice(([deep], {"a": deep}))
        return deep
    return random.choice(([plain(value(random)), word(random)], {word(random): plain(value(random))}))


def plain(content: Any) -> Any:
    """Return a value that YAML has a form for: times of a workbook become text."""
    return str(content) if isinstance(content, dt.time | dt.timedelta) else content

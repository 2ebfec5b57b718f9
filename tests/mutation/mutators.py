"""Small faults that a reader could overlook: what is changed in the syntax tree of a function.

A mutant is one change at one place: a comparison flipped, a sign swapped, a correction dropped, a constant moved.
"""

from __future__ import annotations

import ast
import copy
import random
from collections.abc import Iterator
from dataclasses import dataclass

COMPARISONS = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,), ast.NotIn: (ast.In,),  # codespell:ignore notin
}  # fmt: skip
OPERATORS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
PAIRS = (
    ("min", "max"), ("minimum", "maximum"), ("nanmin", "nanmax"), ("fmin", "fmax"), ("argmin", "argmax"),
    ("idxmin", "idxmax"), ("any", "all"), ("floor", "ceil"), ("sum", "mean"), ("nansum", "nanmean"), ("std", "var"),
    ("ffill", "bfill"), ("cummax", "cummin"),
)  # fmt: skip
NAMES = {a: b for pair in PAIRS for a, b in (pair, pair[::-1])}
WORDS = {"left": "right", "right": "left", "lower": "higher", "two-sided": "greater", "average": "min"}
DROPPED = {"abs", "absolute", "sqrt", "clip", "fillna", "dropna", "cumsum", "round"}
CORRECTIONS = {"ddof", "correction", "axis", "min_periods", "weights", "sample_weight", "side", "method"}
# Settings that do not decide a result, or only its last digits.
SETTINGS = {
    "atol", "copy", "decimals", "disp", "encoding", "ignore_index", "inplace", "kind", "max_iter", "maxiter", "n_init",
    "n_jobs", "observed", "random_state", "rtol", "sort", "stacklevel", "strict", "tol",
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One change: where it is (module, function, line) and the text of the place before and after."""

    module: str
    function: str
    line: int
    before: str
    after: str
    occurrence: int
    place: int
    choice: int

    @property
    def name(self) -> tuple[str, str, str, str, int]:
        """What stays the same when lines move."""
        return self.module, self.function, self.before, self.after, self.occurrence


def functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Yield the functions and methods of a module with their qualified names; functions inside them belong to them."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from ((f"{node.name}.{m.name}", m) for m in node.body if isinstance(m, ast.FunctionDef))


def mutants(module: str, source: str) -> Iterator[list[Mutant]]:
    """Yield, function by function, all mutants of a module."""
    for function, node in functions(ast.parse(source)):
        found, seen = [], {}
        for place, part in enumerate(_places(node)):
            before = _text(part)
            for choice, new in enumerate(_replacements(part)):
                after = _text(new)
                count = seen[before, after] = seen.get((before, after), -1) + 1
                line = getattr(part, "lineno", node.lineno)
                found.append(Mutant(module, function, line, before, after, count, place, choice))
        yield found


def sample(found: list[Mutant], seed: int, most: int) -> list[Mutant]:
    """Draw from one function: one mutant for every five places that can be changed, 1 at least and `most` at most.

    The draw depends on the seed, the module and the function only; no place is drawn twice.
    """
    if not found:
        return []
    rng = random.Random(f"{seed} {found[0].module} {found[0].function}")
    by_place: dict[int, list[Mutant]] = {}
    for mutant in found:
        by_place.setdefault(mutant.place, []).append(mutant)
    count = min(max(1, len(by_place) // 5), most)
    return [rng.choice(by_place[place]) for place in sorted(rng.sample(sorted(by_place), count))]


def mutated(source: str, mutant: Mutant) -> ast.Module:
    """Return the syntax tree of the module with the change."""
    tree = ast.parse(source)
    node = dict(functions(tree))[mutant.function]
    target = list(_places(node))[mutant.place]
    new = list(_replacements(target))[mutant.choice]
    _Swap(target, new).visit(node)
    return ast.fix_missing_locations(tree)


class _Swap(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        return ast.copy_location(self.new, node) if node is self.old else self.generic_visit(node)


def _places(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """Yield the nodes of a function that can be changed; messages, annotations and settings are left alone."""
    waiting: list[ast.AST] = [
        *function.args.defaults,
        *filter(None, function.args.kw_defaults),
        *function.body,
    ]
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, ast.Raise | ast.JoinedStr | ast.Import | ast.ImportFrom):
            continue
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.keyword) and node.arg in SETTINGS:
            continue
        if next(iter(_replacements(node)), None) is not None:
            yield node
        if isinstance(node, ast.AnnAssign):
            waiting[:0] = [node.value] if node.value else []
        elif isinstance(node, ast.FunctionDef):
            waiting[:0] = [*node.args.defaults, *node.body]
        else:
            waiting[:0] = list(ast.iter_child_nodes(node))


def _replacements(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        for op in COMPARISONS[type(node.ops[0])]:
            yield _changed(node, ops=[op()])
    elif isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        yield _changed(node, op=OPERATORS[type(node.op)]())
        yield node.left
    elif isinstance(node, ast.AugAssign) and type(node.op) in OPERATORS:
        yield _changed(node, op=OPERATORS[type(node.op)]())
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.BoolOp):
        yield _changed(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
    elif isinstance(node, ast.IfExp):
        yield _changed(node, body=node.orelse, orelse=node.body)
    elif isinstance(node, ast.If | ast.While):
        yield _changed(node, test=ast.UnaryOp(ast.Not(), node.test))
    elif isinstance(node, ast.Constant):
        yield from _constants(node.value)
    elif isinstance(node, ast.keyword) and isinstance(node.value, ast.Constant) and node.value.value in WORDS:
        yield _changed(node, value=ast.Constant(WORDS[node.value.value]))
    elif isinstance(node, ast.Call):
        yield from _calls(node)


def _constants(value: object) -> Iterator[ast.AST]:
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int):
        yield ast.Constant(value + 1)
        yield ast.Constant(value - 1)
    elif isinstance(value, float):
        yield ast.Constant(2 * value if value else 1.0)


def _calls(node: ast.Call) -> Iterator[ast.AST]:
    method = isinstance(node.func, ast.Attribute)
    name = node.func.attr if method else getattr(node.func, "id", "")
    library = (
        method
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in {"np", "pd", "math", "stats"}
    )
    if name in NAMES:
        func = _changed(node.func, attr=NAMES[name]) if method else ast.Name(NAMES[name], ast.Load())
        yield _changed(node, func=func)
    if name in DROPPED:
        kept = node.func.value if method and not library else next(iter(node.args), None)
        if kept is not None:
            yield kept
    for word in node.keywords:
        if word.arg in CORRECTIONS:
            yield _changed(node, keywords=[other for other in node.keywords if other is not word])


def _changed(node: ast.AST, **parts: object) -> ast.AST:
    new = copy.copy(node)
    for name, value in parts.items():
        setattr(new, name, value)
    return new


def _text(node: ast.AST) -> str:
    shown = f"if {ast.unparse(node.test)}" if isinstance(node, ast.If | ast.While) else ast.unparse(node)
    return " ".join(shown.split())

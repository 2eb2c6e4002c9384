"""Editing the text of my_resnet.py: one statement in, the rest as it was."""

import ast
from collections.abc import Iterable
from itertools import takewhile

from resnet_helpers.my_work.source import Definition, Statement, statements


def owned(text: str) -> dict[str, Statement]:
    """The statement that defines each name of the file, imports left out."""
    return {n: s for s in statements(text) if not s.is_import for n in s.names}


def imported(text: str) -> dict[str, Statement]:
    """The import that each imported name comes from."""
    return {n: s for s in statements(text) if s.is_import for n in s.names}


def with_statement(text: str, name: str, source: str) -> str:
    """The text with the definition of the name in place of an older one, or at the end."""
    text = without_import(text, name)
    old = owned(text).get(name)
    simple = old and isinstance(old.node, (*Definition, ast.Assign, ast.AnnAssign))
    if simple and old.names == Statement(source, 0, 0).names:
        return _with_lines(text, old, [source.rstrip()])
    gap = "\n\n\n" if isinstance(ast.parse(source).body[0], Definition) else "\n\n"
    return text.rstrip() + gap + source.rstrip() + "\n"


def with_import(text: str, source: str) -> str:
    """The text with the import after those at the top, in place of others of that name."""
    wanted = ast.parse(source).body[0]
    (alias,) = wanted.names
    name = alias.asname or alias.name.split(".")[0]
    if old := imported(text).get(name):
        if any(ast.dump(part) == ast.dump(wanted) for part in _one_by_one(old.node)):
            return text
        if isinstance(wanted, ast.ImportFrom) or alias.asname:  # `import a.b` goes with `import a`
            text = without_import(text, name)
    head = list(takewhile(_belongs_to_head, statements(text)))
    if isinstance(wanted, ast.ImportFrom) and wanted.module == "__future__":  # has to be the first
        head = [statement for statement in head if not statement.is_import]
    lines = text.split("\n")
    comments = len(list(takewhile(lambda line: line.startswith("#"), lines)))  # coding: …
    last = head[-1].last if head else comments
    is_first = not head or not head[-1].is_import
    lines[last:last] = [""] * is_first + [source]
    return "\n".join(lines)


def _belongs_to_head(statement: Statement) -> bool:
    """Whether it is an import or a docstring, as stand at the top of a file."""
    return statement.is_import or isinstance(statement.node, ast.Expr)


def without_import(text: str, name: str) -> str:
    """The text without the name's import; other names of the same statement stay."""
    old = imported(text).get(name)
    if not old:
        return text
    keep = [part for part in _one_by_one(old.node) if _bound(part) != name]
    return _with_lines(text, old, [ast.unparse(part) for part in keep])


def _one_by_one(node: ast.Import | ast.ImportFrom) -> list[ast.Import | ast.ImportFrom]:
    """The import, one name each."""
    if isinstance(node, ast.Import):
        return [ast.Import([alias]) for alias in node.names]
    return [ast.ImportFrom(node.module, [alias], node.level) for alias in node.names]


def _bound(part: ast.Import | ast.ImportFrom) -> str:
    (alias,) = part.names
    return alias.asname or alias.name.split(".")[0]


def _with_lines(text: str, old: Statement, new: list[str]) -> str:
    lines = text.split("\n")
    lines[old.first - 1 : old.last] = new
    return "\n".join(lines)


def one_a_line(text: str) -> str:
    """The text with no two statements on one line, so that each can be replaced by its lines."""
    lines, found = text.split("\n"), statements(text)
    while found:
        together = [found.pop()]
        while found and found[-1].last == together[0].first:
            together.insert(0, found.pop())
        if len(together) > 1:
            sources = [line for statement in together for line in statement.source.split("\n")]
            lines[together[0].first - 1 : together[-1].last] = sources
    return "\n".join(lines)


def in_order(text: str) -> str:
    """The text with each statement after those it needs at once, as a class needs its bases.

    What is in order already stays where it is. A statement takes the comment above it along.
    """
    found = statements(text)
    home = {name: statement for statement in found for name in statement.names}
    placed: list[Statement] = []
    underway: list[Statement] = []

    def place(statement: Statement, needs: Iterable[str]) -> None:
        if statement in underway:
            return
        underway.append(statement)
        for name in sorted(needs, key=list(home).index):
            if home[name] is not statement:
                place(home[name], home[name].needs & home.keys())  # it may be called
        placed.append(statement)

    for statement in found:
        place(statement, statement.needs_at_once & home.keys())
    if placed == found:
        return text
    lines, start, blocks = text.split("\n"), 0, {}
    for statement in found:
        blocks[statement] = lines[start : statement.last]
        start = statement.last
    return "\n".join([line for s in placed for line in blocks[s]] + lines[start:])


def changed(old: str, new: str) -> set[str]:
    """The names that the old text defines or imports, and the new one otherwise or not at all."""

    def meanings(text: str) -> dict[str, str]:
        found = {name: ast.dump(s.node) for name, s in owned(text).items()}
        for name, statement in imported(text).items():
            parts = [ast.dump(p) for p in _one_by_one(statement.node) if _bound(p) == name]
            found.setdefault(name, "".join(parts))
        return found

    after = meanings(new)
    return {name for name, meaning in meanings(old).items() if after.get(name) != meaning}


def users(text: str, names: set[str]) -> list[str]:
    """The file's own names whose statements use one of these, by themselves or through others."""
    used, before = set(names), set()
    own = owned(text)
    while used != before:
        before = set(used)
        used |= {name for name, statement in own.items() if statement.needs & used}
    return [name for name in own if name in used - names]

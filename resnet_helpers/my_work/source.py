"""What was typed: the texts that live code came from, and their statements.

A statement is the unit in which a notebook's text is taken along: an import, a definition or an
assignment. Which names it reads and binds is Python's own account of it (`symtable`).
"""

import __future__

import ast
import dis
import functools
import inspect
import linecache
import symtable
import sys
import types
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

ANNOTATIONS = __future__.annotations.compiler_flag
Definition = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
Import = (ast.Import, ast.ImportFrom)


@dataclass(frozen=True)
class Statement:
    """One statement: its text, without indentation, and the lines of the whole that it takes up."""

    source: str
    first: int
    last: int

    @cached_property
    def node(self) -> ast.stmt:
        return ast.parse(self.source).body[0]

    @cached_property
    def names(self) -> set[str]:
        """The names that it binds."""
        symbols = symtable.symtable(self.source, "<statement>", "exec").get_symbols()
        return {s.get_name() for s in symbols if s.is_assigned() or s.is_imported()}

    @cached_property
    def reads(self) -> list[str]:
        """The names that it takes from around it, in order of appearance."""
        return _names_read(self.source) if not self.is_import else []

    @cached_property
    def needs(self) -> set[str]:
        """Those of them that it cannot do without: not in annotations, which may stay unread."""
        return set(_names_read("from __future__ import annotations\n" + self.source))

    @cached_property
    def needs_at_once(self) -> set[str]:
        """Those that are read when the statement runs, and not only when its functions do."""
        return _loaded(self.node) & set(self.reads)

    @cached_property
    def made_from_itself(self) -> bool:
        """Whether it reads the former value of a name that it binds, as x = f(x) does."""
        if isinstance(self.node, ast.AugAssign):
            return True
        head = [self.node]
        if isinstance(self.node, ast.ClassDef):  # its body may bind the name before reading it
            head = [*self.node.decorator_list, *self.node.bases, *self.node.keywords]
        return any(self.names & _loaded(part) for part in head)

    @property
    def is_import(self) -> bool:
        return isinstance(self.node, Import)


def _names_read(source: str) -> list[str]:
    tables = [top := symtable.symtable(source, "<statement>", "exec")]
    bound = {s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported()}
    read = set()
    for table in tables:
        for symbol in table.get_symbols():
            if symbol.is_referenced() and (symbol.is_global() or table is top):
                read.add(symbol.get_name())
        tables += table.get_children()
    names = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)]
    names.sort(key=lambda node: (node.lineno, node.col_offset))
    in_order = dict.fromkeys(node.id for node in names)
    return [name for name in in_order if name in read - bound]


def _run_at_once(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run with the statement: not the bodies of functions."""
    yield node
    children = list(ast.iter_child_nodes(node))
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        children = [*node.decorator_list, node.args, *filter(None, [node.returns])]
    elif isinstance(node, ast.Lambda):
        children = [node.args]
    for child in children:
        yield from _run_at_once(child)


def _loaded(node: ast.AST) -> set[str]:
    """The names that are read when the node runs."""
    names = (n for n in _run_at_once(node) if isinstance(n, ast.Name))
    return {n.id for n in names if isinstance(n.ctx, ast.Load)}


# ---- A text's statements ----------------------------------------------------------------------


def statements(text: str, *, nested: bool = False) -> list[Statement]:
    """The top-level statements; with `nested` also those within `if`, `try`, `with` and loops.

    Raises:
        SyntaxError, ValueError: the text is no Python.
    """
    nodes = ast.parse(text).body
    return [_statement(text, node) for node in (_flat(nodes) if nested else nodes)]


def _flat(nodes: list[ast.stmt]) -> Iterator[ast.stmt]:
    for node in nodes:
        yield node
        if not isinstance(node, Definition):
            for block in ("body", "handlers", "cases", "orelse", "finalbody"):
                children = getattr(node, block, [])
                if block in ("handlers", "cases"):
                    children = [statement for child in children for statement in child.body]
                yield from _flat(children)


def _statement(text: str, node: ast.stmt) -> Statement:
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
    lines = text.split("\n")[first - 1 : node.end_lineno]
    before = lines[0].encode()[: node.col_offset] if node.lineno == first else b""
    after = lines[-1].encode()[node.end_col_offset :].strip()
    if before.strip() or (after and not after.startswith(b"#")):  # it shares its line with others
        source = ast.get_source_segment(text, node)
    else:
        source = "\n".join(_without_indent(lines, node, first))
    return Statement(source, first, node.end_lineno)


def _without_indent(lines: list[str], node: ast.stmt, first: int) -> list[str]:
    """The lines moved to the left margin, but for those that go on with a string."""
    within_strings = {
        line - first
        for part in ast.walk(node)
        if isinstance(part, (ast.Constant, ast.JoinedStr)) and part.end_lineno > part.lineno
        for line in range(part.lineno + 1, part.end_lineno + 1)
    }
    margin = " " * node.col_offset
    return [
        line if i in within_strings else line.removeprefix(margin) for i, line in enumerate(lines)
    ]


# ---- Live code and its text -------------------------------------------------------------------


def find(name: str, value: Any) -> Statement | None:
    """The statement that gave the live value its name, if its text is known.

    A function or class is known by its compiled code, which must be exactly that of the text;
    anything else, by its name: that is the last statement to bind it.
    """
    codes = _codes(name, value)
    for text in _texts(codes):
        if name not in text:
            continue
        try:
            candidates = statements(text, nested=True)
        except (SyntaxError, ValueError):
            continue
        if codes:
            lines = {c.co_firstlineno for c in codes if _original(c, text)}
            candidates = [c for c in candidates if any(c.first <= n <= c.last for n in lines)]
        for statement in reversed(candidates):
            if name in statement.names:
                return statement
    return None


def cells() -> Iterator[str]:
    """The texts of the notebook's cells, the last to run first, as IPython gave them to Python."""
    history = vars(sys.modules["__main__"]).get("In")
    texts = history if isinstance(history, list) else []
    if texts == [""]:  # nbval has IPython keep none; the lines that tracebacks show are kept
        texts = ["".join(e[2]) for e in linecache.cache.values() if len(e) == 4 and e[1] is None]
    for text in reversed(texts):
        yield from _bodies_of_magics(text)
        yield text


def _bodies_of_magics(text: str) -> Iterator[str]:
    """What stands below a %%time: it is compiled by itself, and linecache does not know it."""
    if "run_cell_magic" not in text:
        return
    from IPython.core.inputtransformer2 import TransformerManager

    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Call(
                func=ast.Attribute(attr="run_cell_magic"), args=[_, _, ast.Constant(value=body)]
            ):
                body = TransformerManager().transform_cell(body)
                yield from _bodies_of_magics(body)
                yield body


def _texts(codes: list[types.CodeType]) -> Iterator[str]:
    """The texts in which code may be found, the likeliest first."""
    for filename in dict.fromkeys(code.co_filename for code in codes):
        linecache.checkcache(filename)
        yield "".join(linecache.getlines(filename))
    yield from cells()


def _codes(name: str, value: Any) -> list[types.CodeType]:
    """The code of the function or of the class's methods, as far as it stands in the definition."""
    members = vars(value).values() if isinstance(value, type) else [value]
    codes = []
    for member in members:
        member = getattr(member, "fget", None) or getattr(member, "func", None) or member
        try:
            code = inspect.unwrap(member).__code__
        except (AttributeError, ValueError):
            continue
        if isinstance(code, types.CodeType) and code.co_qualname.split(".")[0] == name:
            codes.append(code)
    return codes


def has_future_annotations(name: str, value: Any) -> bool:
    """Whether the value comes from a cell with `from __future__ import annotations`."""
    return any(code.co_flags & ANNOTATIONS for code in _codes(name, value))


def plain_code(code: types.CodeType) -> tuple:
    """What the code does, without its lines, and as if no annotation were ever looked up."""
    for text in _texts([code]):
        with suppress(SyntaxError, ValueError):
            if original := _original(code, text):
                return fingerprint(original)
    return fingerprint(code)


def global_names(code: types.CodeType) -> set[str]:
    """The global names that the code, or the code within it, reads or binds."""
    operations = ("LOAD_GLOBAL", "LOAD_NAME", "STORE_GLOBAL", "LOAD_FROM_DICT_OR_GLOBALS")
    names = {i.argval for i in dis.get_instructions(code) if i.opname in operations}
    return names.union(*(global_names(c) for c in code.co_consts if isinstance(c, types.CodeType)))


def _original(code: types.CodeType, text: str) -> types.CodeType | None:
    """The text's code of which this is a copy, or None; as it is on its own (see there)."""
    place, wanted = (code.co_qualname, code.co_firstlineno), fingerprint(code)
    for as_run in _as_run(text, code.co_flags & ANNOTATIONS):
        for index, candidate in enumerate(as_run[place]):
            if fingerprint(candidate) == wanted:
                return _on_its_own(text)[place][index]
    return None


Codes = dict[tuple[str, int], list[types.CodeType]]  # by name and first line


@functools.lru_cache(maxsize=256)
def _as_run(text: str, flags: int) -> tuple[Codes, Codes]:
    """All code of the text, compiled as a whole and, as IPython does, statement by statement."""
    tree = ast.parse(text)
    return _compiled([tree], flags), _compiled([ast.Module([n], []) for n in tree.body], flags)


@functools.lru_cache(maxsize=256)
def _on_its_own(text: str) -> Codes:
    """All code of the text, each definition compiled by itself, and annotations left alone.

    What else stands in a text can change the code: a call of a name that it imports is compiled
    in another way.
    """
    nodes = (node for node in _flat(ast.parse(text).body) if not hasattr(node, "orelse"))
    return _compiled([ast.Module([node], []) for node in nodes], ANNOTATIONS)


def _compiled(trees: Iterable[ast.Module], flags: int) -> Codes:
    found = defaultdict(list)
    for tree in trees:
        try:
            codes = [compile(tree, "<text>", "exec", flags, dont_inherit=True)]
        except (SyntaxError, ValueError):  # `await` in a cell, for one
            continue
        for code in codes:
            found[code.co_qualname, code.co_firstlineno].append(code)
            codes += [c for c in code.co_consts if isinstance(c, types.CodeType)]
    return found


def fingerprint(code: types.CodeType) -> tuple:
    """All of the code that matters when it runs."""
    return (
        code.co_name,
        code.co_code,
        tuple(_constant(constant) for constant in code.co_consts),
        code.co_names,
        code.co_varnames,
        code.co_freevars,
        code.co_cellvars,
        (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount),
        code.co_flags & ~ANNOTATIONS,
        code.co_exceptiontable,
    )


def _constant(value: Any) -> Any:
    """A constant in a form that tells 1 from 1.0 and True."""
    if isinstance(value, types.CodeType):
        return fingerprint(value)
    if isinstance(value, frozenset):
        return type(value), sorted(map(repr, value))
    return type(value), repr(value)

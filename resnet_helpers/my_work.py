"""A learner's own classes and functions, carried from one notebook to the next.

`save` writes their source into a readable `my_resnet.py`; `use` takes each piece from there, or
the reference answer where there is none, and says which.
"""

import ast
import builtins
import difflib
import importlib.util
import linecache
import os
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from resnet_helpers import solutions
from resnet_helpers.errors import CourseError

FILENAME = "my_resnet.py"
# Annotations are not looked up (the __future__), so that the order of the pieces does not matter.
NEW_FILE = '''\
"""My ResNet: written by my_work.save, read by my_work.use, and mine to edit."""

from __future__ import annotations
'''

Piece = type | types.FunctionType
Definition = ast.ClassDef | ast.FunctionDef


class MyWorkError(CourseError):
    """A piece cannot be saved; what was saved before is as it was."""


def file() -> Path:
    """Where the pieces are kept: beside the notebook, or in the folder RESNET_HELPERS_WORK."""
    return Path(os.environ.get("RESNET_HELPERS_WORK", ".")) / FILENAME


def save(*pieces: Piece) -> None:
    """Write the source of classes or functions into my_resnet.py, each in place of its former self.

    What they use goes along: imports, and other functions and classes of the same notebook. The
    rest of the file stays as it is.

    Raises:
        MyWorkError: a piece has no source here, uses a name that cannot be taken along, or
            my_resnet.py is no valid Python. The file is left as it was.
    """
    text = file().read_text(encoding="utf-8") if file().exists() else NEW_FILE
    try:
        ast.parse(text)
    except SyntaxError as error:
        raise MyWorkError(
            f"{FILENAME} is not valid Python (line {error.lineno}: {error.msg}), so nothing was "
            "saved: mend that line, or move the file away, and run this cell again."
        ) from None
    for piece in pieces:
        text = _with_piece(text, piece)
    beside = file().with_suffix(".tmp")  # written whole or not at all
    beside.write_text(text, encoding="utf-8")
    beside.replace(file())
    names = " and ".join(piece.__name__ for piece in pieces)
    print(f"Saved {names} in {FILENAME}.")


def use(*names: str) -> Any:
    """The pieces of these names: a learner's own from my_resnet.py, or else the reference answer.

    One name gives one piece, several give a tuple. Prints which of the two each one is.

    Raises:
        MyWorkError: a name is neither that of an exercise nor in my_resnet.py.
    """
    mine, trouble = _load()
    if trouble:
        print(f"{trouble} Until that is mended, the reference answers are used.")
    pieces = []
    for name in names:
        own = getattr(mine, name, None)
        is_own = getattr(own, "__module__", None) == "my_resnet"
        if not is_own and not hasattr(solutions, name):
            near = difflib.get_close_matches(name, vars(solutions))
            meant = f"did you mean {' or '.join(near)}?" if near else "check the spelling."
            raise MyWorkError(f"No exercise is called {name}, and no piece in {FILENAME}: {meant}")
        pieces.append(own if is_own else getattr(solutions, name))
        print(f"{name}: {f'yours, from {FILENAME}' if is_own else 'the reference answer'}")
    return pieces[0] if len(pieces) == 1 else tuple(pieces)


def _load() -> tuple[types.ModuleType | None, str]:
    """The module my_resnet, run afresh; or None, and what is wrong with it if it is there."""
    if not file().exists():
        return None, ""
    linecache.checkcache()  # the file may have been saved again since
    spec = importlib.util.spec_from_file_location("my_resnet", file())
    module = importlib.util.module_from_spec(spec)
    try:
        code = compile(file().read_text(encoding="utf-8"), str(file()), "exec")
        exec(code, module.__dict__)
    except Exception as error:
        line, message = _line_in(file(), error), str(error)
        if isinstance(error, SyntaxError):
            line, message = error.lineno, error.msg
        return None, f"{FILENAME} does not run (line {line}: {type(error).__name__}: {message})."
    sys.modules["my_resnet"] = module  # so that pickle and inspect find its classes
    return module, ""


def _line_in(path: Path, error: Exception) -> int:
    """The line of the file in which the error arose."""
    frame, line = error.__traceback__, 0
    while frame:
        if frame.tb_frame.f_code.co_filename == str(path):
            line = frame.tb_lineno
        frame = frame.tb_next
    return line


# ---- One piece into the file ----------------------------------------------------------------


def _with_piece(text: str, piece: Piece, underway: tuple[Piece, ...] = ()) -> str:
    """The file's text with the piece in it, and with what the piece uses.

    `underway` are the pieces that brought this one along, two of which may use each other.
    """
    source = _source(piece)
    for name in _names_used(source):
        value = _global_of(piece, name)
        if value is piece or value in underway:
            continue
        if not _is_own(value):
            text = _with_import(text, _import_of(piece, name, value), piece)
        elif value.__name__ != name:
            raise MyWorkError(
                f"{piece.__name__} uses {name}, which is {value.__name__} under another name: "
                f"write {value.__name__} in its place, and save again."
            )
        elif name not in _definitions(text):
            text = _with_piece(text, value, (*underway, piece))
    return _with_definition(text, piece.__name__, source)


def _source(piece: Piece) -> str:
    """The source of a class or function, also of one that was typed into a notebook.

    `inspect.getsource` finds no class of a notebook before Python 3.13; but its methods know
    which cell they come from, and `linecache` knows the cell's text.

    Raises:
        MyWorkError: there is no source.
    """
    for function in _functions(piece):
        code = function.__code__
        lines = linecache.getlines(code.co_filename)
        for node in ast.walk(ast.parse("".join(lines))):
            if isinstance(node, Definition) and node.name == piece.__name__:
                first = _first_line(node)
                if first <= code.co_firstlineno <= node.end_lineno:
                    return "".join(lines[first - 1 : node.end_lineno])
    raise MyWorkError(
        f"{getattr(piece, '__name__', piece)} has no source that could be saved: pass a class or "
        "function that you defined in a cell, as in my_work.save(BatchNorm2d)."
    )


def _first_line(node: Definition) -> int:
    """Where a definition begins, its decorators included."""
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def _functions(piece: Piece) -> list[types.FunctionType]:
    """The function itself, or the methods of the class."""
    candidates = vars(piece).values() if isinstance(piece, type) else [piece]
    return [value for value in candidates if isinstance(value, types.FunctionType)]


def _names_used(source: str) -> Iterator[str]:
    """The names that the source reads and does not define itself, in order of appearance."""
    tree = ast.parse(source)
    bound = {node.name for node in ast.walk(tree) if isinstance(node, Definition)}
    bound |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    bound |= {node.id for node in names if not isinstance(node.ctx, ast.Load)}
    read = [node.id for node in sorted(names, key=lambda n: (n.lineno, n.col_offset))]
    for name in dict.fromkeys(read):
        if name not in bound and not hasattr(builtins, name):
            yield name


def _global_of(piece: Piece, name: str) -> Any:
    """What the name means where the piece was defined.

    Raises:
        MyWorkError: nothing of that name is there.
    """
    for function in _functions(piece):
        if name in function.__globals__:
            return function.__globals__[name]
    raise MyWorkError(
        f"{piece.__name__} uses {name}, which is not defined in this notebook: run the cell that "
        "defines or imports it, and save again."
    )


def _is_own(value: Any) -> bool:
    """Whether the learner wrote it: in this notebook, or in my_resnet.py."""
    is_definition = isinstance(value, (type, types.FunctionType))
    return is_definition and value.__module__ in ("__main__", "my_resnet")


def _import_of(piece: Piece, name: str, value: Any) -> str:
    """The statement that gives `name` its value in another file.

    Raises:
        MyWorkError: no import gives it, as for a number.
    """
    if isinstance(value, types.ModuleType):
        if value.__name__ == name:
            return f"import {name}"
        parent, _, last = value.__name__.rpartition(".")
        if last == name and parent:
            return f"from {parent} import {name}"
        return f"import {value.__name__} as {name}"
    module, original = getattr(value, "__module__", None), getattr(value, "__name__", None)
    for origin in (_public_origin(name, value), module):
        for attribute in (name, original):
            if origin and attribute and getattr(sys.modules.get(origin), attribute, None) is value:
                alias = "" if attribute == name else f" as {name}"
                return f"from {origin} import {attribute}{alias}"
    raise MyWorkError(
        f"{piece.__name__} uses {name}, which is neither imported nor a function or class, so it "
        f"would be missing in {FILENAME}: make it an argument or an attribute of the class."
    )


def _public_origin(name: str, value: Any) -> str | None:
    """The module people import this from, where its own `__module__` names an inner one."""
    for module in ("torch", "torch.nn", "jaxtyping", "einops", "typing", "collections.abc"):
        if getattr(sys.modules.get(module), name, None) is value:
            return module
    return None


# ---- Editing the file's text ------------------------------------------------------------------


def _definitions(text: str) -> dict[str, Definition]:
    """The top-level classes and functions by name."""
    return {node.name: node for node in ast.parse(text).body if isinstance(node, Definition)}


def _with_import(text: str, statement: str, piece: Piece) -> str:
    """The text with the import after its other imports, unless it is there already.

    Raises:
        MyWorkError: the file gives the name another meaning.
    """
    (wanted,) = ast.parse(statement).body
    name = _bound_by(wanted)[0]
    if name in _definitions(text):  # the learner's own piece has taken the reference's place
        return text
    last_line = 0
    for node in ast.parse(text).body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            if name in _bound_by(node):
                if ast.dump(_only(node, name)) == ast.dump(wanted):
                    return text
                raise MyWorkError(
                    f"{piece.__name__} needs `{statement}`, but {FILENAME} has "
                    f"`{ast.unparse(node)}`: use another name for one of the two."
                )
            last_line = node.end_lineno
        elif not last_line and isinstance(node, ast.Expr):  # the docstring
            last_line = node.end_lineno
    lines = text.splitlines(keepends=True)
    is_first = not any(line.startswith(("import ", "from ")) for line in lines)
    lines.insert(last_line, ("\n" if is_first else "") + statement + "\n")
    return "".join(lines)


def _bound_by(node: ast.Import | ast.ImportFrom) -> list[str]:
    """The names that an import statement defines."""
    return [alias.asname or alias.name for alias in node.names]


def _only(node: ast.Import | ast.ImportFrom, name: str) -> ast.Import | ast.ImportFrom:
    """The import statement with this one name only."""
    names = [alias for alias in node.names if (alias.asname or alias.name) == name]
    if isinstance(node, ast.Import):
        return ast.Import(names)
    return ast.ImportFrom(node.module, names, node.level)


def _with_definition(text: str, name: str, source: str) -> str:
    """The text with the definition in place of an older one of the same name, or at the end."""
    for node in ast.parse(text).body:  # the reference of that name, which it replaces
        if isinstance(node, ast.ImportFrom) and _bound_by(node) == [name]:
            lines = text.splitlines(keepends=True)
            text = "".join(lines[: node.lineno - 1] + lines[node.end_lineno :])
            break
    lines = text.splitlines(keepends=True)
    if node := _definitions(text).get(name):
        lines[_first_line(node) - 1 : node.end_lineno] = [source.rstrip() + "\n"]
        return "".join(lines)
    return text.rstrip() + "\n\n\n" + source.rstrip() + "\n"

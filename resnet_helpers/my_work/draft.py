"""A new text of my_resnet.py in the making: pieces come in, and bring along what they use."""

import ast
import builtins
import inspect
import os
import subprocess
import sys
import sysconfig
import types
from pathlib import Path
from typing import Any

import torch

from resnet_helpers import solutions
from resnet_helpers.my_work.disk import FILENAME, MODULE, DoesNotRunError, MyWorkError, tried_out
from resnet_helpers.my_work.same import MISSING, Comparison, state
from resnet_helpers.my_work.source import Statement, cells, find, has_future_annotations
from resnet_helpers.my_work.text import in_order, one_a_line, owned, with_import, with_statement

# The pieces that the course has an answer for. Python 3.14 makes a module's annotations when first
# asked for them, and puts them among its names: so not while going through these.
ANNOTATED = solutions.__annotations__
REFERENCE = {
    name: value
    for name, value in vars(solutions).items()
    if getattr(value, "__module__", None) == solutions.__name__ or name in ANNOTATED
}
HOMES = {MODULE, solutions.__name__}
# What IPython puts into every notebook, and where a plain Python finds it.
IPYTHON = {"get_ipython": "IPython", "display": "IPython.display"}
# Where people import from what is defined in some inner module.
PUBLIC_MODULES = ("torch", "torch.nn", "jaxtyping", "einops", "typing", "collections.abc")
# Their functions make a value, and do nothing else: TypeVar(…), partial(…), torch.tensor(…).
MODULES_OF_VALUES = ("torch", "numpy", "math", "re", "functools", "typing", "collections")
OF_ANY_MODULE = ("__name__", "__file__", "__doc__")
LONGEST_LITERAL = 1000
INSTALLED = tuple(  # where nobody keeps files of one's own
    f"{folder}{os.sep}"
    for folder in (
        *map(sysconfig.get_path, ("stdlib", "purelib", "platlib")),
        Path(torch.__file__).parents[1],
        Path(solutions.__file__).parent,
    )
)


class Draft:
    """The text, with the live values of the names that this save brought into it."""

    def __init__(self, text: str):
        self.brought: dict[str, Any] = {}
        self.asked_for: list[str] = []
        self._text = one_a_line(text)
        try:
            with tried_out(text) as module:
                self._before = vars(module)
        except DoesNotRunError:  # perhaps what comes in mends it
            self._before = {}

    @property
    def text(self) -> str:
        return in_order(self._text)

    def bring(self, name: str, value: Any, user: Statement | None = None) -> None:
        """Put in the statement that gives the name this value, after all that it uses.

        `user` is the statement that uses the name; none if a learner asked for it.

        Raises:
            MyWorkError: there is no statement that could be taken along.
        """
        if name in self.brought:
            return
        self.brought[name] = value
        if not user:
            self.asked_for.append(name)
        came_from_the_file = getattr(value, "__module__", None) == MODULE
        if (user or came_from_the_file) and self._is_there(name, value):
            return
        statement = _statement_of_piece(name, value) if not user else _statement(name, value, user)
        if statement.is_import:
            self._import(name, statement, user)
            return
        if statement.made_from_itself:
            raise MyWorkError(
                f"{name} is made from a former {name}, and {FILENAME} has room for one of them, "
                "so nothing was saved: give the new one another name, or write it out whole."
            )
        namespace = vars(sys.modules["__main__"]) if user else _namespace(value)
        for needed in statement.reads:
            self._need(needed, namespace, statement)
        if has_future_annotations(name, value):
            self._text = with_import(self._text, "from __future__ import annotations")
        self._text = with_statement(self._text, name, statement.source)

    def _need(self, name: str, namespace: dict[str, Any], user: Statement) -> None:
        value = namespace.get(name, MISSING)
        if value is MISSING and name in IPYTHON:
            value = getattr(builtins, name, MISSING)
        if value is MISSING:
            if name in user.needs and not hasattr(builtins, name) and name not in OF_ANY_MODULE:
                raise MyWorkError(
                    f"{_title(user)} uses {name}, which is not defined in this notebook: run the "
                    "cell that defines or imports it, and save again."
                )
            return
        if name in owned(self._text) and stands_for(value, self._before.get(name)):
            return
        self.bring(name, value, user)

    def _is_there(self, name: str, value: Any) -> bool:
        """Whether the file, as it was, gives the name just this value."""
        comparison = Comparison(state(self._text), stands_for)
        made = self._before.get(name, MISSING)
        return made is not MISSING and not comparison.difference(value, made, name)

    def _import(self, name: str, statement: Statement, user: Statement) -> None:
        if name in owned(self._text):
            raise MyWorkError(
                f"{_title(user)} needs `{statement.source}`, but {FILENAME} has a {name} of its "
                "own: use another name for one of the two."
            )
        self._text = with_import(self._text, statement.source)
        for source in _imports_of_submodules(name):
            if source.removeprefix("import ") in user.source:
                self._text = with_import(self._text, source)


def stands_for(live: Any, made: Any) -> bool:
    """Whether the second may take the first one's place in what uses it.

    So may whatever the file has for a piece that came from the file, or from the reference; and
    what a plain Python imports for what IPython puts into a notebook.
    """
    name, home = getattr(live, "__name__", None), getattr(live, "__module__", None)
    return (
        isinstance(name, str)
        and getattr(made, "__name__", None) == name
        and (name in IPYTHON or {home, getattr(made, "__module__", None)} <= HOMES)
    )


def _title(statement: Statement) -> str:
    return " and ".join(sorted(statement.names))


def is_definition(value: Any) -> bool:
    """Whether it is a class or a function, perhaps a decorated one."""
    return isinstance(value, (type, types.FunctionType)) or hasattr(value, "__wrapped__")


def _namespace(value: Any) -> dict[str, Any]:
    """The variables among which the value was defined: those of its module, or the notebook's."""
    module = getattr(inspect.unwrap(value), "__module__", "") if is_definition(value) else ""
    return vars(sys.modules.get(module) or sys.modules["__main__"])


# ---- Which statement gives a name its value -----------------------------------------------------


def _statement_of_piece(name: str, value: Any) -> Statement:
    statement = find(name, value)
    if statement is None and getattr(value, "__module__", None) == MODULE:
        raise MyWorkError(
            f"{name} came from {FILENAME}, and is not what is there now: take it from there again, "
            f'{name} = my_work.use("{name}"), or define it in a cell.'
        )
    if statement is None or statement.is_import:
        raise MyWorkError(
            f"{name} has no source that could be saved: run the cell that defines it once more, "
            f"and then my_work.save({name})."
        )
    return statement


def _statement(name: str, value: Any, user: Statement) -> Statement:
    """The statement that gives the name its value, for another one that uses it."""
    if getattr(value, "__name__", name) != name and stands_for(value, value):
        return Statement(f"{name} = {value.__name__}", 0, 0)
    if source := _import(name, value):
        return Statement(source, 0, 0)
    statement = find(name, value)
    if statement and statement.is_import:
        return Statement(_only(statement.node, name), 0, 0)
    if not is_definition(value):
        simple = statement is not None and _is_simple(statement)
        if _is_literal(value):
            # what the code itself changes begins with its first value; anything else is as it is
            changes = ("variable", name) in state(user.source)
            if not (simple and (changes or _literal_of(statement) == repr(value))):
                statement = Statement(f"{name} = {value!r}", 0, 0)
        elif not simple:
            statement = None
    if statement is None:
        raise MyWorkError(
            f"{_title(user)} uses {name}, which was computed in this notebook and would be missing "
            f"in {FILENAME}: make it an argument, or an attribute of the class."
        )
    return statement


def _is_literal(value: Any) -> bool:
    """Whether its repr is an expression for it, as with numbers and strings and lists of them."""
    try:
        text = repr(value)
        same = not Comparison().difference(value, ast.literal_eval(text), "")
    except Exception:
        return False
    return same and len(text) <= LONGEST_LITERAL


def _literal_of(statement: Statement) -> str:
    """The repr of the value that the statement assigns, if it is a literal."""
    try:
        return repr(ast.literal_eval(statement.node.value))
    except ValueError:
        return ""


def _is_simple(statement: Statement) -> bool:
    """Whether it assigns a value that can be made anew at any time: no file read, no training."""
    if not isinstance(statement.node, (ast.Assign, ast.AnnAssign)) or len(statement.names) > 1:
        return False
    called = (n.func for n in ast.walk(statement.node) if isinstance(n, ast.Call))
    return all(_makes_a_value(_dotted(callee)) for callee in called)


def _dotted(node: ast.expr) -> Any:
    """What a name, or a name with attributes, stands for in the notebook."""
    if isinstance(node, ast.Attribute):
        return getattr(_dotted(node.value), node.attr, MISSING)
    variables = vars(sys.modules["__main__"])
    name = getattr(node, "id", "")
    return variables.get(name, getattr(builtins, name, MISSING))


def _makes_a_value(function: Any) -> bool:
    module = getattr(function, "__module__", None) or ""
    return isinstance(function, type) or module.split(".")[0] in MODULES_OF_VALUES


# ---- Imports ------------------------------------------------------------------------------------


def _import(name: str, value: Any) -> str:
    """The statement that imports the value under this name; "" if none does.

    Raises:
        MyWorkError: it comes from a module that a new notebook would not find.
    """
    if name in IPYTHON:
        return f"from {IPYTHON[name]} import {name}"
    if isinstance(value, types.ModuleType) and sys.modules.get(value.__name__) is value:
        return _import_of_module(name, value.__name__)
    if REFERENCE.get(name, MISSING) is value:
        return f"from {solutions.__name__} import {name}"
    if _is_literal(value):
        return ""
    public = [m for m in PUBLIC_MODULES if getattr(sys.modules.get(m), name, MISSING) is value]
    for module in (*public, getattr(value, "__module__", None)):
        for attribute in (name, getattr(value, "__name__", None)):
            if (
                isinstance(module, str)
                and isinstance(attribute, str)
                and module not in ("__main__", MODULE)
                and getattr(sys.modules.get(module), attribute, MISSING) is value
            ):
                _require_findable(name, module)
                alias = "" if attribute == name else f" as {name}"
                return f"from {module} import {attribute}{alias}"
    return ""


def _import_of_module(name: str, module: str) -> str:
    _require_findable(name, module)
    parent, _, last = module.rpartition(".")
    if module == name:
        return f"import {name}"
    return f"from {parent} import {name}" if last == name else f"import {module} as {name}"


def _require_findable(name: str, module: str) -> None:
    """Raise a MyWorkError where only this notebook knows the module, as after sys.path.append."""
    top = module.split(".")[0]
    file = getattr(sys.modules[top], "__file__", None)
    if top in sys.stdlib_module_names or (file and file.startswith(INSTALLED)):
        return
    ask = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({top!r}) is None)"
    if subprocess.run([sys.executable, "-c", ask], capture_output=True).returncode != 0:
        raise MyWorkError(
            f"{name} is imported from {module}, which a new notebook would not find: put that file "
            "beside the notebooks, or copy what you need of it into a cell."
        )


def _only(node: ast.Import | ast.ImportFrom, name: str) -> str:
    """The import statement with this one name only."""
    for alias in node.names:
        if (alias.asname or alias.name.split(".")[0]) == name:
            if isinstance(node, ast.Import):
                return ast.unparse(ast.Import([alias]))
            return ast.unparse(ast.ImportFrom(node.module, [alias], node.level))
    return ast.unparse(node)


def _imports_of_submodules(name: str) -> list[str]:
    """The notebook's statements of the form `import name.inner`, which also bind the name."""
    found = {}
    for cell in cells():
        if f"import {name}." in cell:
            aliases = (n.names for n in ast.walk(ast.parse(cell)) if isinstance(n, ast.Import))
            names = [a.name for group in aliases for a in group if not a.asname]
            found |= dict.fromkeys(f"import {n}" for n in names if n.startswith(f"{name}."))
    return list(found)

"""Whether two objects behave the same: a learner's live class, and what my_resnet.py makes of it.

Both are walked side by side: code, defaults, closures, attributes, and the globals that the code
reads. So whatever a piece depends on is either the same in the file, or found to differ.
"""

import ast
import builtins
import dataclasses
import functools
import types
from collections.abc import Callable, Iterable
from typing import Any

import torch

from resnet_helpers.my_work.disk import MODULE
from resnet_helpers.my_work.source import global_names, plain_code

MISSING = object()
# What Python notes in a class on its own account, and what only describes it.
NOT_COMPARED = {
    *("__module__", "__dict__", "__weakref__", "__slotnames__", "__firstlineno__", "__doc__"),
    *("__static_attributes__", "__annotations__", "__annotate__", "__annotate_func__"),
    *("__annotations_cache__", "__abstractmethods__", "_abc_impl"),
}
NOTES = "_torchdynamo"  # with which torch.compile's notes at a function begin
CHANGING_METHODS = {
    *("append", "extend", "insert", "add", "remove", "discard", "pop", "popitem", "clear"),
    *("update", "setdefault", "appendleft", "popleft"),
}


def state(text: str) -> set[tuple[str, str]]:
    """Where the text's code keeps what it notes as it runs: ("variable" or "attribute", name).

    There a new notebook begins with the first values, as this one did.
    """
    kept = set()
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                kept.update(("variable", name) for name in names)
            case ast.Attribute(value=ast.Name(id="self"), ctx=ast.Store()):
                pass  # an attribute of the object, not of the class
            case ast.Attribute(attr=name, ctx=ast.Store() | ast.Del()):
                kept.add(("attribute", name))
            case ast.Subscript(value=changed, ctx=ast.Store() | ast.Del()):
                kept.add(_place(changed))
            case ast.Call(func=ast.Attribute(value=changed, attr=method)):
                if method in CHANGING_METHODS:
                    kept.add(_place(changed))
    return kept


def _place(node: ast.expr) -> tuple[str, str]:
    while isinstance(node, ast.Subscript):  # table[key].append(…) changes the table
        node = node.value
    if isinstance(node, ast.Attribute):
        return "attribute", node.attr
    return "variable", getattr(node, "id", "")


class Comparison:
    """Of live objects with those made from a text.

    `state` is not compared (see there); `stands_for(live, made)` says of two parts that
    the second may take the first one's place though it is another, as a newer piece may.
    """

    def __init__(
        self,
        state: set[tuple[str, str]] = frozenset(),
        stands_for: Callable[[Any, Any], bool] = lambda live, made: False,
    ):
        self.state = state
        self.stands_for = stands_for
        self._seen: dict[tuple[int, int], tuple[Any, Any]] = {}  # which keeps the ids from reuse

    def difference(self, live: Any, made: Any, where: str) -> str:
        """The first part in which the two differ, named from `where` on; "" if there is none."""
        if live is made or (id(live), id(made)) in self._seen:
            return ""
        self._seen[id(live), id(made)] = live, made
        if type(live) is not type(made) and self.difference(type(live), type(made), where):
            return where
        live_parts, made_parts = parts(live), parts(made)
        for key in {**live_parts, **made_parts}:
            one, other = live_parts.get(key, MISSING), made_parts.get(key, MISSING)
            kind, name = key
            here = {"global": name, "attribute": f"{where}.{name}"}.get(kind, where)
            if one is MISSING or other is MISSING:
                return here
            if self._is_state(kind, name) and type(one) is type(other) and not _is_code(one):
                continue
            if kind == "value":
                if one != other:
                    return here
            elif not self.stands_for(one, other) and (found := self.difference(one, other, here)):
                return found
        return ""

    def _is_state(self, kind: str, name: str) -> bool:
        return (kind.replace("global", "variable"), name) in self.state


def _is_code(thing: Any) -> bool:
    """Whether it is a function or class, which is no note that code takes as it runs."""
    return isinstance(thing, (type, types.FunctionType))


Parts = dict[tuple[str, Any], Any]  # (kind, name) -> an object, or for the kind "value" plain data


def parts(thing: Any) -> Parts:
    """All that how the object behaves depends on, part by part."""
    match thing:
        case types.FunctionType():
            return _parts_of_function(thing)
        case type():
            return _parts_of_class(thing)
        case types.ModuleType():
            return {("value", "module"): thing.__name__}
        case torch.Tensor():
            return _parts_of_tensor(thing)
        case bool() | int() | float() | complex() | str() | bytes() | None:
            if type(thing).__module__ == "builtins":
                return {("value", "repr"): repr(thing)}
        case dict() if type(thing).__module__ in ("builtins", "collections"):
            keys = {("item", f"key {i}"): key for i, key in enumerate(thing)}
            return keys | _numbered(thing.values())
        case list() | tuple():
            if type(thing).__module__ == "builtins":
                return _numbered(thing)
        case staticmethod() | classmethod():
            return {("item", "function"): thing.__func__}
        case property():
            return _numbered([thing.fget, thing.fset, thing.fdel])
        case types.MethodType():
            return _numbered([thing.__func__, thing.__self__])
        case functools.partial():
            return _numbered([thing.func, thing.args, thing.keywords])
        case functools.cached_property():
            return _numbered([thing.func])
        case types.MemberDescriptorType() | types.GetSetDescriptorType():
            return {("value", "name"): thing.__name__}
        case dataclasses.Field():
            names = ("name", "default", "default_factory", "init", "repr", "hash", "compare")
            return _numbered(getattr(thing, name) for name in (*names, "kw_only"))
        case functools._lru_cache_wrapper():
            return _numbered([thing.__wrapped__, thing.cache_parameters()])
    return _parts_of_object(thing)


def _numbered(things: Iterable[Any]) -> Parts:
    return {("item", i): thing for i, thing in enumerate(things)}


def _parts_of_function(function: types.FunctionType) -> Parts:
    code = function.__code__
    found: Parts = {("value", "code"): plain_code(code)}
    for name in global_names(code):
        value = function.__globals__.get(name, getattr(builtins, name, MISSING))
        if value is not MISSING:
            found["global", name] = value
    arguments = code.co_varnames[: code.co_argcount]
    defaults = function.__defaults__ or ()
    cells = zip(code.co_freevars, function.__closure__ or (), strict=True)
    return (
        found
        | {("variable", n): v for n, v in zip(arguments[::-1], defaults[::-1], strict=False)}
        | {("variable", n): v for n, v in (function.__kwdefaults__ or {}).items()}
        | {("variable", n): _content(cell) for n, cell in cells}
        | {("attribute", n): v for n, v in vars(function).items() if not n.startswith(NOTES)}
    )


def _content(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # empty as yet
        return None


def _parts_of_class(cls: type) -> Parts:
    bases = {("base", i): base for i, base in enumerate(cls.__bases__)}
    members = {("attribute", n): v for n, v in vars(cls).items() if n not in NOT_COMPARED}
    return {("value", "name"): cls.__name__} | bases | members


def _parts_of_tensor(tensor: torch.Tensor) -> Parts:
    kind = tensor.dtype, tensor.shape, tensor.device, tensor.requires_grad
    return {("value", "kind"): kind, ("value", "values"): repr(tensor.tolist())}


def _parts_of_object(thing: Any) -> Parts:
    """What pickle would keep of it; of what cannot be pickled, its attributes."""
    try:
        reduced = thing.__reduce_ex__(4)
    except Exception:
        return _attributes(thing, getattr(thing, "__dict__", {}))
    if isinstance(reduced, str):
        return {("value", "name"): reduced}
    function, arguments, attributes, *iterators = [*reduced, None, None, None][:5]
    if isinstance(attributes, dict):
        named = _attributes(thing, attributes)
    else:
        named = {("item", "state"): attributes}
    contents = [list(items) for items in iterators if items is not None]
    return named | _numbered([function, arguments, *contents])


def _attributes(thing: Any, attributes: dict[str, Any]) -> Parts:
    """The attributes; but not what a library's object notes for itself, as torch.compile does."""
    has_notes = type(thing).__module__ not in ("__main__", MODULE)
    has_notes &= not isinstance(thing, torch.nn.Module)
    return {
        ("attribute", name): value
        for name, value in attributes.items()
        if not (has_notes and str(name).startswith("_"))
    }

"""A learner's own classes and functions, carried from one notebook to the next.

`save` writes their source into a readable `my_resnet.py`; `use` takes each piece from there, or
the reference answer where there is none, and says which.

What is saved is what a new notebook gets. So before the file is replaced, its new text is run in a
module of its own, and what comes out is compared with the live pieces, part by part (`same`), and
put to the checks of its exercise (`proof`). If anything differs, the file stays as it was.
"""

import ast
import difflib
import linecache
import re
import sys
import types
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from resnet_helpers import solutions
from resnet_helpers.my_work import colab, disk
from resnet_helpers.my_work.disk import FILENAME, MODULE, DoesNotRunError, MyWorkError, file
from resnet_helpers.my_work.draft import INSTALLED, REFERENCE, Draft
from resnet_helpers.my_work.proof import prove
from resnet_helpers.my_work.revealed import is_revealed
from resnet_helpers.my_work.text import owned

__all__ = ["MyWorkError", "file", "save", "use"]


def save(*pieces: Any) -> None:
    """Write the source of classes or functions into my_resnet.py, each in place of its former self.

    What they use goes along: imports, and other functions, classes and constants of the same
    notebook. The rest of the file stays as it is. A piece that belongs to an exercise must pass
    its checks, as it is read from the file; what no exercise checks is saved without.

    Raises:
        MyWorkError: a new notebook would not get the same from the file, a piece does not pass
            its check, or the file cannot be read or written. The file is left as it was.
    """
    disk.forbid_in_file()
    named = _named(pieces, sys._getframe(1).f_globals)
    with disk.locked():
        found = disk.read()
        contents = found or disk.Contents(disk.NEW_FILE)
        _require_python(contents.text)
        draft = Draft(contents.text)
        for name, piece in named.items():
            draft.bring(name, piece)
        prove(contents.text, draft)
        if found is None or draft.text != found.text:
            disk.write(replace(contents, text=draft.text))
    print(f"Saved {' and '.join(named)} in {FILENAME}.")
    colab.after_saving()


def use(*names: str) -> Any:
    """The pieces of these names: what was saved in my_resnet.py, or else the reference answer.

    One name gives one piece, several give a tuple. Prints which of the two each one is, and which
    of those saved is no learner's, but the reference answer that `practice.reveal` showed.

    Raises:
        MyWorkError: a name is neither that of an exercise nor in my_resnet.py.
    """
    disk.forbid_in_file()
    if not names or not all(isinstance(name, str) for name in names):
        raise MyWorkError('Pass the names, in quotes: my_work.use("BatchNorm2d", "AveragePool").')
    mine, trouble, lost = _load()
    sources = owned(_latest[1]) if mine else {}
    pieces = []
    for name in names:
        if name not in mine and name not in REFERENCE:
            raise MyWorkError(_unknown(name, trouble))
        pieces.append(mine[name] if name in mine else REFERENCE[name])
        if name in mine and is_revealed(name, sources[name].source):
            print(f"{name}: the reference answer, as it was revealed and saved in {FILENAME}")
        elif name in mine:
            print(f"{name}: yours, from {FILENAME}")
        elif name in lost:
            print(f"{name}: the reference answer, and not yours, because {trouble}")
        else:
            print(f"{name}: the reference answer")
    if not (mine or trouble) and disk.read() is None:
        colab.nothing_saved()
    return pieces[0] if len(pieces) == 1 else tuple(pieces)


def _unknown(name: str, trouble: str) -> str:
    if trouble:
        return f"No exercise is called {name}, and no piece can be read: {trouble}."
    near = difflib.get_close_matches(name, REFERENCE)
    meant = f"did you mean {' or '.join(near)}?" if near else "check the spelling."
    return f"No exercise is called {name}, and no piece in {FILENAME}: {meant}"


# ---- Loading ------------------------------------------------------------------------------------

_latest: tuple[Path, str, types.ModuleType] | None = None  # what was loaded last, and from what


def _load() -> tuple[dict[str, Any], str, set[str]]:
    """The learner's own pieces by name; what is wrong with the file; and which pieces that costs.

    The file is run once as long as it stays the same, so that pieces share what they keep.
    """
    global _latest
    try:
        contents = disk.read()
    except MyWorkError as error:
        return {}, str(error).rstrip("."), set(REFERENCE)
    if contents is None:
        return {}, "", set()
    path, text = file().resolve(), contents.text
    known = _latest and _latest[:2] == (path, text) and sys.modules.get(MODULE) is _latest[2]
    if not known:
        linecache.checkcache()  # the file may have been saved again since
        try:
            _latest = path, text, disk.run(text, str(path))
        except DoesNotRunError as error:
            defined = re.findall(r"^(?:(?:class|def|async def) +)?(\w+)", text, re.MULTILINE)
            return {}, str(error), set(defined)
    module = vars(_latest[2])
    mine = {name: module[name] for name in owned(text) if name in module}
    return {n: piece for n, piece in mine.items() if piece is not REFERENCE.get(n)}, "", set()


# ---- What may be saved --------------------------------------------------------------------------


def _named(pieces: tuple[Any, ...], variables: dict[str, Any]) -> dict[str, Any]:
    """The pieces by the names under which they are saved.

    Raises:
        MyWorkError: one of them is no piece of a learner's.
    """
    if not pieces:
        raise MyWorkError("Pass what is to be saved: my_work.save(BatchNorm2d), for example.")
    named = {}
    for piece in pieces:
        called = [n for n, v in variables.items() if v is piece and not n.startswith("_")]
        name = getattr(piece, "__name__", None)
        if isinstance(piece, str):
            raise MyWorkError(f"Pass {piece} itself, without quotes: my_work.save({piece}).")
        if isinstance(piece, nn.Module):
            kind = type(piece).__name__
            raise MyWorkError(
                f"Pass the class, not an object made from it: my_work.save({kind}). What a network "
                "has learned is not kept by my_work; torch.save keeps it."
            )
        if isinstance(piece, types.ModuleType) or not callable(piece):
            raise MyWorkError(
                f"An object of type {type(piece).__name__} has no source that could be saved: pass "
                "a class or function that you defined in a cell, as in my_work.save(BatchNorm2d)."
            )
        if name not in called:
            name = (called or [name])[0]
        if not isinstance(name, str) or not name.isidentifier():
            raise MyWorkError("A function without a name cannot be saved: write it with def.")
        _require_own(name, piece)
        # AveragePool = MyPool: the exercise's name as well
        for also in dict.fromkeys([name, *(n for n in called if n in REFERENCE)]):
            named[also] = piece
    return named


def _require_own(name: str, piece: Any) -> None:
    """Raise a MyWorkError for a piece of PyTorch, of another package or of Python itself."""
    module = getattr(piece, "__module__", None) or "builtins"
    if module in ("__main__", MODULE, solutions.__name__):
        return
    source = sys.modules.get(module)
    path = getattr(source, "__file__", None) or INSTALLED[0]
    is_from_there = getattr(source, getattr(piece, "__name__", ""), None) is piece
    if is_from_there and path.startswith(INSTALLED):
        owner = module.split(".")[0].replace("builtins", "Python")
        raise MyWorkError(
            f"{name} is not yours but part of {owner}, so there is nothing to save: import it "
            "where you need it."
        )


def _require_python(text: str) -> None:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError) as error:
        line, what = getattr(error, "lineno", None), getattr(error, "msg", error)
        raise MyWorkError(
            f"{FILENAME} is not valid Python ({f'line {line}: ' if line else ''}{what}), so "
            "nothing was saved: mend that line, or move the file away, and run this cell again."
        ) from None

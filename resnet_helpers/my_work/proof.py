"""The proof that a new text of my_resnet.py may replace the old: it gives what is live, and right.

The text is run in a module of its own. What it defines is compared with the live pieces, part by
part, and put to the checks of its exercises, as it would be in a new notebook.
"""

import ast
import io
from contextlib import redirect_stdout
from typing import Any

from resnet_helpers.my_work.disk import FILENAME, MODULE, DoesNotRunError, MyWorkError, tried_out
from resnet_helpers.my_work.draft import IPYTHON, REFERENCE, Draft, is_definition, stands_for
from resnet_helpers.my_work.same import MISSING, Comparison, state
from resnet_helpers.my_work.source import Statement
from resnet_helpers.my_work.text import changed, owned, users

# Pieces that have another exercise's checks, by themselves or besides their own.
CHECKED_AS = {
    "NamedResidualBlock": ("ResidualBlock",),
    "FusedBatchNorm2d": ("FusedBatchNorm2d", "BatchNorm2d"),
}


def prove(old: str, draft: Draft) -> None:
    """Compare, and check.

    Raises:
        MyWorkError: a new notebook would not get what is live here, a piece does not pass its
            check, or another piece of the file would suffer.
    """
    new, names = draft.text, " and ".join(draft.asked_for)
    _require_no_clash(old, new, draft)
    _require_no_stub(owned(new), draft.asked_for)
    try:
        with tried_out(new) as module:
            made = vars(module)
            _require_same(draft.brought, made, state(new))
            for name, live in draft.brought.items():
                if _is_own(made[name]):
                    _require_passed(name, live, made[name])
            affected = set(users(new, changed(old, new))) - draft.brought.keys()
            worse = [(n, check) for n in affected if (check := failed_check(n, made[n]))]
    except DoesNotRunError as error:
        raise MyWorkError(_does_not_run(error, old, names)) from None
    for name, check in worse:
        _require_failed_before(name, check, old, names)


def _require_no_clash(old: str, new: str, draft: Draft) -> None:
    """Raise a MyWorkError if another piece of the file uses a name that has a new meaning now.

    An exercise's name is left out: it means what its checks ask for, whoever wrote it.
    """
    renewed = changed(old, new) - REFERENCE.keys()
    for user, statement in owned(new).items():
        clash = sorted(statement.needs & renewed)
        if clash and user not in draft.brought:
            both = ", ".join([*draft.asked_for, user])
            raise MyWorkError(
                f"{user} in {FILENAME} uses another {clash[0]} than this notebook has, so nothing "
                f"was saved: use another name for one of the two, or, if {user} is to have the new "
                f"one, save both: my_work.save({both})."
            )


def _require_no_stub(own: dict[str, Statement], names: list[str]) -> None:
    """Raise a MyWorkError for a function of which only the stub is there; not all have a check."""
    for name in names:
        node = own[name].node if name in own else None
        if not isinstance(node, ast.FunctionDef):
            continue
        *others, last = node.body
        is_all = all(isinstance(other, ast.Expr) for other in others)  # a docstring
        if is_all and isinstance(last, ast.Raise) and "NotImplementedError" in ast.unparse(last):
            raise MyWorkError(
                f"{name} still raises NotImplementedError, so it was not saved: put your code in "
                "the place of that line."
            )


def _require_same(
    brought: dict[str, Any], made: dict[str, Any], kept: set[tuple[str, str]]
) -> None:
    comparison = Comparison(kept, stands_for)
    for name, live in brought.items():
        if name in IPYTHON or ("variable", name) in kept:
            continue
        part = comparison.difference(live, made.get(name, MISSING), name)
        owner = part.split(".")[0]
        if owner in brought and not is_definition(brought[owner]):
            raise MyWorkError(
                f"{owner} would have another value in a new notebook than it has here, so nothing "
                "was saved: give it that value where it is defined, or make it an argument."
            )
        if part:
            raise MyWorkError(
                f"{part} is not what the text of its cell makes it, so nothing was saved: write "
                "every change of it into the cell that defines it, run that cell and the later "
                "ones again, and save again."
            )


def _require_passed(name: str, live: Any, made: Any) -> None:
    if not (check := failed_check(name, made)):
        return
    if failed_check(name, live):
        raise MyWorkError(
            f"{name} does not pass {check}, so it was not saved: run tests.{check}({name}), which "
            "says why."
        )
    raise MyWorkError(
        f"{name} passes {check} here, but not with the pieces that it would use from {FILENAME}, "
        "so it was not saved: see whether each of those passes its own checks."
    )


def _require_failed_before(name: str, check: str, old: str, names: str) -> None:
    """Raise a MyWorkError unless this other piece did not pass with the old text either."""
    try:
        with tried_out(old) as module:
            passed = name in vars(module) and not failed_check(name, vars(module)[name])
    except DoesNotRunError:
        passed = False
    if passed:
        raise MyWorkError(
            f"With this {names} your {name} in {FILENAME}, which uses it, would no longer pass "
            f"{check}, so nothing was saved: see what {name} needs of it."
        )


def _is_own(piece: Any) -> bool:
    """Whether the text defines it, and not only imports it."""
    return getattr(piece, "__module__", None) == MODULE


def failed_check(name: str, piece: Any) -> str:
    """The first check of its exercises that the piece does not pass; "" if there is none."""
    from resnet_helpers.tests import EXERCISES  # takes a moment, which only a save needs

    for exercise in EXERCISES:
        if exercise.name in CHECKED_AS.get(name, (name,)):
            for check in exercise.checks:
                try:
                    with redirect_stdout(io.StringIO()):
                        exercise.check(check, piece)
                except Exception:  # CheckFailure, StubNotFilled: that check says it better
                    return check
    return ""


def _does_not_run(error: DoesNotRunError, old: str, names: str) -> str:
    try:
        with tried_out(old):
            return (
                f"With {names} in it, {error}, so nothing was saved: define all that it needs in "
                "cells of this notebook, and save again."
            )
    except DoesNotRunError as before:
        return (
            f"{before}, so nothing was saved: mend that line, or move the file away, and run this "
            "cell again."
        )

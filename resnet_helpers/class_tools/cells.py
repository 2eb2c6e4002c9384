"""The cells of a notebook that is graded: which give points for what, and which need not be run."""

import ast
import hashlib
from typing import Any

LOOK_NAMES_UP = {"eval", "exec", "globals", "locals", "vars", "get_ipython"}
ANSWERS = ("resnet_helpers.solutions", "resnet_helpers.answers")
# Checks that are no trials: they say of each of several claims whether it is right.
CLAIMS = {
    "check_diagnoses": "resnet_helpers.broken",
    "check_run_diagnoses": "resnet_helpers.training",
}
Cell = Any  # a NotebookNode; nbformat is not imported for it


def is_graded(cell: Cell) -> bool:
    """Whether nbgrader gives points for the cell."""
    return cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("grade", False)


def calls_of(source: str) -> list[tuple[str, str]]:
    """The checks that a check cell calls, each with the name of the piece that it gets."""
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Attribute(attr=check), args=[ast.Name(id=piece)]):
                found.append((check, piece))
            case ast.Call(func=ast.Name(id=check), args=[ast.Name(id=piece)]):
                found.append((check, piece))
    return found


def not_needed(cells: list[Cell]) -> set[int]:
    """Which code cells need not be run: the course's own, of which nothing is used further down.

    Where what a learner's cell uses cannot be told, all before it are run.
    """
    unused, needed, all_needed = set(), set(), False
    for index, cell in reversed(list(enumerate(cells))):
        if cell.cell_type != "code":
            continue
        if "save" in cell.metadata.get("tags", []):
            unused.add(index)
            continue
        try:
            nodes = list(ast.walk(ast.parse(cell.source)))
        except SyntaxError:  # a %magic, or a mistake: let the kernel say
            all_needed = True
            continue
        is_used = all_needed or is_graded(cell) or needed & bound_in(nodes)
        if is_the_courses_own(cell) and not is_used:
            unused.add(index)
        else:
            needed |= {node.id for node in nodes if isinstance(node, ast.Name)}
            all_needed = all_needed or bool(needed & LOOK_NAMES_UP)
    return unused


def is_the_courses_own(cell: Cell) -> bool:
    """Whether nobody has changed the cell: the builder makes its id from its text."""
    digest = hashlib.sha256(cell.source.encode()).hexdigest()[:8]
    return cell.get("id", "").partition("-")[0] == digest


def bound_in(nodes: list[ast.AST]) -> set[str]:
    """The names to which these nodes give a value."""
    names = set()
    for node in nodes:
        match node:
            case ast.Name(id=name, ctx=ast.Store()):
                names.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.alias(name=name, asname=other):
                names.add(other or name.partition(".")[0])
    return names


def asks_for_answers(cell: Cell) -> bool:
    """Whether a learner's cell imports the course's answers, or names their modules in a string."""
    if cell.cell_type != "code" or is_the_courses_own(cell):
        return False
    try:
        nodes = list(ast.walk(ast.parse(cell.source)))
    except SyntaxError:
        return any(module in cell.source for module in ANSWERS)
    found = set()
    for node in nodes:
        match node:
            case ast.Import(names=aliases):
                found |= {alias.name for alias in aliases}
            case ast.ImportFrom(module=str(module), names=aliases):
                found |= {module, *(f"{module}.{alias.name}" for alias in aliases)}
            case ast.Constant(value=str(text)):
                found.add(text.strip())
    return any(name.startswith(ANSWERS) for name in found)

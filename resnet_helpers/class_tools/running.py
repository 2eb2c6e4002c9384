"""Run one learner's notebook, and hand on what it shows and what it has defined.

This runs beside the learner's kernel, inside the limits: what it prints is evidence, not a verdict.
One line of JSON for each cell that has run, and one for each check cell, with the pieces that it
checks. The check cells themselves are not run here, and of the course's own cells only those from
which something is used.

    python -m resnet_helpers.class_tools.running NOTEBOOK SECONDS_A_CELL
"""

import ast
import asyncio
import base64
import hashlib
import json
import os
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode

MOST_OUTPUT = 200_000  # characters of one cell's outputs
NOT_RUN = {"long", "save"}  # tags of the course's cells that grading does not need
CUT = "\n… (the rest of this cell's output was left out)\n"


def is_graded(cell: NotebookNode) -> bool:
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


def not_needed(cells: list[NotebookNode]) -> set[int]:
    """Which code cells need not be run: the course's own, of which nothing is used further down."""
    unused, needed = set(), set()
    for index, cell in reversed(list(enumerate(cells))):
        if cell.cell_type != "code":
            continue
        tags = set(cell.metadata.get("tags", []))
        if NOT_RUN & tags:
            unused.add(index)
            continue
        try:
            nodes = list(ast.walk(ast.parse(cell.source)))
        except SyntaxError:  # a %magic, or a mistake: let the kernel say
            continue
        if is_the_courses_own(cell) and not is_graded(cell) and not needed & bound_in(nodes):
            unused.add(index)
        else:
            needed |= {node.id for node in nodes if isinstance(node, ast.Name)}
    return unused


def is_the_courses_own(cell: NotebookNode) -> bool:
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


class Client(NotebookClient):
    """Runs a notebook on after errors, bounds its outputs, and carries its pieces away."""

    def __init__(self, notebook: NotebookNode, seconds: float, **settings):
        super().__init__(
            notebook,
            timeout=seconds,
            interrupt_on_timeout=True,
            error_on_timeout={
                "ename": "TimeoutError",
                "evalue": f"this cell was stopped after {seconds:.0f} seconds",
                "traceback": [f"TimeoutError: this cell was stopped after {seconds:.0f} seconds"],
            },
            allow_errors=True,
            raise_on_iopub_timeout=False,
            record_timing=False,
            store_widget_state=False,
            coalesce_streams=True,
            kernel_name="python3",
            **settings,
        )
        self.left_out = not_needed(notebook.cells)
        self.pieces: list[str] = []
        self.shown: dict[int, int] = {}

    async def async_execute_cell(self, cell, cell_index, **settings):
        if cell.cell_type != "code" or cell_index in self.left_out:
            return cell
        if is_graded(cell):
            cell.outputs = []
            await self.carry(cell)
            return cell
        cell = await super().async_execute_cell(cell, cell_index, **settings)
        say(cell=cell_index, count=cell.execution_count, outputs=cell.outputs)
        return cell

    def output(self, outs, msg, display_id, cell_index):
        out = super().output(outs, msg, display_id, cell_index)
        room = MOST_OUTPUT - self.shown.get(cell_index, 0)
        length = len(json.dumps(out)) if out and room > 0 else 0
        self.shown[cell_index] = self.shown.get(cell_index, 0) + length
        if out and outs and length > room:
            text = out.text[: max(0, room)] if out.output_type == "stream" else ""
            outs[-1] = nbformat.v4.new_output("stream", name="stdout", text=text + CUT)
            self.shown[cell_index] = 2 * MOST_OUTPUT
        elif out and outs and room <= 0:
            outs.pop()
        return out

    async def carry(self, cell: NotebookNode) -> None:
        """Ask the kernel for the pieces that the cell checks, and those of the cells before."""
        self.pieces += [piece for _, piece in calls_of(cell.source) if piece not in self.pieces]
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "carried")
            ask = (
                "__import__('resnet_helpers.class_tools.carry', fromlist=['dump'])"
                f".dump(globals(), {self.pieces!r}, {str(file)!r})"
            )
            message = self.kc.execute(
                "", silent=True, store_history=False, user_expressions={"carried": ask}
            )
            if asyncio.iscoroutine(message):
                message = await message
            reply = await self.async_wait_for_reply(message)
            answer = (reply or {}).get("content", {}).get("user_expressions", {}).get("carried", {})
            carried = base64.b64encode(file.read_bytes()).decode() if file.exists() else ""
        trouble = f"{answer.get('ename', '')}: {answer.get('evalue', '')}" if not carried else ""
        say(grade_id=cell.metadata.nbgrader.grade_id, carried=carried, trouble=trouble)


def say(**line) -> None:
    """Print one line of JSON."""
    print(json.dumps(line), flush=True)


def main() -> None:
    """Run the notebook that is named first."""
    file, seconds = Path(sys.argv[1]), float(sys.argv[2])
    client = Client(nbformat.read(file, as_version=4), seconds)
    client.resources = {"metadata": {"path": str(file.parent)}}
    try:
        client.execute(env=os.environ | {"PYTHONPATH": os.environ["COURSE_COPY"]})
    except DeadKernelError:
        say(died=True)


if __name__ == "__main__":
    main()

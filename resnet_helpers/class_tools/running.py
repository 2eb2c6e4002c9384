"""Run one learner's notebook, and hand on what it shows and what it has defined.

This runs beside the learner's kernel, inside the limits: what it prints is evidence, not a verdict.
One line of JSON for each cell that has run, and one for each check cell, with the pieces that it
checks. The check cells themselves are not run here, and of the course's own cells only those from
which something is used.

    python -m resnet_helpers.class_tools.running NOTEBOOK SECONDS_A_CELL
"""

import ast
import asyncio
import json
import os
import sys
from pathlib import Path

# jsonschema, which nbformat imports, would build a parser of web addresses: a second for nothing.
sys.modules["rfc3987_syntax"] = None

import nbformat  # noqa: E402
from nbclient import NotebookClient  # noqa: E402
from nbclient.exceptions import DeadKernelError  # noqa: E402
from nbformat import NotebookNode  # noqa: E402

from resnet_helpers.class_tools.cells import calls_of, is_graded, not_needed  # noqa: E402

MOST_OUTPUT = 200_000  # characters of one cell's outputs
CARRY = "__import__('resnet_helpers.class_tools.carry', fromlist=['dump'])"
CUT = "\n… (the rest of this cell's output was left out)\n"


class Client(NotebookClient):
    """Runs a notebook on after errors, bounds its outputs, and carries its pieces away."""

    def __init__(self, notebook: NotebookNode, seconds: float, **settings):
        words = f"TimeoutError: this cell was stopped after {seconds:.0f} seconds"
        self.stopped = {"ename": "TimeoutError", "evalue": words, "traceback": [words]}
        super().__init__(
            notebook,
            timeout=seconds,
            interrupt_on_timeout=True,
            error_on_timeout=self.stopped,
            on_cell_executed=self.show_timeout,
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
        if cell_index == 0:
            await self.evaluate(f"bool({CARRY})")  # imported while the course's files are there
        if cell.cell_type != "code" or cell_index in self.left_out:
            return cell
        if is_graded(cell):
            cell.outputs = []
            await self.carry(cell)
            return cell
        cell = await super().async_execute_cell(cell, cell_index, **settings)
        say(cell=cell_index, count=cell.execution_count, outputs=cell.outputs)
        return cell

    def show_timeout(self, cell, cell_index, execute_reply):
        """Say in the cell's outputs that it was stopped: nbclient only says so in its reply."""
        if execute_reply["content"].get("evalue") == self.stopped["evalue"]:
            cell.outputs.append(nbformat.v4.new_output("error", **self.stopped))

    def output(self, outs, msg, display_id, cell_index):
        out = super().output(outs, msg, display_id, cell_index)
        if not outs or outs[-1] is not out:
            return out
        left = MOST_OUTPUT - self.shown.get(cell_index, 0)
        size = len(json.dumps(out))
        self.shown[cell_index] = self.shown.get(cell_index, 0) + size
        if size <= left:
            return out
        if display_id:  # nbclient knows its place, and may update it there
            outs[-1] = nbformat.v4.new_output("display_data", data={"text/plain": CUT})
        elif left > 0:
            text = out.text[:left] if out.output_type == "stream" else ""
            outs[-1] = nbformat.v4.new_output("stream", name="stdout", text=text + CUT)
        else:
            outs.pop()
        return out

    async def carry(self, cell: NotebookNode) -> None:
        """Ask the kernel for the pieces that the cell checks, and those of the cells before."""
        self.pieces += [piece for _, piece in calls_of(cell.source) if piece not in self.pieces]
        reply = await self.evaluate(f"{CARRY}.dump(globals(), {self.pieces!r})")
        carried, trouble = "", "The notebook's kernel did not hand on what it has defined."
        if "data" in reply:
            carried = ast.literal_eval(reply["data"]["text/plain"])
        elif "ename" in reply:
            trouble = f"What this cell checks cannot be judged: {reply['ename']}: {reply['evalue']}"
        say(grade_id=cell.metadata.nbgrader.grade_id, carried=carried, trouble=trouble)

    async def evaluate(self, expression: str) -> dict:
        """What the kernel makes of an expression."""
        message = self.kc.execute(
            "", silent=True, store_history=False, user_expressions={"value": expression}
        )
        if asyncio.iscoroutine(message):
            message = await message
        reply = await self.async_wait_for_reply(message)
        return (reply or {}).get("content", {}).get("user_expressions", {}).get("value", {})


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

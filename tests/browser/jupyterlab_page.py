"""A notebook in JupyterLab as its reader has it: run it, move its controls, look at it."""

import time
from pathlib import Path

# What a reader sees of an output besides the controls: its pictures' pixels, drawings and text.
LOOK = """async area => {
    const copy = area.cloneNode(true);
    copy.querySelectorAll(".widget-readout, select, button").forEach(control => control.remove());
    const pictures = [...area.querySelectorAll("img")].map(async picture => {
        const bytes = await (await fetch(picture.src)).arrayBuffer();
        return [...new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))].join();
    });
    const drawings = [...copy.querySelectorAll("svg")].map(drawing => drawing.outerHTML);
    return [copy.textContent, ...drawings, ...await Promise.all(pictures)].join("\\n");
}"""

ROOT = Path(__file__).parents[2]
UPLOADS = (ROOT / "pyproject.toml", ROOT / "resnet_inputs" / "gibbon.jpg")  # no picture, a picture
IDLE = "jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'"
# Opens a notebook in the kernel that runs, if one does: torch need not be imported anew each time.
OPEN = """async ([path, forget]) => {
    const {commands, serviceManager} = jupyterapp;
    await serviceManager.kernels.refreshRunning();
    const [running] = await serviceManager.kernels.running();
    const kernel = running && {id: running.id};
    const {sessionContext} = await commands.execute("docmanager:open", {path, kernel});
    await sessionContext.ready;
    await sessionContext.session.kernel.requestExecute({code: forget, silent: true}).done;
}"""
# What ran before is forgotten, the course's modules and its widgets, too.
FORGET = """
import sys
if get_ipython().execution_count > 1:
    if "ipywidgets" in sys.modules:
        sys.modules["ipywidgets"].Widget.close_all()
    for name in [name for name in sys.modules if name.partition(".")[0] == "resnet_helpers"]:
        del sys.modules[name]
    get_ipython().reset()
"""
LABEL = "control => control.closest('.jupyter-widgets').textContent"
BROKEN = {
    ".jupyter-widgets [data-mime-type$=stderr]": "error in a widget",  # of a callback, in an Output
    ":text('Error displaying widget')": "widget without its model",
    "mjx-merror": "formula that does not parse",
}


def open_lab(browser, url: str):
    """A page with JupyterLab, and nothing open in it."""
    page = browser.new_context(base_url=url).new_page()
    page.set_default_timeout(60_000)
    page.goto("/lab?reset")
    page.wait_for_function("window.jupyterapp?.shell.currentWidget")
    page.wait_for_selector("#jupyterlab-splash", state="detached")
    page.evaluate("jupyterapp.commands.execute('application:toggle-left-area')")
    page.evaluate("jupyterapp.serviceManager.kernels.shutdownAll()")  # that of a test that failed
    return page


def close_notebooks(page) -> None:
    """Close what is open, without saving it; the kernel goes on."""
    page.evaluate("[...jupyterapp.shell.widgets('main')].forEach(widget => widget.dispose())")


class Notebook:
    """A notebook open in a page of JupyterLab."""

    def __init__(self, page, name: str):
        self.page = page
        page.evaluate(OPEN, [name, FORGET])
        self.cells = page.locator(".jp-Notebook .jp-Cell")

    def command(self, name: str, **arguments) -> None:
        self.page.evaluate(
            "async ([name, args]) => { await jupyterapp.commands.execute(name, args); }",
            [name, arguments],
        )

    def run(self) -> None:
        """Run all cells; returns when the last has its output, or one failed."""
        self.command("notebook:run-all-cells")

    def run_cell(self, number: int) -> str:
        """Run this cell, select the next as Shift+Enter does, and return the text of its output."""
        active = "number => jupyterapp.shell.currentWidget.content.activeCellIndex = number"
        self.page.evaluate(active, number)
        self.command("notebook:run-cell-and-select-next")
        return self.cells.nth(number).locator(".jp-Cell-outputArea").inner_text()

    def sources(self) -> list[str]:
        """The cells' sources."""
        cells = "[...jupyterapp.shell.currentWidget.content.model.cells]"
        return self.page.evaluate(f"{cells}.map(cell => cell.sharedModel.source)")

    def problems(self) -> list[str]:
        """What a reader would stumble over: errors, cells not run, broken pictures and formulas."""
        found = []
        model = "[...jupyterapp.shell.currentWidget.content.model.cells].map(c => c.toJSON())"
        for number, cell in enumerate(self.page.evaluate(model)):
            expected = "raises-exception" in cell["metadata"].get("tags", [])
            if cell["cell_type"] != "code" or not cell["source"] or expected:
                continue
            if cell["execution_count"] is None:
                found.append(f"cell {number} was not run")
            errors = [out for out in cell["outputs"] if out["output_type"] == "error"]
            found += [f"cell {number}: {error['ename']}: {error['evalue']}" for error in errors]
        for selector, problem in BROKEN.items():
            for element in self.page.locator(f".jp-Notebook {selector}").all():
                found.append(f"{problem}: {element.text_content()[-200:]}")
        # those from elsewhere do not show without network
        for picture in self.page.locator(".jp-Notebook img:not([src^='https:'])").all():
            if not picture.evaluate("p => p.naturalWidth"):
                found.append(f"picture does not show: {picture.get_attribute('src')[:80]}")
        return found

    def controls(self):
        """Each slider, dropdown, toggle, ...: its output area, itself, and how to move it."""
        for area in self.page.locator(".jp-Cell-outputArea:has(.jupyter-widgets)").all():
            for slider in area.locator("[role=slider]").all():
                now, last = map(slider.get_attribute, ("aria-valuenow", "aria-valuemax"))
                key = "ArrowLeft" if now == last else "ArrowRight"
                yield area, slider, lambda s=slider, k=key: s.press(k)
            for dropdown in area.locator("select").all():
                chosen, last = dropdown.evaluate("s => [s.selectedIndex, s.options.length - 1]")
                other = chosen - 1 if chosen == last else chosen + 1
                yield area, dropdown, lambda d=dropdown, o=other: d.select_option(index=o)
            for button in area.locator(".widget-toggle-buttons button:not(.mod-active)").all():
                yield area, button, button.click
            for box in area.locator("input[type=checkbox]").all():
                yield area, box, box.click
            for button in area.locator(".widget-upload").all():
                for file in UPLOADS:
                    yield area, button, lambda b=button, f=file: self.upload(b, f)

    def upload(self, button, file: Path) -> None:
        """Press an upload button and choose a file."""
        with self.page.expect_file_chooser() as chooser:
            button.click()
        chooser.value.set_files(file)

    def dead_controls(self, seconds=20.0) -> list[str]:
        """The controls that, when moved, change nothing in their cell's output in time."""
        return [
            f"{control.evaluate(LABEL)!r} changes nothing"
            for area, control, move in self.controls()
            if not changes(area, move, seconds)
        ]

    def resize(self, width: int, height: int) -> None:
        """Make the page as large, in CSS pixels; returns when JupyterLab has laid itself out."""
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.wait_for_function(f"jupyterapp.shell.node.clientWidth === {width}")

    def heights(self) -> list[float]:
        """Of each output that holds a picture, with its controls, in CSS pixels."""
        pictures = self.page.locator(".jp-OutputArea-child:has(img, svg, object)").all()
        return [picture.bounding_box()["height"] for picture in pictures]

    def photograph(self, folder: Path | None, name: str) -> None:
        """A picture of every output that holds one, in both themes, if there is a folder for it."""
        if folder is None:
            return
        seen = self.page.viewport_size
        self.page.set_viewport_size({"width": seen["width"], "height": 5000})  # no cell is cut off
        for theme in ("Dark", "Light"):  # the page begins with the last
            self.command("apputils:change-theme", theme=f"JupyterLab {theme}")
            flag = "true" if theme == "Light" else "false"
            self.page.wait_for_selector(f"body[data-jp-theme-light={flag}]", state="attached")
            self.page.wait_for_selector("#jupyterlab-splash", state="detached")
            for number, cell in enumerate(self.cells.all()):
                if cell.locator(".jp-OutputArea-output :is(img, svg, table)").count():
                    cell.screenshot(path=folder / f"{name}-{number:02}-{theme.lower()}.png")
        self.page.set_viewport_size(seen)


def changes(area, move, seconds: float) -> bool:
    """Whether what an output area shows is different after `move()`."""
    area.page.wait_for_function(IDLE)  # what the last move set going is no change of this one's
    before = area.evaluate(LOOK)
    move()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if area.evaluate(LOOK) != before:
            return True
        time.sleep(0.05)
    return False

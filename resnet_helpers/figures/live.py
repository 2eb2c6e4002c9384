"""Pictures that answer to sliders and menus, each carrying its own static twin.

In a notebook with a running kernel the controls appear above the picture; on GitHub, in print or
wherever widgets cannot run, the same output shows the picture as it was before anything was moved.
"""

from collections.abc import Callable

import ipywidgets as widgets

from resnet_helpers.figures.style import Picture


class Live:
    """A picture redrawn whenever one of its controls changes.

    As the last expression of a cell it is shown. One output holds three forms: the widget, the
    picture, and the alt text, and every front end shows the first it can. So nothing is printed or
    displayed from a callback, and the output is the same at every run but for the widget's id.

    Only what ipywidgets 7.7 (Colab) and 8 share is used.

    Args:
        draw: called as draw(**{name: control.value}); returns the Picture for these values.
        controls: the widgets by the name of draw's argument; shown in this order.

    Attributes:
        controls: the widgets by name; set `.value` to move one.
        picture: the Picture shown now.
        view: the HTML widget that shows it.
        twin: the Picture shown where widgets cannot run: as it was at the start.
        widget: everything, controls above the picture.
    """

    def __init__(self, draw: Callable[..., Picture], **controls: widgets.ValueWidget):
        self.draw = draw
        self.controls = controls
        for control in controls.values():
            control.style.description_width = "initial"  # else long descriptions are cut off
            control.layout.margin = "2px 20px 2px 2px"  # tells a control from the next one's label
            control.observe(self.redraw, names="value")
        self.view = widgets.HTML()
        self.redraw()
        self.twin = self.picture
        # sliders in a row; on a narrow screen they wrap
        row = widgets.HBox(
            list(controls.values()), layout=widgets.Layout(flex_flow="row wrap", margin="0 0 8px")
        )
        self.widget = widgets.VBox([row, self.view])

    def redraw(self, _change: object = None) -> None:
        """Draw the picture for the values the controls have now."""
        self.picture = self.draw(**{name: c.value for name, c in self.controls.items()})
        self.view.value = self.picture.html()

    def __repr__(self) -> str:
        return self.twin.alt

    def _repr_mimebundle_(self, include=None, exclude=None) -> tuple[dict, dict]:
        bundle, metadata = self.twin._repr_mimebundle_()
        bundle["application/vnd.jupyter.widget-view+json"] = {
            "version_major": 2,
            "version_minor": 0,
            "model_id": self.widget.model_id,
        }
        return bundle, metadata


def slider(description: str, values: list, value: object) -> widgets.SelectionSlider:
    """A slider that steps through `values`, a list of numbers or of (label, value) pairs."""
    return widgets.SelectionSlider(
        options=values, value=value, description=description, layout=widgets.Layout(width="420px")
    )


def menu(description: str, values: list, value: object) -> widgets.Dropdown:
    """A drop-down menu of `values`, a list of strings or of (label, value) pairs."""
    return widgets.Dropdown(
        options=values, value=value, description=description, layout=widgets.Layout(width="auto")
    )

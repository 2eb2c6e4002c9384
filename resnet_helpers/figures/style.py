"""The one look of all plots: colours, fonts and the way a finished figure reaches the notebook.

A drawing function is decorated with `@styled`, makes its axes with `new_figure` and returns
`Picture(figure, alt)`: PNG bytes with a text for those who cannot see them.
"""

import base64
import io
import math
import warnings
from collections.abc import Callable, Iterable
from functools import wraps
from html import escape
from textwrap import fill
from typing import ParamSpec, TypeVar

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

# Okabe & Ito 2008: told apart with any kind of colour vision. In a plot, give every line a marker
# or a dash pattern of its own too, so that it survives a black-and-white printer.
BLACK, ORANGE, SKY, GREEN = "#000000", "#e69f00", "#56b4e9", "#009e73"
BLUE, VERMILION, PURPLE = "#0072b2", "#d55e00", "#cc79a7"
GREY = "#8c8c8c"

# A figure is laid out in CSS pixels, 100 to the inch, and drawn with 1.5 times as many, so that
# it stays sharp on a projector. The background is white in every theme: dark text on a
# transparent one would vanish in a dark notebook.
PIXELS_PER_INCH, SHARPNESS = 100, 1.5
MOST_HEIGHT = 4.9  # with the controls of a Live above it 4.4; a notebook's margins make it 5
LETTERS_A_UNIT = 7.8  # of a title, in 100 pixels
LINE_HEIGHT, TITLE_PAD = 0.27, 0.1  # of a title, in units of 100 pixels
MOST_DRAWN = 1e100

STYLE = {
    "figure.facecolor": "white",
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.h_pad": 0.08,  # inches
    "figure.constrained_layout.w_pad": 0.08,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib, so it looks alike everywhere
    "font.size": 13,
    "figure.titlesize": 16,
    "figure.titleweight": "bold",
    "axes.titlesize": 14,
    "axes.labelsize": 13,
    "xtick.labelsize": 12,
    "ytick.labelsize": 12,
    "legend.fontsize": 12,
    "legend.frameon": False,
    "lines.linewidth": 2.5,
    "lines.markersize": 7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e3e3e3",
    "axes.prop_cycle": matplotlib.cycler(
        color=[BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY, BLACK]
    ),
}

P = ParamSpec("P")
R = TypeVar("R")


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Decorator: run `draw` in the course's style, whatever style the notebook has set."""

    @wraps(draw)
    def draw_in_style(*args: P.args, **kwargs: P.kwargs) -> R:
        with matplotlib.style.context(["default", STYLE]):
            return draw(*args, **kwargs)

    return draw_in_style


def new_figure(
    title: str, rows=1, columns=1, width=10.0, height=4.5, note="", **subplots
) -> tuple[Figure, np.ndarray]:
    """A figure with rows x columns axes under a title that says what to see.

    Made without pyplot, so it needs no backend, is never shown twice, and is gone once nobody
    holds it. Call it inside a function decorated with `@styled`.

    Args:
        title: a sentence, shown large at the top.
        rows: how many axes above each other.
        columns: how many axes side by side.
        width: in units of 100 CSS pixels; 10 fills a notebook cell.
        height: the same; at most MOST_HEIGHT, so that a projected page shows all of it.
        note: a line in smaller letters below the title: which weights, for example.
        subplots: passed on to `Figure.subplots` (sharex, sharey, gridspec_kw, ...).

    Returns:
        The figure and an array of axes, always of shape (rows, columns).
    """
    figure = Figure(figsize=(width, height))
    title = fill(title, int(LETTERS_A_UNIT * width))
    figure.suptitle(title, parse_math=False)  # names may hold a $
    if note:
        top = 1 - (LINE_HEIGHT * (1 + title.count("\n")) + TITLE_PAD) / height
        look = {"ha": "center", "va": "top", "fontsize": 12, "parse_math": False}
        most = int(1.15 * LETTERS_A_UNIT * width)
        figure.text(0.5, top, note if len(note) <= most else f"{note[: most - 1]}…", **look)
        figure.get_layout_engine().set(rect=(0, 0, 1, 1 - LINE_HEIGHT / height))
    return figure, figure.subplots(rows, columns, squeeze=False, **subplots)


def hide_axes(panel: Axes) -> None:
    """Show what is drawn in these axes and their title, without frame and ticks."""
    panel.set_axis_off()
    for axis in (panel.xaxis, panel.yaxis):  # else the unseen ticks are laid out, at 5 ms a panel
        axis.set_visible(False)


def drawable(values: Iterable[float]) -> list[float]:
    """The values; NaN, which leaves a gap in a line, where matplotlib could not draw them.

    It computes with the range of an axis, which must not overflow.
    """
    return [value if abs(value) <= MOST_DRAWN else math.nan for value in values]


class Picture:
    """A finished plot: the bytes of a PNG and a text that says the same to who cannot see it.

    As the last expression of a cell it is shown as an image with that alt text. Its repr is the
    alt text: alike at every run, unlike a figure's.

    Args:
        figure: what `new_figure` made; it is drawn here, once.
        alt: one or two sentences that carry the point, with the numbers that matter.
    """

    mime = "image/png"

    def __init__(self, figure: Figure, alt: str):
        self.alt = alt
        self.width, self.height = (
            round(inches * PIXELS_PER_INCH) for inches in figure.get_size_inches()
        )
        canvas = FigureCanvasAgg(figure)
        figure.set_dpi(PIXELS_PER_INCH * SHARPNESS)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph .* missing")  # a name in another alphabet
            canvas.draw()
        buffer = io.BytesIO()
        self.write(Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB"), buffer)
        self.content = buffer.getvalue()

    @staticmethod
    def write(image: Image.Image, buffer: io.BytesIO) -> None:
        """Write the drawn figure in the format that `mime` names."""
        # 256 colours: a third of the bytes, and written in a third of the time
        image.quantize(256, method=Image.Quantize.FASTOCTREE).save(buffer, format="png")

    def base64(self) -> str:
        """The file as text, as notebooks and web pages want it."""
        return base64.b64encode(self.content).decode()

    def html(self) -> str:
        """An <img> element, for widgets: it keeps its height while the next one is loading."""
        return (
            f'<img src="data:{self.mime};base64,{self.base64()}" alt="{escape(self.alt)}" '
            f'width="{self.width}" height="{self.height}" decoding="sync" '
            'style="max-width: 100%; height: auto">'
        )

    def __repr__(self) -> str:
        return self.alt

    def _repr_mimebundle_(self, include=None, exclude=None) -> tuple[dict, dict]:
        shown = {"alt": self.alt, "width": self.width}
        bundle = {"text/plain": self.alt, self.mime: self.base64()}
        return bundle, {self.mime: shown}


class Photo(Picture):
    """A Picture that holds photographs, for which 256 colours are too few: a JPEG."""

    mime = "image/jpeg"

    @staticmethod
    def write(image: Image.Image, buffer: io.BytesIO) -> None:
        """Write a JPEG that keeps the edges of coloured lines and letters sharp."""
        image.save(buffer, format="jpeg", quality=90, subsampling=0)

"""Lesson 6 looked at: how an error grows through a network, and how active its layers are.

What `resnet_helpers.debugging` found, drawn; the tables come from there.
"""

import math
from typing import TYPE_CHECKING

from resnet_helpers.figures.style import BLUE, GREY, VERMILION, Picture, new_figure, styled

if TYPE_CHECKING:
    import pandas as pd


@styled
def draw_errors(table: "pd.DataFrame", first: int | None, name: str | None) -> Picture:
    """The relative error of each pair of modules on a log axis; where it is 0 there is no point.

    Args:
        table: of a Divergence.
        first: the row of the first divergence, if there is one.
        name: of your module in that row.
    """
    title = "No pair of modules differs by more than the tolerance"
    if first is not None:
        title = f"Your network leaves the reference at {name or 'its very end'}"
    figure, ((ax,),) = new_figure(title)
    errors = table["relative error"]
    ax.plot(errors.where((errors > 0) & (errors < math.inf)), ".-", color=BLUE)
    ax.set(yscale="log", xlabel="row of the table, in order of execution", ylabel="relative error")
    tolerance = table["tolerance"]
    if (tolerance > 0).any():
        limits = tolerance.where(tolerance > 0)
        ax.step(table.index, limits, color=GREY, linestyle="--", where="mid", label="tolerance")
    if first is not None:
        ax.axvline(first, color=VERMILION, linestyle=":", label="first divergence")
    if ax.get_legend_handles_labels()[0]:
        ax.legend()
    return Picture(figure, f"{title}. The relative error of {len(table)} pairs, on a log axis.")


LEAST_MEAN = 0.1  # of the standard deviation


@styled
def draw_activations(table: "pd.DataFrame") -> Picture:
    """Standard deviation and |mean| on a log axis, and below them the share of zeros.

    A mean much smaller than the standard deviation says no more than 0 would, but stood far below
    all else, like a sick layer: it is left out.

    Args:
        table: of ActivationStats.
    """
    title = "Does the signal keep its size from layer to layer, or explode, or die out?"
    figure, axes = new_figure(title, rows=2, height=4.9, sharex=True)
    (above,), (below,) = axes
    std, mean = table["std"], table["mean"].abs()
    for size, shown, label, marker, colour in (
        (std, std > 0, "standard deviation", ".-", BLUE),
        (
            mean,
            mean > LEAST_MEAN * std,
            f"|mean|, where over {LEAST_MEAN:.0%} of that",
            "x",
            VERMILION,
        ),
    ):
        above.plot(size.where(shown & (size < math.inf)), marker, label=label, color=colour)
    above.set(yscale="log", ylabel="activation")
    above.margins(y=0.4)  # more than one power of ten, so that those alone are labelled
    above.legend(loc="lower right", bbox_to_anchor=(1, 0.97), ncols=2, borderaxespad=0)
    below.bar(table.index, table["zeros"], color=GREY)
    below.set(
        ylim=(0, 1), ylabel="share of zeros", xlabel="row of the table, in order of execution"
    )
    largest, smallest = table["std"].max(), table["std"].min()
    alt = (
        f"{title} Standard deviations of {len(table)} outputs, from {smallest:.2g} to "
        f"{largest:.2g}; at most {table['zeros'].max():.0%} zeros."
    )
    return Picture(figure, alt)

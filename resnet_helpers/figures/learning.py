"""Lesson 7 looked at: a network while it learns, and what becomes of its layers meanwhile.

Curves that grow step by step, the crops it learns from, and what record_training has recorded.
"""

import math
import time
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from torch import Tensor

from resnet_helpers.arguments import (
    as_number,
    check_labels,
    check_pictures,
    check_whole_number,
    said,
)
from resnet_helpers.errors import InvalidArgumentError
from resnet_helpers.figures.progress import Progress
from resnet_helpers.figures.style import (
    BLUE,
    GREY,
    VERMILION,
    Photo,
    Picture,
    drawable,
    hide_axes,
    new_figure,
    styled,
)
from resnet_helpers.images import IMAGENET_TRANSFORM, as_text

if TYPE_CHECKING:
    from resnet_helpers.training.recording import Recording

SECONDS = 1.2  # between two drawings, each of which takes more than a tenth of a second
AVERAGED = 20  # steps: a single batch says little
N_CLASSES = 10
MOST_STEPS = 10**9
LEAST_LOSS = 1e-30  # that has a place on the logarithmic axis
MOST_CROPS_SHOWN = 60  # in ten rows

# --- While it learns ------------------------------------------------------------------------


class LiveCurves:
    """Loss and accuracy of a run, drawn while it goes on: `with LiveCurves(n_steps) as curves:`.

    Interrupt the cell (the square button) to stop: the block ends, a sentence says how far it came,
    and the notebook goes on with what there is. Any other error comes through.

    Args:
        n_steps: how many there will be.
        beside: another run's curves, to be drawn in grey for comparison.

    Attributes:
        losses: one a step.
        in_eval: the accuracy in eval mode, by the number of steps after which it was measured.
        in_train: the same in train mode.

    Raises:
        InvalidArgumentError: n_steps is no whole number from 1 to a billion, or beside no curves;
            or what is added is no number.
    """

    def __init__(self, n_steps: int, beside: "LiveCurves | None" = None):
        check_whole_number(n_steps, "n_steps", most=MOST_STEPS)
        if not isinstance(beside, LiveCurves | None):
            raise InvalidArgumentError(f"beside is {said(beside)}: it has to be other LiveCurves.")
        self.n_steps, self.beside = n_steps, beside
        self.losses: list[float] = []
        self.in_eval: dict[int, float] = {}
        self.in_train: dict[int, float] = {}
        self.shown, self.drawn_at = None, 0.0

    def add(self, loss: float) -> None:
        """The loss of the next step."""
        self.losses.append(as_number(loss, "The loss"))
        if self.shown and time.monotonic() - self.drawn_at > SECONDS:
            self.shown.update(Progress(len(self.losses), self.n_steps, self.plot()))
            self.drawn_at = time.monotonic()

    def add_accuracy(self, in_eval: float, in_train: float) -> None:
        """The accuracies of the network as it is now."""
        accuracies = as_number(in_eval, "in_eval"), as_number(in_train, "in_train")
        self.in_eval[len(self.losses)], self.in_train[len(self.losses)] = accuracies

    def plot(self) -> Picture:
        """Both, as far as they are known."""
        return draw_curves(self)

    def __enter__(self) -> "LiveCurves":
        from IPython.display import display

        self.shown = display(Progress(0, self.n_steps, self.plot()), display_id=True)
        self.drawn_at = time.monotonic()
        return self

    def __exit__(
        self, kind: type | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        stopped = isinstance(error, KeyboardInterrupt)
        if stopped:
            print(
                f"Stopped after {len(self.losses)} of {self.n_steps} steps: "
                "the network is trained so far."
            )
        with suppress(KeyboardInterrupt):  # of who presses the button twice
            if self.shown:  # outside a notebook nothing can be updated
                self.shown.update(self.plot())
        self.shown = None
        return stopped

    def __repr__(self) -> str:
        return f"curves of {len(self.losses)} of {self.n_steps} steps"


def final_loss(losses: Sequence[float]) -> float:
    """The mean of the last 20 steps; NaN where there is none."""
    last = losses[-AVERAGED:]
    return sum(last) / len(last) if last else math.nan


@styled
def draw_curves(curves: LiveCurves) -> Picture:
    """Loss on the left, accuracy in both modes on the right; another run in grey behind them."""
    figure, ((left, right),) = new_figure("Does it learn?", columns=2, height=4.2)
    if curves.beside:
        _draw_run(left, right, curves.beside, (GREY, GREY), "healthy, ", lw=1.2, ms=4)
    _draw_run(left, right, curves, (BLUE, VERMILION), lw=1.8, ms=6)
    for panel, value in ((left, math.log(N_CLASSES)), (right, 1 / N_CLASSES)):
        panel.axhline(value, color=GREY, ls=":", lw=1.2, label="guessing")
        panel.set(xlabel="training step", xlim=(0, curves.n_steps))
    low, high = _loss_limits(curves)
    left.set(title="loss of each batch", yscale="log", ylim=(low, high))
    ticks = [tick for tick in (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 100, 1000) if low <= tick <= high]
    left.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    left.minorticks_off()
    right.set(title="accuracy on new crops", ylim=(0, 1.02))
    for panel in (left, right):
        panel.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=3, fontsize=10)
    facts = f"Loss, mean of the last {AVERAGED} steps: {final_loss(curves.losses):.2f}."
    if curves.in_eval:
        in_eval, in_train = (list(run.values())[-1] for run in (curves.in_eval, curves.in_train))
        facts += f" Accuracy {in_eval:.2f} in eval mode, {in_train:.2f} in train mode."
    return Picture(figure, f"After {len(curves.losses)} of {curves.n_steps} steps. {facts}")


def _draw_run(
    left: Axes, right: Axes, run: LiveCurves, colours: tuple[str, str], label="", **look: float
) -> None:
    """The curves of one run: eval mode in the first colour, train mode in the second."""
    steps = range(1, len(run.losses) + 1)
    left.plot(steps, drawable(run.losses), color=colours[0], label=f"{label}loss", **look)
    for values, mode, marker, colour in (
        (run.in_eval, "eval", "o-", colours[0]),
        (run.in_train, "train", "s--", colours[1]),
    ):
        name = f"{label}{mode} mode"
        right.plot(
            values.keys(), drawable(values.values()), marker, color=colour, label=name, **look
        )


def _loss_limits(curves: LiveCurves) -> tuple[float, float]:
    """Of the axis: from 0.1 to 4, or as far as the losses go."""
    finite = [loss for loss in drawable(curves.losses) if loss > LEAST_LOSS]
    return min([0.1, *finite]), 1.2 * max([3.4, *finite])


# --- What it learns from --------------------------------------------------------------------


@styled
def show_crops(
    crops: Float[Tensor, "crops rgb h w"],
    labels: Int[Tensor, "crops"],
    names: Sequence[str],
    n_shown=12,
) -> Photo:
    """The first crops of a batch, each under the name that its label stands for.

    Args:
        crops: normalised, as a network takes them; on any device.
        labels: the number of each crop's picture.
        names: of the pictures; file names lose their ending.
        n_shown: how many of them at most, up to 60.

    Raises:
        InvalidArgumentError: crops are no pictures of three channels, labels no numbers of names,
            one for each crop, or n_shown no whole number from 1 to 60.
    """
    check_pictures(crops, "crops")
    if crops.shape[1] != 3 or crops.is_complex():
        raise InvalidArgumentError(
            f"crops is of {crops.dtype} and has the shape {tuple(crops.shape)}: it has to hold "
            "three channels, red, green and blue, of a number for each pixel."
        )
    check_labels(labels, len(crops))
    _check_names(names, labels)
    check_whole_number(n_shown, "n_shown", most=MOST_CROPS_SHOWN)
    n_shown = min(n_shown, len(crops))
    columns = min(n_shown, 6)
    rows = math.ceil(n_shown / columns)
    figure, axes = new_figure(
        "Which picture is it from? The crops, and their labels",
        rows=rows,
        columns=columns,
        height=0.6 + 2 * rows,
    )
    normalise = IMAGENET_TRANSFORM.transforms[-1]
    mean, std = (np.array(values) for values in (normalise.mean, normalise.std))
    shown = []
    for panel in axes.flat:
        hide_axes(panel)
    crops = crops[:n_shown].detach().cpu().float().nan_to_num()
    for panel, crop, label in zip(axes.flat, crops, labels.tolist(), strict=False):
        panel.imshow((crop.permute(1, 2, 0).numpy() * std + mean).clip(0, 1))
        name = as_text(names[label].partition(".")[0].replace("_", " "))
        panel.set_title(name, fontsize=12, parse_math=False)  # names may hold a $
        shown.append(name)
    return Photo(figure, f"{n_shown} crops, labelled {', '.join(shown)}.")


def _check_names(names: object, labels: Int[Tensor, "crops"]) -> None:
    """Refuse what is no list of names with one for each of the labels.

    Raises:
        InvalidArgumentError: it is so.
    """
    is_list = isinstance(names, Sequence) and not isinstance(names, str | bytes)
    if not is_list or not all(isinstance(name, str) for name in names):
        raise InvalidArgumentError('names is a list of texts, such as ["cat.jpg", "dog.jpg"].')
    low, high = labels.min().item(), labels.max().item()
    if low < 0 or high >= len(names):
        raise InvalidArgumentError(
            f"There are {len(names)} names, for labels from 0 to {len(names) - 1}, and a label is "
            f"{low if low < 0 else high}."
        )


# --- What was recorded ----------------------------------------------------------------------

PANELS = {
    "mean": "mean of the output",
    "std": "its standard deviation",
    "dead": "share of dead channels",
    "gradient": "norm of the gradient",
    "update": "update, by the weights",
}
LOGARITHMIC = ("std", "gradient", "update")


@styled
def draw_recording(recording: "Recording") -> Picture:
    """Five panels, a line a layer: over the steps, from the first layer (dark) to the last."""
    layers = list(recording.kinds)
    figure, axes = new_figure(
        "What becomes of the layers?", rows=2, columns=3, height=4.9, note=_note(recording)
    )
    steps = range(1, len(recording.steps) + 1)
    colours = colormaps["viridis"](np.linspace(0, 0.95, len(layers)))
    for panel, (name, title) in zip(axes.flat, PANELS.items(), strict=False):
        for layer, colour in zip(layers, colours, strict=True):
            values = np.array([getattr(step[layer], name) for step in recording.steps])
            if name in LOGARITHMIC:
                values = np.where(values > 0, values, math.nan)
            if np.isfinite(values).any():
                panel.plot(steps, values, color=colour, lw=1.1)
        panel.set_title(title, fontsize=13)
        if name in LOGARITHMIC:
            _whole_decades(panel)
    _both_signs(axes[0, 0])
    axes[0, 2].set_ylim(-0.02, 1.02)
    for panel in axes[1]:
        panel.set_xlabel("training step")
    hide_axes(axes[1, 2])
    bar = figure.colorbar(
        ScalarMappable(cmap="viridis"), ax=axes[1, 2], orientation="horizontal", fraction=0.5
    )
    bar.set_ticks([0, 1], labels=["first layer", "last layer"])
    bar.outline.set_visible(False)
    return Picture(figure, f"{recording!r}. {_facts(recording)}")


def _whole_decades(panel: Axes) -> None:
    """A logarithmic axis from one power of ten to another, so that powers alone are labelled."""
    panel.set_yscale("log")
    low, high = panel.get_ylim()
    panel.set_ylim(10 ** math.floor(math.log10(low)), 10 ** math.ceil(math.log10(high)))


def _both_signs(panel: Axes) -> None:
    """A logarithmic axis on both sides of 0, where numbers go far beyond 1."""
    largest = max(map(abs, panel.get_ylim()))
    if largest > 10:
        panel.set_yscale("symlog", linthresh=1)
        exponent = math.floor(math.log10(largest))
        tens = [10.0**power for power in range(1, exponent + 1, 1 + exponent // 3)]
        ticks = [*(-ten for ten in reversed(tens)), 0, *tens]
        panel.set_yticks(ticks, [f"{tick:g}" for tick in ticks])


def _note(recording: "Recording") -> str:
    """A line under the title for what a logarithmic axis cannot show: gradients that are 0."""
    n_without = len(recording.without_gradient())
    n_trained = len(recording.trained())
    return f"{n_without} of {n_trained} layers never got a gradient" if n_without else ""


def _facts(recording: "Recording") -> str:
    """The last step, in words."""
    if not recording.steps:
        return "Nothing has been recorded: no optimizer has made a step."
    last = recording.steps[-1].values()
    dead = max((s.dead for s in last if not math.isnan(s.dead)), default=math.nan)
    gradients = [s.gradient for s in last if not math.isnan(s.gradient)]
    sentence = f"At the last step the most dead channels of a layer are {dead:.0%}"
    if gradients:
        sentence += f", gradients from {min(gradients):.1g} to {max(gradients):.1g}"
    return f"{sentence}. {_note(recording)}".strip()


@styled
def draw_gradients(recording: "Recording") -> Picture:
    """The norm of the gradient of each layer's parameters, at the first step and at the last.

    Where it is 0, which no logarithmic axis shows, there is a cross at the bottom.
    """
    trained = recording.trained()
    title = "How large is the gradient, from layer to layer?"
    figure, ((panel,),) = new_figure(title, height=4.9, note=_note(recording))
    moments = {"step 1": slice(0, 1), f"mean of the last {AVERAGED} steps": slice(-AVERAGED, None)}
    facts = []
    for (when, which), marker, colour in zip(
        moments.items(), ("o-", "s--"), (BLUE, VERMILION), strict=True
    ):
        steps = recording.steps[which]
        norms = [float(np.mean([step[name].gradient for step in steps])) for name in trained]
        shown = [norm if norm > 0 else math.nan for norm in norms]
        panel.plot(shown, marker, color=colour, lw=1.2, label=when)
        if norms:
            facts.append(f"{when}: {norms[0]:.1g} in the first layer, {norms[-1]:.1g} in the last")
    panel.set(yscale="log", ylabel="norm of the gradient")
    without = [trained.index(name) for name in recording.without_gradient()]
    if without:
        at_the_bottom = {"transform": panel.get_xaxis_transform(), "clip_on": False}
        y = [0.03] * len(without)
        panel.plot(without, y, "x", color="black", label="never any", **at_the_bottom)
    panel.set_xticks(range(len(trained)), [_short(name) for name in trained], rotation=90)
    panel.tick_params(axis="x", labelsize=9)
    panel.legend(loc="best", fontsize=11)
    names = ", ".join(recording.without_gradient())
    never = f" Never any in {names}." if names else ""
    return Picture(figure, f"Gradients of {len(recording.steps)} steps. {'; '.join(facts)}.{never}")


def _short(name: str) -> str:
    """The end of a long name, which is what tells neighbours apart."""
    return name if len(name) <= 22 else f"…{name[-21:]}"

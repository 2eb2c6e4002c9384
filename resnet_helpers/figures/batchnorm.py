"""Lesson 1 looked at: activations through twenty layers, running means, train against eval mode.

Every figure takes the BatchNorm2d class it is about, PyTorch's own or a learner's, and runs it.
"""

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from resnet_helpers.errors import InvalidArgumentError, needs_exercise, one_line
from resnet_helpers.figures.live import Live, slider
from resnet_helpers.figures.looking import on_cpu
from resnet_helpers.figures.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    VERMILION,
    Picture,
    new_figure,
    styled,
)
from resnet_helpers.figures.threads import one_thread

N_LAYERS, CHANNELS = 20, 100
LAYER_TICKS = [1, 5, 10, 15, 20]
TALLEST = 1.7  # of a histogram, in layers
# The standard deviation of the weights is scale / sqrt(inputs of a channel).
INITIALISATIONS = {"too small": 0.7, "Xavier": 1.0, "He": math.sqrt(2), "too large": 2.0}
SCALES = [0.5, 0.7, 0.85, 1.0, 1.2, math.sqrt(2), 1.7, 2.0, 3.0]


@on_cpu()
@needs_exercise("BatchNorm2d")
@torch.no_grad()
def check_norm(make_norm: type[nn.Module]) -> None:
    """Refuse, in one sentence, what cannot be made and called like nn.BatchNorm2d.

    Raises:
        UnfinishedExerciseError: it is a learner's, and still a stub.
        InvalidArgumentError: making or calling it raised, or what it returned has another shape.
    """
    x = torch.zeros(2, 3, 2, 2)
    try:
        norm = make_norm(3, momentum=0.1)
        shapes = [norm.train()(x).shape, norm.eval()(x).shape, norm.running_mean.shape]
    except NotImplementedError:
        raise
    except Exception as error:
        raise InvalidArgumentError(
            "Pass a class that is made and called like nn.BatchNorm2d. With this one, making "
            f"(3 channels, momentum=0.1) or calling it raised {one_line(error)}"
        ) from error
    if shapes != [x.shape, x.shape, (3,)]:
        raise InvalidArgumentError(
            f"Pass a class that is made and called like nn.BatchNorm2d. From {tuple(x.shape)} this "
            f"one makes {tuple(shapes[0])}, with a running_mean of {tuple(shapes[2])}."
        )


# --- Twenty layers --------------------------------------------------------------------------


@on_cpu()
@one_thread()
@torch.no_grad()
def layer_outputs(
    scale: float, make_norm: type[nn.Module] | None = None
) -> list[Float[Tensor, "batch=16 channels=100 height=4 width=4"]]:
    """What comes out of each of twenty 1x1 convolutions, before its ReLU, on standard normal input.

    Args:
        scale: the weights have the standard deviation scale / sqrt(100): 1 is Xavier's
            initialisation (Glorot & Bengio 2010), sqrt(2) He's (He et al. 2015).
        make_norm: a BatchNorm2d class; each convolution is followed by one of these, in train
            mode. None: no batchnorm.
    """
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(16, CHANNELS, 4, 4, generator=generator)
    outputs = []
    for _ in range(N_LAYERS):
        weight = torch.randn(CHANNELS, CHANNELS, 1, 1, generator=generator)
        x = torch.conv2d(x, weight * scale / math.sqrt(CHANNELS))
        if make_norm:
            x = make_norm(CHANNELS).train()(x)
        outputs.append(x)
        x = x.relu()
    return outputs


def _draw_histograms(axes, outputs: list[Tensor], colour: str) -> None:
    """One histogram a layer, the first layer on top; a standard normal one would be 1 high.

    A taller one than fits, of values in a narrow range, is scaled down as a whole.
    """
    edges = np.linspace(-4, 4, 82)
    middles = (edges[1:] + edges[:-1]) / 2
    for layer, output in enumerate(outputs, start=1):
        counts, _ = np.histogram(output.numpy(), edges)
        density = counts / output.numel() / (edges[1] - edges[0])
        height = density * math.sqrt(2 * math.pi)
        height *= min(1, TALLEST / max(height.max(), 1e-12))  # a spike would hide the others
        axes.fill_between(
            middles, layer, layer - height, color=colour, ec="white", lw=0.5, zorder=layer
        )
    axes.set(xlim=(-4, 4), xticks=[-3, 0, 3], ylim=(N_LAYERS + 0.5, -1.2), yticks=LAYER_TICKS)
    axes.grid(visible=False)
    axes.spines["left"].set_visible(False)
    axes.tick_params(left=False)


def _number(x: float) -> str:
    """Two digits, as one would write them by hand."""
    exponent = math.floor(math.log10(x))
    if -4 <= exponent <= 3:
        return f"{float(f'{x:.2g}'):g}"
    return rf"{x / 10**exponent:.1f}·$10^{{{exponent}}}$"


@styled
def initialisations(make_norm: type[nn.Module] = nn.BatchNorm2d) -> Picture:
    """Histograms of twenty layers' outputs, without and with batchnorm, for four weight scales."""
    check_norm(make_norm)
    figure, axes = new_figure(
        "Without batchnorm, one scale survives 20 layers; with it, all do",
        rows=2,
        columns=len(INITIALISATIONS),
        height=4.9,
        sharex=True,
        sharey=True,
    )
    stds = {}
    for column, (name, scale) in enumerate(INITIALISATIONS.items()):
        for row, (norm, colour) in enumerate([(None, VERMILION), (make_norm, BLUE)]):
            outputs = layer_outputs(scale, norm)
            _draw_histograms(axes[row, column], outputs, colour)
            stds[row, name] = outputs[-1].std().item()
            label = f"final std {_number(stds[row, name])}"
            axes[row, column].set_title(
                f"{name}: scale {scale:.2g}\n{label}" if row == 0 else label
            )
        axes[1, column].set_xlabel("value before ReLU")
    figure.supxlabel("scale = standard deviation of the weights × √inputs", fontsize=12)
    axes[0, 0].set_ylabel("without batchnorm\nlayer")
    axes[1, 0].set_ylabel("with batchnorm\nlayer")
    without = ", ".join(f"{name} {stds[0, name]:.2g}" for name in INITIALISATIONS)
    return Picture(
        figure,
        "Histograms of the outputs of 20 layers. Without batchnorm the standard deviation in "
        f"layer 20 is, by initialisation: {without}. With batchnorm it is 1 in every layer.",
    )


def weight_scale(make_norm: type[nn.Module] = nn.BatchNorm2d) -> Live:
    """The same histograms, with a slider for the scale of the weights."""
    check_norm(make_norm)

    @styled
    def draw(scale: float) -> Picture:
        figure, axes = new_figure(
            "With batchnorm, the scale of the weights does not matter",
            columns=3,
            height=4.4,
        )
        stds = {}
        for column, (name, norm, colour, marker) in enumerate(
            [("without batchnorm", None, VERMILION, "o"), ("with batchnorm", make_norm, BLUE, "s")]
        ):
            outputs = layer_outputs(scale, norm)
            _draw_histograms(axes[0, column], outputs, colour)
            axes[0, column].set(title=name, xlabel="value before ReLU", ylabel="layer")
            stds[name] = [output.std().item() for output in outputs]
            layers = range(1, N_LAYERS + 1)
            axes[0, 2].plot(layers, stds[name], marker, color=colour, label=name)
        axes[0, 2].set(title="standard deviation", yscale="log", ylim=(1e-10, 1e10), xlabel="layer")
        axes[0, 2].set_xticks(LAYER_TICKS)
        shrinks = stds["without batchnorm"][-1] < 1
        axes[0, 2].legend(loc="upper left" if shrinks else "lower left")
        return Picture(
            figure,
            f"Weights of scale {scale:.2g}: the standard deviation goes from "
            f"{stds['without batchnorm'][0]:.2g} in layer 1 to "
            f"{stds['without batchnorm'][-1]:.2g} in layer 20 without batchnorm, "
            f"and is {stds['with batchnorm'][-1]:.2g} in layer 20 with it.",
        )

    names = {scale: f" ({name})" for name, scale in INITIALISATIONS.items()}
    options = [(f"{scale:.2g}{names.get(scale, '')}", scale) for scale in SCALES]
    return Live(draw, scale=slider("scale of the weights", options, INITIALISATIONS["Xavier"]))


# --- Running statistics ---------------------------------------------------------------------

MOMENTA = {0.01: (BLUE, "-"), 0.1: (ORANGE, "--"), 0.5: (PURPLE, ":")}
TRUE_MEAN, TRUE_STD, N_STEPS = 3.0, 2.0, 150


@on_cpu()
@one_thread()
@torch.no_grad()
def running_means(
    make_norm: type[nn.Module], momentum: float, batch_size: int
) -> tuple[list[float], list[float]]:
    """The means of 150 batches, and batchnorm's running mean after each of them."""
    generator = torch.Generator().manual_seed(0)
    norm = make_norm(1, momentum=momentum).train()
    batch_means, means = [], []
    for _ in range(N_STEPS):
        # 2x2 pixels, so that a batch of 1 has more than one value
        batch = TRUE_MEAN + TRUE_STD * torch.randn(batch_size, 1, 2, 2, generator=generator)
        norm(batch)
        batch_means.append(batch.mean().item())
        means.append(norm.running_mean.item())
    return batch_means, means


def running_mean(make_norm: type[nn.Module] = nn.BatchNorm2d) -> Live:
    """running_mean on its way to the true mean, for three momenta; a slider for the batch size."""
    check_norm(make_norm)

    @styled
    def draw(batch_size: int) -> Picture:
        figure, axes = new_figure(
            "A small momentum is slow but steady; a large one is quick and never rests", height=4.4
        )
        steps = range(1, N_STEPS + 1)
        last = {}
        for momentum, (colour, dashes) in MOMENTA.items():
            batch_means, means = running_means(make_norm, momentum, batch_size)
            axes[0, 0].plot(
                steps, means, dashes, color=colour, label=f"running_mean, momentum {momentum}"
            )
            last[momentum] = means[-1]
        axes[0, 0].plot(steps, batch_means, ".", color=GREY, ms=5, label="mean of one batch")
        axes[0, 0].axhline(TRUE_MEAN, color=BLACK, lw=1.5, label="true mean")
        axes[0, 0].set(xlabel="training step", ylabel="mean", ylim=(-0.1, 6), xlim=(0, N_STEPS))
        axes[0, 0].legend(loc="lower right", ncols=2)
        after = ", ".join(f"{mean:.2f} for momentum {m}" for m, mean in last.items())
        return Picture(
            figure,
            f"batchnorm's running mean, from 0, approaches the true mean {TRUE_MEAN:g}. Batch size "
            f"{batch_size}; after {N_STEPS} steps it is {after}.",
        )

    return Live(draw, batch_size=slider("batch size", [1, 2, 8, 32, 128], 8))


# --- Train and eval mode --------------------------------------------------------------------

BATCH_SIZES = [1, 2, 32]
N_DRAWS = 40


def _pictures(n: int, generator: torch.Generator) -> Float[Tensor, "n 1 8 8"]:
    """Pictures of one channel, each with a brightness of its own, and noise."""
    brightness = torch.randn(n, 1, 1, 1, generator=generator)
    return brightness + 0.5 * torch.randn(n, 1, 8, 8, generator=generator)


@on_cpu()
@one_thread()
@torch.no_grad()
def outputs_with_companions(
    make_norm: type[nn.Module], batch_size: int
) -> tuple[list[float], list[float]]:
    """The output of batchnorm at one pixel of one picture, for 40 draws of its companions.

    Returns:
        In train mode, and in eval mode after 300 batches of training.
    """
    generator = torch.Generator().manual_seed(1)
    norm = make_norm(1)
    for _ in range(300):
        norm.train()(_pictures(32, generator))
    picture = 1 + 0.5 * torch.randn(1, 1, 8, 8, generator=generator)  # a rather bright one
    train, evaluation = [], []
    for _ in range(N_DRAWS):
        batch = torch.cat([picture, _pictures(batch_size - 1, generator)])
        # eval mode first: train mode would move the running statistics
        evaluation.append(norm.eval()(batch)[0, 0, 0, 0].item())
        train.append(make_norm(1).train()(batch)[0, 0, 0, 0].item())
    return train, evaluation


@styled
def train_and_eval(make_norm: type[nn.Module] = nn.BatchNorm2d) -> Picture:
    """One pixel's output, train mode against eval mode, for batches of 1, 2 and 32 pictures."""
    check_norm(make_norm)
    figure, axes = new_figure(
        "Only in train mode do a picture's companions change its output",
        columns=len(BATCH_SIZES),
        height=4.6,
        sharey=True,
    )
    facts = []
    for column, batch_size in enumerate(BATCH_SIZES):
        train, evaluation = outputs_with_companions(make_norm, batch_size)
        draws = range(1, N_DRAWS + 1)
        panel = axes[0, column]
        panel.plot(draws, train, "o", color=VERMILION, label="train mode")
        panel.plot(draws, evaluation, "-", color=GREEN, lw=4, label="eval mode")
        alone = "alone" if batch_size == 1 else f"with {batch_size - 1} other"
        panel.set(
            title=f"batch size {batch_size}\n{alone}" + ("s" if batch_size > 2 else ""),
            xlabel="draw of the companions",
        )
        facts.append(
            f"batch size {batch_size}: {min(train):.2f} to {max(train):.2f} in train mode, "
            f"{evaluation[0]:.2f} in eval mode"
        )
    axes[0, 0].set_ylabel("output of batchnorm")
    axes[0, -1].legend(loc="lower right")
    return Picture(figure, "Output at one pixel over 40 draws: " + "; ".join(facts) + ".")

"""Lesson 3 looked at: deeper networks that train worse, and what a way around the layers changes.

Four small networks learn to tell of a random crop which of the course's ten pictures it comes
from. It is the experiment of He et al. 2015 (section 4.2) in half a minute in place of days.
"""

from collections.abc import Iterator
from contextlib import suppress
from textwrap import fill

import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from torch import Tensor, nn

from resnet_helpers.arguments import check_seed, check_whole_number
from resnet_helpers.errors import InvalidArgumentError
from resnet_helpers.figures.learning import AVERAGED, final_loss
from resnet_helpers.figures.looking import on_cpu
from resnet_helpers.figures.progress import Progress
from resnet_helpers.figures.style import BLUE, VERMILION, Picture, hide_axes, new_figure, styled
from resnet_helpers.figures.threads import one_thread
from resnet_helpers.images import load_images, prepare_images
from resnet_helpers.training.crops import random_crops

SHALLOW, DEEP = 20, 56  # the layers with weights, as the paper counts them
WIDTH, CROP, BATCH_SIZE = 8, 16, 32
N_STEPS, LEARNING_RATE = 200, 0.1
REDRAW_EVERY = 10  # steps: a drawing costs as much as one of them
WORSE = 0.15  # a difference in loss; of seven seeds, the luck came to 0.05, plain ones to 0.24

# ImageNet top-1 error in %, 10-crop testing: He et al. 2015, table 2
PAPER_ERRORS = {"plain": {18: 27.94, 34: 28.54}, "residual": {18: 27.88, 34: 25.03}}

# The kind of network gives the colour, the depth the dashes.
COLOURS = {"plain": VERMILION, "residual": BLUE}
DASHES = {SHALLOW: "--", DEEP: "-"}

Losses = dict[str, dict[int, list[float]]]  # by kind and depth, one number a step

# --- The networks ---------------------------------------------------------------------------


class Block(nn.Module):
    """Two 3x3 convolutions with batchnorm. With a skip, its input goes around them and is added.

    Shape: (batch, in_feats, height, width) -> (batch, out_feats, height/stride, width/stride).
    """

    def __init__(self, in_feats: int, out_feats: int, stride: int, skip: bool):
        super().__init__()
        self.left = nn.Sequential(
            nn.Conv2d(in_feats, out_feats, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(out_feats),
            nn.ReLU(),
            nn.Conv2d(out_feats, out_feats, 3, padding=1, bias=False),
            nn.BatchNorm2d(out_feats),
        )
        self.right = None
        if skip and in_feats == out_feats:
            self.right = nn.Identity()
        elif skip:
            self.right = nn.Sequential(
                nn.Conv2d(in_feats, out_feats, 1, stride, bias=False), nn.BatchNorm2d(out_feats)
            )

    def forward(self, x: Tensor) -> Tensor:
        out = self.left(x)
        if self.right is not None:
            out = out + self.right(x)
        return out.relu()


@on_cpu()
def small_network(depth: int, skip: bool, seed: int, zero_init=True) -> nn.Sequential:
    """The paper's network for small pictures (section 4.2), half as wide: 8, 16 and 32 channels.

    Args:
        depth: 6 n + 2, for n blocks in each of the three groups.
        skip: residual blocks or plain ones.
        seed: of the weights, which are He's; the global random state stays as it is.
        zero_init: the last batchnorm weight of every residual block starts at 0, so that the
            block starts as its right branch (Goyal et al. 2017, section 5.1). A plain block has
            nothing left then, so this is for networks with skips only.

    Raises:
        ValueError: there is no such n.
    """
    n_blocks, rest = divmod(depth - 2, 6)
    if rest:
        raise ValueError(f"depth must be 6 n + 2 (20, 56, ...), not {depth}")
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        layers = [nn.Conv2d(3, WIDTH, 3, padding=1, bias=False), nn.BatchNorm2d(WIDTH), nn.ReLU()]
        feats = WIDTH
        for out_feats in (WIDTH, 2 * WIDTH, 4 * WIDTH):
            for _ in range(n_blocks):
                layers.append(Block(feats, out_feats, 1 if feats == out_feats else 2, skip))
                feats = out_feats
        network = nn.Sequential(
            *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(feats, 10)
        )
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if isinstance(module, Block) and skip and zero_init:
                nn.init.zeros_(module.left[-1].weight)
    return network


# --- The experiment -------------------------------------------------------------------------


def train_together(seed=0, n_steps=N_STEPS, losses: Losses | None = None) -> Iterator[Losses]:
    """Train plain and residual networks, shallow and deep, on the same crops.

    SGD with momentum 0.9; the learning rate falls from 0.1 to 0 along a cosine. Every crop is
    new, so the training loss is that of pictures the network has not seen: a high one means that
    it did not learn, not that it learned by heart.

    Args:
        seed: of the weights and the crops.
        n_steps: after so many the learning rate is 0.
        losses: `no_losses()`, to be filled; for who wants to keep them when this is interrupted.

    Yields:
        After every step, the losses of all steps so far (always the same dictionary).
    """
    pictures = prepare_images(load_images())
    generator = torch.Generator().manual_seed(seed)
    runs = []
    losses = no_losses() if losses is None else losses
    for kind, by_depth in losses.items():
        for depth in by_depth:
            network = small_network(depth, kind == "residual", seed)
            optimizer = torch.optim.SGD(network.parameters(), lr=LEARNING_RATE, momentum=0.9)
            schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n_steps)
            runs.append((network, optimizer, schedule, by_depth[depth]))
    for _ in range(n_steps):
        crops, labels = random_crops(pictures, generator, BATCH_SIZE, CROP)
        for network, optimizer, schedule, network_losses in runs:
            loss = F.cross_entropy(network(crops), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            network_losses.append(loss.item())
        yield losses


def no_losses() -> Losses:
    """The losses before the first step."""
    return {kind: {SHALLOW: [], DEEP: []} for kind in ("plain", "residual")}


def are_losses(losses: object) -> bool:
    """Are these lists of numbers by kind and depth?"""
    return isinstance(losses, dict) and all(
        isinstance(by_depth, dict)
        and by_depth.keys() == {SHALLOW, DEEP}
        and all(isinstance(each, list) for each in by_depth.values())
        and all(isinstance(loss, float) for each in by_depth.values() for loss in each)
        for by_depth in losses.values()
    )


def verdict(losses: Losses) -> str:
    """What this run showed, a sentence a kind, without digits that differ between machines.

    Of a run that was stopped it says after how many steps; before the 20th nothing is to be seen.

    Raises:
        InvalidArgumentError: these are no losses as `run` returns them.
    """
    if not are_losses(losses):
        raise InvalidArgumentError(
            "Pass the losses that `run` returns: by kind and depth, a number a step."
        )
    sentences = []
    for kind, by_depth in losses.items():
        n_steps = min(len(by_depth[SHALLOW]), len(by_depth[DEEP]))
        if n_steps < AVERAGED:
            sentences.append(f"{kind}: {n_steps} steps are too few to tell, {AVERAGED} the least")
            continue
        lag = final_loss(by_depth[DEEP]) - final_loss(by_depth[SHALLOW])
        outcome = "trained worse than" if lag > WORSE else "did not lag behind"
        when = f" (after {n_steps} steps)" if n_steps < N_STEPS else ""
        sentences.append(f"{kind}: {DEEP} layers {outcome} {SHALLOW} layers{when}")
    return "\n".join(sentences)


# --- Looking at it --------------------------------------------------------------------------


@one_thread()
def run(seed=0, n_steps=N_STEPS) -> Losses:
    """Run the experiment under a progress bar and a plot that grows; what remains is the plot.

    The paper's own result stands beside it only at the end. Interrupt the cell (the square button)
    to stop: a sentence says how far it came, and the plot and the losses so far are what you get.

    Args:
        seed: of the weights and the crops.
        n_steps: how long to train; the lesson's numbers are those of 200 steps.

    Returns:
        The losses by kind ("plain", "residual") and depth (20, 56), for `verdict`.

    Raises:
        InvalidArgumentError: n_steps is no whole number of at least 1, or the seed none at all.
    """
    from IPython.display import display

    check_whole_number(n_steps, "n_steps")
    check_seed(seed)
    losses, step, shown = no_losses(), 0, None
    try:
        shown = display(Progress(0, n_steps, draw_losses(losses, n_steps)), display_id=True)
        for step, _ in enumerate(train_together(seed, n_steps, losses), start=1):
            if shown and step % REDRAW_EVERY == 0:  # outside a notebook nothing can be updated
                shown.update(Progress(step, n_steps, draw_losses(losses, n_steps)))
        if shown:
            shown.update(draw_losses(losses, n_steps, ended=True))
    except KeyboardInterrupt:
        print(f"Stopped after {step} of {n_steps} steps: the losses so far are kept.")
        with suppress(KeyboardInterrupt):  # of who presses the button twice
            if shown:
                shown.update(draw_losses(losses, n_steps, ended=True))
    return losses


@styled
def draw_losses(losses: Losses, n_steps: int, ended=False) -> Picture:
    """The losses so far and, once the run has ended, the paper's own numbers beside them."""
    figure, ((mine, paper),) = new_figure(
        "Is deeper worse? Compare solid with dashed lines",
        columns=2,
        height=4.4,  # with the progress bar above it
        gridspec_kw={"width_ratios": [3, 2]},
    )
    here = draw_curves(mine, losses)
    mine.set(
        title="here: loss on crops of ten pictures",
        xlabel="training step",
        ylabel=f"mean loss of {AVERAGED} steps",
        xlim=(0, n_steps),
        ylim=(0, 2.6),
    )
    if ended:
        in_paper = draw_paper(paper)
    else:
        in_paper = "The paper's result is shown here at the end: what do you expect?"
        hide_axes(paper)
        paper.text(0.5, 0.5, fill(in_paper, 28), ha="center", va="center", fontsize=14)
    return Picture(
        figure, f"Loss, mean of the last {AVERAGED} steps: {here or 'none yet'}. {in_paper}"
    )


def draw_curves(panel: Axes, losses: Losses) -> str:
    """A curve for each network; and their ends, in words."""
    facts = []
    for kind, by_depth in losses.items():
        for depth, values in by_depth.items():
            means = [final_loss(values[:step]) for step in range(1, len(values) + 1)]
            label = f"{kind}, {depth} layers"
            panel.plot(range(1, len(means) + 1), means, DASHES[depth], c=COLOURS[kind], label=label)
            if values:
                facts.append(f"{label} {means[-1]:.2f}")
    if losses:
        panel.legend(loc="lower left", ncols=2)
    return ", ".join(facts)


def draw_paper(panel: Axes) -> str:
    """The paper's errors, and the same in words."""
    for kind, errors in PAPER_ERRORS.items():
        panel.plot(errors.keys(), errors.values(), "o-", color=COLOURS[kind], label=kind)
        side = 1 if kind == "plain" else -1  # above the line, or below
        for depth, error, left in [(18, errors[18], -28), (34, errors[34], 0)]:
            panel.annotate(
                f"{error:.2f}",
                (depth, error),
                (left, 14 * side),
                textcoords="offset points",
                ha="center",
                va="center",
            )
    panel.legend(loc="lower left")
    panel.set(
        title="He et al. 2015: ImageNet",
        xlabel="layers",
        ylabel="top-1 error, %",
        xticks=[18, 34],
        xlim=(8, 42),
        ylim=(24, 29.5),
    )
    in_paper = ", ".join(
        f"{kind} {errors[18]} and {errors[34]} %" for kind, errors in PAPER_ERRORS.items()
    )
    return f"ImageNet error of 18 and 34 layers in the paper: {in_paper}."


@on_cpu()
@one_thread()
def gradient_norms(depth: int, skip: bool) -> list[float]:
    """The norm of the loss's gradient for each 3x3 convolution's weights, before any training.

    Without zero_init, under which it is 0 in nearly every convolution of a residual network.
    """
    network = small_network(depth, skip, seed=0, zero_init=False)
    generator = torch.Generator().manual_seed(0)
    pictures = prepare_images(load_images())
    crops, labels = random_crops(pictures, generator, BATCH_SIZE, CROP)
    F.cross_entropy(network(crops), labels).backward()
    convs = [m for m in network.modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (3, 3)]
    return [conv.weight.grad.norm().item() for conv in convs]


@styled
def gradients() -> Picture:
    """Gradient norms by layer at initialisation: plain against residual, 20 and 56 layers."""
    figure, (axes,) = new_figure(
        "Before the first step, the deep plain network's gradients explode",
        columns=2,
        height=4.6,
        sharey=True,
    )
    facts = []
    for panel, depth in zip(axes, (SHALLOW, DEEP), strict=True):
        for kind, marker in [("plain", "o"), ("residual", "s")]:
            norms = gradient_norms(depth, kind == "residual")
            panel.plot(range(1, depth), norms, f"{marker}-", color=COLOURS[kind], label=kind, lw=1)
            facts.append(
                f"{kind} of {depth} layers: {norms[0]:.2g} in the first convolution, "
                f"{norms[-1]:.2g} in the last"
            )
        panel.set(title=f"{depth} layers", yscale="log", xlabel="convolution, first to last")
        panel.set_xticks([1, depth // 2, depth - 1])
    axes[0].set_ylabel("norm of the gradient\nof its weights")
    axes[1].legend()
    return Picture(figure, f"Norm of the gradient at initialisation. {'; '.join(facts)}.")

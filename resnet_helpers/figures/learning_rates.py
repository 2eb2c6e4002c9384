"""Lesson 7 looked at: at which learning rates a network learns, with batchnorm and without it.

Both start from the same weights and see the same crops; the learner's own train_step trains them.
"""

import copy
import math
from collections.abc import Callable, Mapping
from contextlib import suppress

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from resnet_helpers.arguments import (
    as_number,
    check_function,
    check_seed,
    check_whole_number,
    is_number,
)
from resnet_helpers.debugging.calls import copy_of
from resnet_helpers.errors import (
    InvalidArgumentError,
    needs_exercise,
    says_what_failed,
)
from resnet_helpers.figures.learning import final_loss
from resnet_helpers.figures.progress import Progress
from resnet_helpers.figures.style import Picture, new_figure, styled
from resnet_helpers.training.crops import check_learner, random_crops

LEARNING_RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
N_STEPS, BATCH_SIZE = 50, 32
LEARNS, EXPLODED = 1.5, 100.0  # losses; guessing has 2.3

TrainStep = Callable[[nn.Module, torch.optim.Optimizer, Tensor, Tensor], float]
Losses = dict[str, dict[float, float]]  # with or without, then by learning rate


def without_batchnorm(model: nn.Module) -> nn.Module:
    """A copy of the model in which each batchnorm (a module with a running_mean) does nothing."""
    model = copy.deepcopy(model)
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if hasattr(child, "running_mean"):
                setattr(module, name, nn.Identity())
    return model


def start_as_he(model: nn.Module) -> nn.Module:
    """Give all convolutions the initialisation of He et al. 2015, and return the model.

    PyTorch's own is 2.4 times smaller, and lets the signal die out where there is no batchnorm.
    """
    for parameter in model.parameters():
        if parameter.ndim == 4:
            nn.init.kaiming_normal_(parameter, nonlinearity="relu")
    return model


def run(
    model: nn.Module,
    pictures: Float[Tensor, "pictures rgb h w"],
    train_step: TrainStep,
    seed=0,
    n_steps=N_STEPS,
) -> Losses:
    """Train copies of the model, with and without batchnorm, at seven learning rates each.

    SGD with momentum 0.9. A map of final losses fills in under a progress bar. Interrupt the cell
    (the square button) to stop; what there is then is returned. The global random state stays.

    Args:
        model: the network with batchnorm; its weights are drawn anew in a copy.
        pictures: of which it sees random crops; on the model's device.
        train_step: the learner's.
        seed: of the weights and the crops.
        n_steps: of each run.

    Returns:
        The mean loss of the last 20 steps, NaN or infinite where it has exploded.

    Raises:
        UnfinishedExerciseError: train_step is still a stub.
        InvalidArgumentError: model is no network that can tell the pictures apart, or one of the
            others is not as said, or train_step returns no number.
        ModelFailedError: train_step raises something.
    """
    from IPython.display import display

    check_learner(model, pictures)
    check_function(train_step, "train_step", "your answer to the exercise")
    check_seed(seed)
    check_whole_number(n_steps, "n_steps")
    device = next(model.parameters()).device
    with torch.random.fork_rng(devices=[]):  # drawn on the CPU, so the same on every device
        torch.default_generator.manual_seed(seed)
        start = start_as_he(copy_of(model).cpu()).to(device)
    starts = {"with batchnorm": start, "without": without_batchnorm(start)}
    runs = [(kind, rate) for rate in LEARNING_RATES for kind in starts]
    losses: Losses = {kind: {} for kind in starts}
    shown = display(Progress(0, len(runs), draw_map(losses)), display_id=True)
    try:
        for number, (kind, rate) in enumerate(runs, start=1):
            with says_what_failed("Your train_step raised an error"), needs_exercise("train_step"):
                losses[kind][rate] = _train(starts[kind], pictures, train_step, rate, seed, n_steps)
            if shown:  # outside a notebook nothing can be updated
                shown.update(Progress(number, len(runs), draw_map(losses)))
    except KeyboardInterrupt:
        n_done = sum(map(len, losses.values()))
        print(f"Stopped after {n_done} of {len(runs)} runs: the map shows those.")
    with suppress(KeyboardInterrupt):  # of who presses the button twice
        if shown:
            shown.update(draw_map(losses))
    return losses


def _train(
    start: nn.Module,
    pictures: Tensor,
    train_step: TrainStep,
    learning_rate: float,
    seed: int,
    n_steps: int,
) -> float:
    """The final loss of one run; infinity as soon as a loss is no finite number."""
    model = copy.deepcopy(start)
    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate, momentum=0.9)
    generator = torch.Generator("cpu").manual_seed(seed)
    losses = []
    for _ in range(n_steps):
        loss = train_step(model, optimizer, *random_crops(pictures, generator, BATCH_SIZE))
        loss = as_number(loss, "The loss that train_step returns")
        if not math.isfinite(loss):
            return math.inf
        losses.append(loss)
    return final_loss(losses)


def _are_losses(losses: object) -> bool:
    """Are these numbers, by learning rate, of two runs?"""
    return (
        isinstance(losses, Mapping)
        and len(losses) == 2
        and all(isinstance(by_rate, Mapping) for by_rate in losses.values())
        and all(
            is_number(number)
            for by_rate in losses.values()
            for entry in by_rate.items()
            for number in entry
        )
    )


def verdict(losses: Losses) -> str:
    """What this run showed, without digits that differ between machines.

    Raises:
        InvalidArgumentError: these are no losses as `run` returns them.
    """
    if not _are_losses(losses):
        raise InvalidArgumentError(
            "Pass the losses that learning_rates.run(model, …) gives: with batchnorm and without, "
            "one for each learning rate."
        )
    with_, without = losses.values()
    if len(with_) < len(LEARNING_RATES) or len(without) < len(LEARNING_RATES):
        return "The experiment was stopped before its end: look at the map."
    n_with, n_without = (sum(loss < LEARNS for loss in run.values()) for run in (with_, without))
    more = "more" if n_with > n_without else "not more"
    ends = (
        "explodes" if not run[max(run)] < EXPLODED else "does not explode"
        for run in (with_, without)
    )
    return (
        f"With batchnorm it learns at {more} learning rates than without.\n"
        "At the highest it {} with batchnorm, and {} without.".format(*ends)
    )


@styled
def draw_map(losses: Losses) -> Picture:
    """A square for each run: the darker, the lower its final loss, which is written in it."""
    title = f"Final loss: it learns where it is below {LEARNS}, guessing has 2.3"
    figure, ((panel,),) = new_figure(title, height=3.4)
    grid = np.array(
        [[by_rate.get(r, math.nan) for r in LEARNING_RATES] for by_rate in losses.values()]
    )
    panel.imshow(
        np.where(np.isinf(grid), 3, grid), cmap="viridis", vmin=0, vmax=3, aspect="auto", alpha=0.85
    )
    for row, column in np.ndindex(grid.shape):
        loss = grid[row, column]
        if not math.isnan(loss):
            text = f"{loss:.2f}" if loss < EXPLODED else "explodes"
            colour = "white" if loss < LEARNS else "black"
            panel.text(column, row, text, ha="center", va="center", color=colour)
    panel.set(xlabel="learning rate")
    panel.set_xticks(range(len(LEARNING_RATES)), [f"{rate:g}" for rate in LEARNING_RATES])
    panel.set_yticks(range(len(losses)), list(losses))
    panel.grid(visible=False)
    words = {
        kind: ", ".join(f"{loss:.2f} at {rate:g}" for rate, loss in by_rate.items())
        for kind, by_rate in losses.items()
    }
    facts = "; ".join(f"{kind}: {text or 'none yet'}" for kind, text in words.items())
    return Picture(figure, f"Final losses by learning rate. {facts}.")

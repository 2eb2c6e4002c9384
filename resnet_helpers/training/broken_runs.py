"""Six training runs with one mistake each, to be found from what they leave behind.

Reading on gives the answers away: look at a run's curves, its recording and its loop first.
"""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from resnet_helpers import solutions
from resnet_helpers.arguments import said
from resnet_helpers.errors import InvalidArgumentError
from resnet_helpers.training import loops
from resnet_helpers.training.crops import accuracy_in_train_mode, random_crops, small_pictures
from resnet_helpers.training.recording import Recording, record_training

if TYPE_CHECKING:
    from resnet_helpers.figures.learning import LiveCurves
    from resnet_helpers.figures.style import Picture

N_STEPS, N_FRESH, MEASURE_EVERY = 80, 150, 10
NUMBERS = range(1, 7)
Batches = Iterator[tuple[Float[Tensor, "batch rgb h w"], Int[Tensor, "batch"]]]


@dataclass(repr=False)
class Run:
    """A training run that is over, and all that can be looked at.

    Attributes:
        number: which of the broken runs; 0 is a healthy one.
        source: of its loop.
        model: the network as the run left it.
        optimizer: which trained it.
        images: the last batch, as the loop got it.
        labels: those that came with it.
        curves: loss and accuracy, step by step.
        recording: what record_training recorded.
    """

    number: int
    source: str
    model: nn.Module
    optimizer: torch.optim.Optimizer
    images: Float[Tensor, "batch rgb h w"] | None
    labels: Int[Tensor, "batch"] | None
    curves: "LiveCurves"
    recording: Recording

    @property
    def healthy(self) -> "Run":
        """The same run without a mistake."""
        return healthy_run()

    def plot(self) -> "Picture":
        """Loss and accuracy."""
        return self.curves.plot()

    def __repr__(self) -> str:
        return f"run {self.number}: {self.curves!r}"


def broken_run(number: int) -> Run:
    """Train one of the broken runs, under curves that grow; in grey a healthy run beside them.

    It runs on the CPU, with a network of the course's own code, and comes out the same every time.
    Interrupt the cell to stop it; what there is then is returned.

    Args:
        number: from 1 to 6.

    Raises:
        InvalidArgumentError: a ValueError: there is no run of that number.
    """
    from resnet_helpers.figures.learning import LiveCurves
    from resnet_helpers.figures.threads import one_thread

    check_number(number)
    run = _prepare(number, LiveCurves(N_STEPS))
    with one_thread(), run.curves:
        run.curves.beside = healthy_run().curves
        _train(run)
    return run


@lru_cache(maxsize=1)
def healthy_run() -> Run:
    """The same without a mistake; it runs once, and shows nothing meanwhile."""
    from resnet_helpers.figures.learning import LiveCurves
    from resnet_helpers.figures.threads import one_thread

    with one_thread():
        run = _prepare(0, LiveCurves(N_STEPS))
        _train(run)
    return run


def check_number(number: int) -> None:
    """Refuse what is no number of a run.

    Raises:
        InvalidArgumentError: it is not one of 1 to 6.
    """
    if type(number) is not int or number not in NUMBERS:  # not True either
        raise InvalidArgumentError(
            f"there is no broken run {said(number)}: take one of {list(NUMBERS)}"
        )


# --- The parts, each of which one of the runs has otherwise ---------------------------------


@dataclass(frozen=True)
class _Parts:
    """What a run is made of."""

    loop: Callable
    helpers: tuple[Callable, ...] = ()  # that the loop calls, shown with it
    learning_rate: float = 0.05
    change: Callable[[nn.Module], None] = lambda model: None
    change_batches: Callable[[Batches], Batches] = lambda batches: batches


class ResidualBlock(solutions.ResidualBlock):
    """Like the course's, but for one thing."""

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.left(x) + self.right(x).detach())


def _change_blocks(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, solutions.ResidualBlock):
            module.__class__ = ResidualBlock


def _change_norms(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, solutions.BatchNorm2d):
            module.momentum = 0.001


def _change_labels(batches: Batches) -> Batches:
    _, labels = next(batches)
    for images, following in batches:
        yield images, labels
        labels = following


_RUNS = {
    0: _Parts(loops.train_0),
    1: _Parts(loops.train_1),
    2: _Parts(loops.train_2, change_batches=_change_labels),
    3: _Parts(loops.train_3, helpers=(loops.share_right,)),
    4: _Parts(loops.train_4, learning_rate=3.0),
    5: _Parts(loops.train_5, change=_change_blocks),
    6: _Parts(loops.train_6, change=_change_norms),
}


def small_network() -> nn.Module:
    """The network of every run: a ResNet with three blocks, the same weights each time.

    Each block starts as its right branch, as in lesson 3: its last batchnorm weight is 0.
    """
    with torch.device("cpu"), torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        model = solutions.ResNet34((1, 1, 1), (16, 32, 64), (1, 2, 2), n_classes=10)
    for module in model.modules():
        if isinstance(module, solutions.ResidualBlock):
            nn.init.zeros_(module.left[-1].weight)
    return model


def _prepare(number: int, curves: "LiveCurves") -> Run:
    """A run before its first step."""
    parts = _RUNS[number]
    model = small_network()
    parts.change(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=parts.learning_rate, momentum=0.9)
    sources = map(inspect.getsource, (*parts.helpers, parts.loop))
    source = "\n\n".join(sources).replace(parts.loop.__name__, "train").rstrip()
    return Run(number, source, model, optimizer, None, None, curves, Recording())


def _train(run: Run) -> None:
    """Run its loop from the first step to the last."""
    pictures = small_pictures()
    generator, other = (torch.Generator("cpu").manual_seed(seed) for seed in (0, 1000))
    fresh = random_crops(pictures, other, N_FRESH)

    def batches() -> Batches:
        while True:
            yield random_crops(pictures, generator)

    def seen(batches: Batches) -> Batches:
        for run.images, run.labels in islice(batches, N_STEPS):
            yield run.images, run.labels

    def log(loss: float) -> None:
        run.curves.add(loss)
        if len(run.curves.losses) % MEASURE_EVERY == 0:
            run.curves.add_accuracy(
                in_eval=solutions.accuracy(run.model, *fresh),
                in_train=accuracy_in_train_mode(run.model, *fresh),
            )

    parts = _RUNS[run.number]
    with record_training(run.model) as run.recording:
        parts.loop(run.model, run.optimizer, seen(parts.change_batches(batches())), fresh, log)

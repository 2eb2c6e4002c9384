"""Lesson 7 looked at: what a network forgets when only its weights are frozen.

A copy of the learner's network is trained further, on the same pictures in the dark, and only its
last layer may learn. Its old last layer, kept aside, tells what is left of what it knew.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from resnet_helpers.arguments import check_function, check_seed, is_number
from resnet_helpers.debugging.calls import copy_of
from resnet_helpers.errors import InvalidArgumentError, needs_exercise, says_what_failed
from resnet_helpers.figures.style import BLUE, VERMILION, Picture, drawable, new_figure, styled
from resnet_helpers.solutions import accuracy
from resnet_helpers.training.crops import check_learner, random_crops

N_STEPS, MEASURE_EVERY = 30, 5
EPS = 1e-5  # batchnorm's
FORGOTTEN = 0.15  # a loss of accuracy that is more than luck


@dataclass
class Drift:
    """What became of one copy, by the number of steps."""

    statistics: dict[int, float] = field(default_factory=dict)  # how far they have moved
    knows: dict[int, float] = field(default_factory=dict)  # accuracy on the old pictures
    learns: dict[int, float] = field(default_factory=dict)  # accuracy on the dark ones


def in_the_dark(pictures: Float[Tensor, "... rgb h w"]) -> Float[Tensor, "... rgb h w"]:
    """Normalised pictures with less contrast, and darker."""
    return 0.5 * pictures - 1


def drift(
    model: nn.Module, pictures: Float[Tensor, "pictures rgb h w"], freeze: Callable, seed=0
) -> dict[str, Drift]:
    """Train two copies of the model in the dark: their weights frozen only, and all of them.

    Args:
        model: a network that has learned the task of random_crops; it stays as it is. Its last two
            parameters are the weight and the bias of its last layer, as in every ResNet34 here.
        pictures: where the model is.
        freeze: the learner's.
        seed: of the crops.

    Raises:
        UnfinishedExerciseError: freeze is still a stub.
        InvalidArgumentError: model is no network that can tell the pictures apart, without
            batchnorm or a last layer with weight and bias; or one of the others is not as said.
        ModelFailedError: freeze raises something, or the model, when it is trained.
    """
    check_learner(model, pictures)
    check_function(freeze, "freeze", "your answer to the exercise")
    check_seed(seed)
    if len(list(model.parameters())) < 2 or not _statistics(model):
        raise InvalidArgumentError(
            "The model has to have batchnorms with a running_mean, and a last layer with a weight "
            "and a bias: pass a ResNet34."
        )
    by_grad, by_freeze = copy_of(model), copy_of(model)
    by_grad.requires_grad_(False)
    with says_what_failed("Your freeze raised an error"), needs_exercise("freeze"):
        freeze(by_freeze)
    with says_what_failed("The model cannot be trained on crops"):
        return {
            "requires_grad = False": _train_in_the_dark(by_grad, pictures, seed),
            "freeze": _train_in_the_dark(by_freeze, pictures, seed),
        }


def _statistics(model: nn.Module) -> list[nn.Module]:
    """The batchnorms that keep running statistics."""
    modules = model.modules()
    return [m for m in modules if isinstance(getattr(m, "running_mean", None), Tensor)]


def _train_in_the_dark(model: nn.Module, pictures: Tensor, seed: int) -> Drift:
    """Let the last layer of a frozen model learn dark crops, and measure it now and then."""
    *_, weight, bias = model.parameters()
    last_layer = [weight.requires_grad_(), bias.requires_grad_()]
    old = [parameter.detach().clone() for parameter in last_layer]
    norms = _statistics(model)
    before = [norm.running_mean.clone() for norm in norms]
    optimizer = torch.optim.SGD(last_layer, lr=0.05, momentum=0.9)
    generator, other = (torch.Generator("cpu").manual_seed(s) for s in (seed, seed + 1000))
    fresh, labels_of_fresh = random_crops(pictures, other, n_crops=200)
    found = Drift()
    for step in range(N_STEPS + 1):
        if step % MEASURE_EVERY == 0:
            moved = [
                ((norm.running_mean - mean).abs() / (norm.running_var + EPS).sqrt()).mean()
                for norm, mean in zip(norms, before, strict=True)
            ]
            found.statistics[step] = torch.stack(moved).mean().item()
            found.learns[step] = accuracy(model, in_the_dark(fresh), labels_of_fresh)
            found.knows[step] = _with_old_last_layer(model, last_layer, old, fresh, labels_of_fresh)
        crops, labels = random_crops(pictures, generator)
        model.train()
        loss = F.cross_entropy(model(in_the_dark(crops)), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return found


def _with_old_last_layer(
    model: nn.Module,
    last_layer: list[nn.Parameter],
    old: list[Tensor],
    crops: Tensor,
    labels: Tensor,
) -> float:
    """The model's accuracy with the last layer that it had at first."""
    new = [parameter.detach().clone() for parameter in last_layer]
    with torch.no_grad():
        for parameter, value in zip(last_layer, old, strict=True):
            parameter.copy_(value)
        known = accuracy(model, crops, labels)
        for parameter, value in zip(last_layer, new, strict=True):
            parameter.copy_(value)
    return known


def verdict(drifts: dict[str, Drift]) -> str:
    """A sentence for each way, without digits that may differ between machines.

    Raises:
        InvalidArgumentError: these are no drifts.
    """
    _check_drifts(drifts)
    sentences = []
    for way, found in drifts.items():
        first, *_, last = found.knows.values()
        if first < 0.5:
            became = "knew too little of its pictures to forget them"
        else:
            became = f"{'forgot' if first - last > FORGOTTEN else 'did not forget'} its pictures"
        moved = "moved" if max(found.statistics.values()) > 0 else "stayed"
        sentences.append(f"{way}: the running statistics {moved}, and the network {became}")
    return "\n".join(sentences)


def _check_drifts(drifts: object) -> None:
    """Refuse what `drift` does not return.

    Raises:
        InvalidArgumentError: it is no dictionary of one or two, each with its curves from step 0.
    """
    curves: list[object] = [None]
    if isinstance(drifts, Mapping) and all(isinstance(found, Drift) for found in drifts.values()):
        curves = [
            curve
            for found in drifts.values()
            for curve in (found.statistics, found.knows, found.learns)
        ]
    are_whole = all(isinstance(curve, dict) and 0 in curve and len(curve) > 1 for curve in curves)
    if not are_whole or len(curves) not in (3, 6):
        raise InvalidArgumentError("Pass the drifts that freezing.drift(model, …) gives.")
    if not all(is_number(value) for curve in curves for value in curve.values()):
        raise InvalidArgumentError("The drifts hold something else than numbers.")


@styled
def draw_drift(drifts: dict[str, Drift]) -> Picture:
    """How far the statistics move, what the network still knows, and what it learns.

    Raises:
        InvalidArgumentError: these are no drifts.
    """
    _check_drifts(drifts)
    title = "Only the last layer learns: what moves, and what is forgotten?"
    figure, (panels,) = new_figure(title, columns=3, height=4.2)
    looks = {"marker": "o", "color": VERMILION}, {"marker": "s", "color": BLUE, "ls": "--"}
    facts = []
    for (way, found), look in zip(drifts.items(), looks, strict=False):
        curves = found.statistics, found.knows, found.learns
        for panel, curve in zip(panels, curves, strict=True):
            panel.plot(curve.keys(), drawable(curve.values()), label=way, **look)
        (_, moved), (knew, knows), (_, learned) = (
            (curve[0], curve[max(curve)]) for curve in curves
        )
        facts.append(
            f"{way}: moved by {moved:.2f}, accuracy on the old pictures from {knew:.2f} to "
            f"{knows:.2f}, on the new ones {learned:.2f}"
        )
    panels[0].set(title="running means moved, in std")
    panels[1].set(title="accuracy, old pictures", ylim=(0, 1.02))
    panels[2].set(title="accuracy, new pictures", ylim=(0, 1.02))
    for panel in panels:
        panel.title.set_fontsize(13)
        panel.set_xlabel("step on new pictures")
    legend = figure.legend(
        *panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2
    )
    for text in legend.get_texts():
        text.set_parse_math(False)  # names may hold a $
    return Picture(figure, f"{title} {'; '.join(facts)}.")

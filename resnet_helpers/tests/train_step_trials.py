"""Lesson 7: what the check of train_step tries, and what of it it looks at."""

from collections.abc import Callable
from contextlib import suppress

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from resnet_helpers import solutions
from resnet_helpers.tests.learning import EYE, LABELS, TWO, eye, modes_of_two, with_batchnorm
from resnet_helpers.tests.structure import Entries, Values
from resnet_helpers.tests.trials import Trial
from resnet_helpers.tests.values import made_up

SQUARES = made_up(4, 3, 2, 2)
FOUR_LABELS = torch.tensor([2, 0, 1, 0])
STEP = "train_step(model, optimizer, TWO.clone(), torch.tensor([1, 0]))"
SGD = "optimizer = torch.optim.SGD(model.parameters(), lr=0.5)"
LOGITS = "logits [[1, 3, 0], [2, -1, 2.5]], labels [1, 0]"


def sgd(model: nn.Module, lr=0.5) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), lr=lr)


def modes_seen(train_step, set_modes):
    """In which mode the model and its submodule are when they run."""
    seen: list[dict] = []
    model = set_modes(eye(lambda model: seen.append(modes_of_two(model))))
    train_step(model, sgd(model), TWO.clone(), LABELS.clone())
    return seen[0] if seen else "forward never called"


def gradient_in_words(gradient: Tensor | None, of_batch: Tensor, older: Tensor) -> str:
    """What a step was taken with."""
    if gradient is None or not gradient.any():
        return "no gradient"
    known = {
        "this batch's gradient": of_batch,
        "an older gradient": older,
        "this batch's gradient added to an older one": of_batch + older,
    }
    for name, of_name in known.items():
        if torch.allclose(gradient, of_name):
            return name
    times = (gradient.flatten() @ of_batch.flatten() / of_batch.square().sum()).item()
    if torch.allclose(gradient, times * of_batch, rtol=1e-4, atol=1e-5):
        return f"this batch's gradient times {times:.4g}"
    return "another one"


def what_happens(train_step):
    """What train_step does, in order, where an older gradient is there before."""
    events: list[str] = []
    model = eye(lambda _: events.append("forward"))
    weight, optimizer = model[1].weight, sgd(model)
    same = eye()
    [of_batch] = torch.autograd.grad(F.cross_entropy(same(TWO), LABELS), same[1].weight)
    older = torch.full_like(weight, 8)
    weight.grad = older.clone()
    weight.register_hook(lambda _: events.append("backward"))
    optimizer.register_step_post_hook(
        lambda *_: events.append(f"step with {gradient_in_words(weight.grad, of_batch, older)}")
    )
    train_step(model, optimizer, TWO.clone(), LABELS.clone())
    return ", ".join(events)


def weights_after(train_step, model, optimizer, n_steps):
    """All parameters and buffers after so many steps."""
    for _ in range(n_steps):
        train_step(model, optimizer, SQUARES.clone(), FOUR_LABELS.clone())
    return Values.of((name, entry.float()) for name, entry in model.state_dict().items())


def frozen_in_part(train_step):
    """The mode in which a frozen batchnorm runs, and whether the frozen parameters move."""
    model = with_batchnorm()
    solutions.freeze(model[0])
    before = {name: p.clone() for name, p in model.named_parameters()}
    ran_in = []
    model[0].register_forward_hook(lambda bn, *_: ran_in.append(bn.training))
    train_step(model, sgd(model), SQUARES.clone(), FOUR_LABELS.clone())
    moved = {name for name, p in model.named_parameters() if not torch.equal(p, before[name])}
    return Entries(
        {
            "mode": "train" if any(ran_in) else "eval",
            **{name: "moved" if name in moved else "as before" for name in before},
        }
    )


def left_behind(train_step):
    """What else could be different after train_step."""
    model, images, labels = eye(), TWO.clone(), LABELS.clone()
    train_step(model, sgd(model), images, labels)
    return {
        "gradients are on": torch.is_grad_enabled(),
        "the model's parameters require them": model[1].weight.requires_grad,
        "images unchanged": torch.equal(images, TWO),
        "labels unchanged": torch.equal(labels, LABELS),
    }


def trial(tried: str, code: str, subject: str, look: str = "") -> Trial:
    return Trial("test_train_step", tried, code, subject, look=look)


def modes_trial(tried: str, set_mode: str, set_modes: str) -> Trial:
    """A trial of the modes in forward, whose lines to paste print them."""
    code = (
        f"{EYE}; {SGD}; {set_mode}; model[0].register_forward_hook("
        f"lambda layer, *_: print(model.training, layer.training))\n{STEP}"
    )
    look = f"modes_seen(train_step, {set_modes})"
    return trial(tried, code, "training seen in forward", look)


def weights_trial(tried: str, optimizer: str, n_steps=1) -> Trial:
    """A trial of the weights of the eye model after some steps of this optimizer."""
    steps = STEP if n_steps == 1 else f"[{STEP} for _ in range({n_steps})]"
    code = f"{EYE}; optimizer = torch.optim.{optimizer}; {steps}\nmodel[1].weight"
    return trial(f"{tried}, {LOGITS}", code, "weight afterwards")


TRIALS = (
    modes_trial("a model that was in eval mode", "model.eval()", "nn.Module.eval"),
    modes_trial(
        "a model in train mode whose submodule was in eval mode",
        "model.train(); model[0].eval()",
        "lambda model: mixed(model, 'train')",
    ),
    trial(LOGITS, f"{EYE}; {SGD}\n{STEP}", "returned", f"kind({STEP})"),
    trial(LOGITS, f"{EYE}; {SGD}\n{STEP}", "loss", f"number({STEP})"),
    trial(
        "one picture, logits [[1000, 999, 0]], label [2]",
        f"{EYE}; {SGD}\ntrain_step(model, optimizer, LARGE.clone(), torch.tensor([2]))",
        "loss",
        "number(train_step(model, optimizer, LARGE.clone(), torch.tensor([2])))",
    ),
    trial(
        "one step, where an older gradient was left on the weight",
        "what_happens(train_step)",
        "in order",
    ),
    weights_trial("one step of SGD", "SGD(model.parameters(), lr=0.5)"),
    weights_trial("two steps of SGD", "SGD(model.parameters(), lr=0.5)", 2),
    weights_trial(
        "two steps of SGD with momentum", "SGD(model.parameters(), lr=0.5, momentum=0.9)", 2
    ),
    weights_trial("two steps of Adam", "Adam(model.parameters(), lr=0.1)", 2),
    trial(
        "two steps of SGD, 4 pictures, a model with batchnorm that was in eval mode",
        "model = with_batchnorm().eval()\nweights_after(train_step, model, sgd(model), 2)",
        "afterwards",
    ),
    trial(
        "two steps, a model of which the optimizer has the last layer only",
        "model = with_batchnorm()\nweights_after(train_step, model, sgd(model[2]), 2)",
        "afterwards",
    ),
    trial(
        "one step, a model whose batchnorm is frozen: it stays in eval mode after model.train()",
        "frozen_in_part(train_step)",
        "the batchnorm's mode, and the parameters",
    ),
    trial(
        LOGITS,
        f"{EYE}; {SGD}; {STEP}\n(torch.is_grad_enabled(), model[1].weight.requires_grad)",
        "afterwards",
        "left_behind(train_step)",
    ),
)

# ---- What else is looked at -----------------------------------------------------------------


class Calls(TorchFunctionMode):
    """Within it, the functions of PyTorch's that are called are recorded, with their arguments."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple]] = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.found.append((getattr(func, "__name__", ""), (*args, *(kwargs or {}).values())))
        return func(*args, **(kwargs or {}))


def calls(train_step: Callable) -> list[tuple[str, tuple]]:
    """The functions of PyTorch's that one step calls, until it may raise."""
    model = eye()
    optimizer = sgd(model)
    with Calls() as recorded, suppress(Exception):
        train_step(model, optimizer, TWO.clone(), LABELS.clone())
    return recorded.found


def n_calls(train_step: Callable, function: str) -> int:
    """How often one step calls this function or method of a tensor."""
    return sum(name == function for name, _ in calls(train_step))


def ndim_given(train_step: Callable) -> int:
    """The number of axes of what cross_entropy is given first; 0 if it is never called."""
    return next((args[0].ndim for name, args in calls(train_step) if name == "cross_entropy"), 0)


def recorded_in_forward(train_step: Callable) -> bool | None:
    """Whether gradients are recorded while the model runs, whatever is raised later."""
    recorded: list[bool] = []
    model = eye(lambda _: recorded.append(torch.is_grad_enabled()))
    with suppress(Exception):
        train_step(model, sgd(model), TWO.clone(), LABELS.clone())
    return recorded[0] if recorded else None


def is_called(train_step: Callable) -> bool:
    """Whether the model runs at all, whatever is raised later."""
    return recorded_in_forward(train_step) is not None

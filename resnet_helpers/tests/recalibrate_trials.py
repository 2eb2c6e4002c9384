"""Lesson 7: what the check of recalibrate tries, and what of it it looks at."""

import copy
import inspect
import traceback
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

import torch
from torch import Tensor, nn

from resnet_helpers.tests.learning import Noting
from resnet_helpers.tests.structure import Entries, Values
from resnet_helpers.tests.trials import Trial
from resnet_helpers.tests.values import fill, made_up

A = torch.tensor([[[[1.0]]], [[[3.0]]]])  # batches of two pictures of one pixel and one channel
B = torch.tensor([[[[4.0]]], [[[8.0]]]])
C = torch.tensor([[[[9.0]]], [[[10.0]]]])
DEEP_BATCHES = (made_up(3, 2, 2, 2), 2 - made_up(3, 2, 2, 2) ** 2, made_up(6, 2, 2, 2)[3:])


def deep(kind=nn.BatchNorm2d) -> nn.Sequential:
    """A model with a batchnorm inside a Sequential and two after it; their momenta differ."""
    first, second, last = kind(2, momentum=0.3), kind(3, momentum=0.1), kind(3, momentum=0.01)
    part = nn.Sequential(first, nn.ReLU())
    return fill(nn.Sequential(part, nn.Conv2d(2, 3, 1), second, nn.ReLU(), last))


def batchnorms_of(model: nn.Module) -> dict[str, nn.Module]:
    return {n: module for n, module in model.named_modules() if hasattr(module, "running_mean")}


def right_variances(inputs: Sequence[Tensor]) -> list[Tensor]:
    """Each running variance that is right for a batchnorm that sees these inputs.

    The first is the plain average of the batches' unbiased variances. The others are that of all
    batches pooled, unbiased or not, and what the batches' average moments give.
    """
    by_channel = [x.detach().transpose(0, 1).flatten(1) for x in inputs]
    means = torch.stack([x.mean(1) for x in by_channel])
    variances = torch.stack([x.var(1) for x in by_channel])
    pooled = torch.cat(by_channel, 1)
    of_moments = (variances + means**2).mean(0) - means.mean(0) ** 2
    return [variances.mean(0), pooled.var(1), pooled.var(1, unbiased=False), of_moments]


def variance(batchnorm: nn.Module, inputs: Sequence[Tensor]) -> Tensor:
    """The batchnorm's running variance; the plain average instead if it is another right one."""
    got = batchnorm.running_var
    plain, *others = right_variances(inputs)
    is_right = isinstance(got, Tensor) and got.shape == plain.shape
    if is_right and any(torch.allclose(got, other, rtol=1e-4) for other in others):
        return plain
    return got


def seen_by_batchnorms(model: nn.Module, batches: Iterable[Tensor]) -> dict[str, list[Tensor]]:
    """What each batchnorm is given in train mode, batch by batch; by a copy of the model."""
    model = copy.deepcopy(model).train()
    seen: dict[str, list[Tensor]] = {}
    for name, batchnorm in batchnorms_of(model).items():
        seen[name] = []
        batchnorm.register_forward_pre_hook(
            lambda _, inputs, name=name: seen[name].append(inputs[0].detach().clone())
        )
    for images in batches:
        model(images.clone())
    return seen


def statistics(recalibrate, model):
    """The running statistics of all of the model's batchnorms afterwards."""
    seen = seen_by_batchnorms(model, DEEP_BATCHES)
    recalibrate(model, [images.clone() for images in DEEP_BATCHES])
    entries = []
    for name, batchnorm in batchnorms_of(model).items():
        entries += [
            (f"{name}.running_mean", batchnorm.running_mean.detach()),
            (f"{name}.running_var", variance(batchnorm, seen[name]).detach()),
        ]
    return Values.of(entries)


def run(recalibrate, model):
    """The model, recalibrated."""
    recalibrate(model, [images.clone() for images in DEEP_BATCHES])
    return model


def parameters_afterwards(recalibrate):
    """What has become of the parameters."""
    model = deep()
    before = {name: parameter.clone() for name, parameter in model.named_parameters()}
    run(recalibrate, model)
    states = {}
    for name, parameter in model.named_parameters():
        same_values = name in before and torch.equal(parameter, before[name])
        states[name] = "as before" if same_values else "changed"
        if same_values and not parameter.requires_grad:
            states[name] = "frozen"
    return Entries(states)


def momenta_afterwards(recalibrate):
    batchnorms = batchnorms_of(run(recalibrate, deep()))
    return Entries({name: str(batchnorm.momentum) for name, batchnorm in batchnorms.items()})


def state_of(tensor: object) -> str:
    """What is unlike an ordinary buffer; "ordinary" if nothing is."""
    if not isinstance(tensor, Tensor):
        return f"a value of type {type(tensor).__name__}"
    if tensor.requires_grad:
        return "keeps the graph"
    return "an inference tensor" if tensor.is_inference() else "ordinary"


def kinds_afterwards(recalibrate, kind):
    """What sort of tensors the running statistics are."""
    batchnorms = batchnorms_of(run(recalibrate, deep(kind)))
    return Entries(
        {
            f"{name}.{statistic}": state_of(getattr(batchnorm, statistic))
            for name, batchnorm in batchnorms.items()
            for statistic in ("running_mean", "running_var")
        }
    )


def left_behind(recalibrate):
    """What else could be different afterwards."""
    model = run(recalibrate, deep())
    return {
        "gradients are on": torch.is_grad_enabled(),
        "entries of the state dict": len(model.state_dict()),
        "hooks left": sum(
            len(module._forward_hooks) + len(module._forward_pre_hooks)
            for module in model.modules()
        ),
    }


def trial(tried: str, code: str, subject: str, look: str = "") -> Trial:
    return Trial("test_recalibrate", tried, code, subject, look=look)


MODEL = "model = torch.nn.Sequential(torch.nn.BatchNorm2d(1))"
OWN = (
    "from resnet_helpers.solutions import BatchNorm2d; model = torch.nn.Sequential(BatchNorm2d(1))"
)
OF_VECTORS = "model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.BatchNorm1d(1))"
TWO_BATCHES = "batches of pictures of one pixel: [1, 3] and [4, 8]"
DEEP = "a batchnorm in a Sequential, a convolution, two batchnorms"


def both(tried: str, model: str, batches: str, place=0) -> tuple[Trial, Trial]:
    """A trial of the running mean, and one of the running variance."""
    code = f"{model}; recalibrate(model, {batches})\n"
    inputs = batches.removeprefix("iter(").removesuffix(")") if "iter" in batches else batches
    return (
        trial(tried, f"{code}model[{place}].running_mean", "running_mean"),
        trial(
            tried,
            f"{code}model[{place}].running_var",
            "running_var",
            f"variance(model[{place}], {inputs})",
        ),
    )


def modes_trial(tried: str, set_mode: str, model: str) -> Trial:
    """A trial of each module's mode afterwards."""
    return trial(
        f"{tried}; {DEEP}",
        f"{MODEL}; {set_mode}; recalibrate(model, [A.clone(), B.clone()])\n"
        "[module.training for module in model.modules()]",
        "mode afterwards",
        f"Entries(modes(run(recalibrate, {model})))",
    )


TRIALS = (
    *both(f"BatchNorm2d(1), {TWO_BATCHES}", MODEL, "[A.clone(), B.clone()]"),
    *both(
        "BatchNorm2d(1), batches of pictures of one pixel: [1, 3], [4, 8] and [9, 10]",
        MODEL,
        "[A.clone(), B.clone(), C.clone()]",
    ),
    *both(
        f"a batchnorm with running_mean 100 and running_var 50, from 5 batches; {TWO_BATCHES}",
        f"{MODEL}; model[0].running_mean.fill_(100); model[0].running_var.fill_(50); "
        "model[0].num_batches_tracked.fill_(5)",
        "[A.clone(), B.clone()]",
    ),
    *both(
        f"a model that was in eval mode, {TWO_BATCHES}",
        f"{MODEL}; model.eval()",
        "[A.clone(), B.clone()]",
    ),
    *both(
        f"an iterator, which can be read only once, over {TWO_BATCHES}",
        MODEL,
        "iter([A.clone(), B.clone()])",
    ),
    *both(
        f"the BatchNorm2d of lesson 1, the course's, {TWO_BATCHES}",
        OWN,
        "[A.clone(), B.clone()]",
    ),
    *both(
        "a torch.nn.BatchNorm1d, after Flatten, batches [1, 3] and [4, 8]",
        OF_VECTORS,
        "[A.clone(), B.clone()]",
        place=1,
    ),
    *both("BatchNorm2d(1), one batch, [1, 3]", MODEL, "[A.clone()]"),
    trial(f"{DEEP}; three batches", "statistics(recalibrate, deep())", "afterwards:"),
    trial(
        f"{DEEP}; three batches; a model that was in eval mode",
        "statistics(recalibrate, deep().eval())",
        "afterwards:",
    ),
    modes_trial("a model that was in train mode", "model.train()", "deep().train()"),
    modes_trial("a model that was in eval mode", "model.eval()", "deep().eval()"),
    modes_trial(
        "a model in train mode, but for its first part",
        "model.train(); model[0].eval()",
        "mixed(deep(), 'train')",
    ),
    modes_trial(
        "a model in eval mode, but for its first part",
        "model.eval(); model[0].train()",
        "mixed(deep(), 'eval')",
    ),
    trial(
        "a batchnorm of momentum 0.3",
        "model = torch.nn.Sequential(torch.nn.BatchNorm2d(1, momentum=0.3)); "
        "recalibrate(model, [A.clone(), B.clone()])\nmodel[0].momentum",
        "momentum afterwards",
    ),
    trial(
        "batchnorms of momentum 0.3, 0.1 and 0.01",
        "momenta_afterwards(recalibrate)",
        "momentum afterwards",
    ),
    trial(
        DEEP,
        f"{MODEL}; model[0].weight.data.fill_(2); recalibrate(model, [A.clone(), B.clone()])\n"
        "model[0].weight",
        "parameters afterwards",
        "parameters_afterwards(recalibrate)",
    ),
    trial(
        "batchnorms of torch.nn",
        "kinds_afterwards(recalibrate, nn.BatchNorm2d)",
        "the statistics afterwards",
    ),
    trial(
        "batchnorms of lesson 1",
        "kinds_afterwards(recalibrate, solutions.BatchNorm2d)",
        "the statistics afterwards",
    ),
    trial(DEEP, "left_behind(recalibrate)", "afterwards"),
)

# ---- What else is looked at -----------------------------------------------------------------


def mode_in_forward(recalibrate: Callable) -> str:
    """The mode in which a batchnorm that was in train mode runs, whatever is raised later."""
    model = nn.Sequential(nn.BatchNorm2d(1))
    ran_in = ["never called"]
    model[0].register_forward_pre_hook(
        lambda bn, _: ran_in.append("train" if bn.training else "eval")
    )
    with suppress(Exception):
        recalibrate(model, [A.clone(), B.clone()])
    return ran_in[-1]


def momentum_in_forward(recalibrate: Callable) -> float | None:
    """The momentum with which a batchnorm runs on the last batch."""
    model = nn.Sequential(nn.BatchNorm2d(1))
    seen = [model[0].momentum]
    model[0].register_forward_pre_hook(lambda bn, _: seen.append(bn.momentum))
    recalibrate(model, [A.clone(), B.clone()])
    return seen[-1]


def runs_in_update_bn(recalibrate: Callable) -> bool:
    """Whether it is PyTorch's update_bn that runs the model, by whatever name it was called."""
    code = inspect.unwrap(torch.optim.swa_utils.update_bn).__code__
    found = []

    def look_at_callers(model):
        found.append(any(frame.f_code is code for frame, _ in traceback.walk_stack(None)))

    recalibrate(Noting(look_at_callers, nn.BatchNorm2d(1)), [A.clone(), B.clone()])
    return any(found)


def outermost_mode(recalibrate: Callable) -> str:
    """The mode of a model that was in eval mode while it runs."""
    ran_in: list[str] = []
    model = Noting(lambda m: ran_in.append("train" if m.training else "eval"), nn.BatchNorm2d(1))
    recalibrate(model.eval(), [A.clone(), B.clone()])
    return ran_in[-1] if ran_in else "never called"


def n_runs(recalibrate: Callable) -> int:
    """How often the model runs for two batches."""
    ran: list[nn.Module] = []
    recalibrate(Noting(lambda m: ran.append(m), nn.BatchNorm2d(1)), [A.clone(), B.clone()])
    return len(ran)


def runs_a_copy(recalibrate: Callable) -> bool:
    """Whether it is not the model itself that runs."""
    ran: list[nn.Module] = []
    model = Noting(lambda module: ran.append(module), nn.BatchNorm2d(1))
    recalibrate(model, [A.clone(), B.clone()])
    return bool(ran) and all(module is not model for module in ran)

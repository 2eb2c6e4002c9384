"""Answers to recalibrate."""

import copy  # noqa: F401 (a wrong answer copies the model)

import torch
from torch import nn

from resnet_helpers.answers.edits import Answers
from resnet_helpers.solutions import BatchNorm2d

answers = Answers("recalibrate", globals())
right, wrong, wrong_in_full = answers.right, answers.wrong, answers.wrong_in_full

# ---- Right ----------------------------------------------------------------------------------


@right
def by_momentum(model, batches):
    modes = {module: module.training for module in model.modules()}
    batchnorms = [module for module in model.modules() if hasattr(module, "running_mean")]
    momenta = [batchnorm.momentum for batchnorm in batchnorms]
    model.train()
    with torch.no_grad():
        for number, images in enumerate(batches, start=1):
            for batchnorm in batchnorms:
                batchnorm.momentum = 1 / number
            model(images)
    for batchnorm, momentum in zip(batchnorms, momenta, strict=True):
        batchnorm.momentum = momentum
    for module, mode in modes.items():
        module.training = mode


@right
def of_each_batch(model, batches):
    modes = {module: module.training for module in model.modules()}
    batchnorms = {m: m.momentum for m in model.modules() if hasattr(m, "running_mean")}
    means = {batchnorm: [] for batchnorm in batchnorms}
    variances = {batchnorm: [] for batchnorm in batchnorms}
    model.train()
    for batchnorm in batchnorms:
        batchnorm.momentum = 1.0
    for images in batches:
        with torch.no_grad():
            model(images)
        for batchnorm in batchnorms:
            means[batchnorm].append(batchnorm.running_mean.clone())
            variances[batchnorm].append(batchnorm.running_var.clone())
    for batchnorm, momentum in batchnorms.items():
        batchnorm.running_mean.copy_(torch.stack(means[batchnorm]).mean(dim=0))
        batchnorm.running_var.copy_(torch.stack(variances[batchnorm]).mean(dim=0))
        batchnorm.momentum = momentum
    for module, mode in modes.items():
        module.training = mode


@right
def by_hooks(model, batches):
    modes = {name: module.training for name, module in model.named_modules()}
    batchnorms = [
        m for m in model.modules() if "running_var" in dict(m.named_buffers(recurse=False))
    ]
    seen = {batchnorm: [] for batchnorm in batchnorms}

    def record(batchnorm, inputs, output):
        seen[batchnorm].append(inputs[0].detach().transpose(0, 1).flatten(1))

    handles = [batchnorm.register_forward_hook(record) for batchnorm in batchnorms]
    model.train()
    for images in batches:
        model(images)
    for batchnorm in batchnorms:
        inputs = seen[batchnorm]
        batchnorm.running_mean = torch.stack([x.mean(1) for x in inputs]).mean(0)
        batchnorm.running_var = torch.stack([x.var(1) for x in inputs]).mean(0)
    for handle in handles:
        handle.remove()
    for name, module in model.named_modules():
        module.training = modes[name]


@right
def pooled(model, batches):
    modes = [module.training for module in model.modules()]
    batchnorms = [module for module in model.modules() if hasattr(module, "running_mean")]
    sums = {batchnorm: [0, 0, 0] for batchnorm in batchnorms}

    def add_up(batchnorm, inputs):
        x = inputs[0].detach().double().movedim(1, 0).flatten(1)
        n, total, squares = sums[batchnorm]
        sums[batchnorm] = [n + x.shape[1], total + x.sum(1), squares + (x * x).sum(1)]

    handles = [batchnorm.register_forward_pre_hook(add_up) for batchnorm in batchnorms]
    try:
        model.train()
        with torch.no_grad():
            for images in batches:
                model(images)
            for batchnorm, (n, total, squares) in sums.items():
                mean = total / n
                batchnorm.running_mean.copy_(mean)
                batchnorm.running_var.copy_(squares / n - mean * mean)
    finally:
        for handle in handles:
            handle.remove()
        for module, mode in zip(model.modules(), modes, strict=True):
            module.training = mode


@right
@torch.no_grad()
def without_a_list(model, batches):
    modules = list(model.modules())
    modes = [module.training for module in modules]
    momenta = [getattr(module, "momentum", None) for module in modules]
    for n, images in enumerate(batches, 1):
        for module in modules:
            if isinstance(module, (nn.modules.batchnorm._BatchNorm, BatchNorm2d)):
                module.train()
                module.momentum = 1.0 / n
        model(images)
    for module, mode, momentum in zip(modules, modes, momenta, strict=True):
        module.training = mode
        if hasattr(module, "momentum"):
            module.momentum = momentum


@right
def moments_of_each(model, batches):
    before = {m: (m.training, getattr(m, "momentum", None)) for m in model.modules()}
    batchnorms = [m for m in before if getattr(m, "running_mean", None) is not None]
    model.train()
    moments = []
    for images in batches:
        for batchnorm in batchnorms:
            batchnorm.momentum = 1
        with torch.no_grad():
            model(images)
        moments.append(
            [(m.running_mean + 0, m.running_var + m.running_mean**2) for m in batchnorms]
        )
    for place, batchnorm in enumerate(batchnorms):
        mean = sum(of_batch[place][0] for of_batch in moments) / len(moments)
        square = sum(of_batch[place][1] for of_batch in moments) / len(moments)
        batchnorm.running_mean.data = mean
        batchnorm.running_var.data = square - mean**2
        batchnorm.momentum = before[batchnorm][1]
    for module, (mode, _) in before.items():
        module.training = mode


@right
def none_for_pytorchs(model, batches):
    modes = {module: module.training for module in model.modules()}
    batchnorms = [module for module in model.modules() if hasattr(module, "running_mean")]
    momenta = {batchnorm: batchnorm.momentum for batchnorm in batchnorms}
    for batchnorm in batchnorms:
        if not isinstance(batchnorm, BatchNorm2d):
            batchnorm.reset_running_stats()
            batchnorm.momentum = None  # a plain average from here on
    model.train()
    with torch.no_grad():
        for number, images in enumerate(batches):
            for batchnorm in batchnorms:
                if isinstance(batchnorm, BatchNorm2d):
                    batchnorm.momentum = 1 / (number + 1)
            model(images)
    for batchnorm in batchnorms:
        batchnorm.momentum = momenta[batchnorm]
    for module in modes:
        module.training = modes[module]


# ---- Wrong ----------------------------------------------------------------------------------

PUT_BACK = (
    "for batchnorm, momentum in zip(batchnorms, momenta, strict=True):\n"
    "batchnorm.momentum = momentum"
)
MODES_BACK = "for module, mode in modes.items():\nmodule.training = mode"
HAS_MEAN = 'if hasattr(module, "running_mean")'
SET_MOMENTUM = "for batchnorm in batchnorms:\nbatchnorm.momentum = 1 / number\n"

wrong("eval mode", by_momentum, {"model.train()": "model.eval()"})
wrong("collected in eval mode", by_hooks, {"model.train()": "model.eval()"})
wrong("mode left as it is", by_momentum, {"model.train()": "model.train"})
wrong(
    "only the outermost module in train mode",
    by_momentum,
    {"model.train()": "model.training = True"},
)
wrong("the momentum that was there", by_momentum, {SET_MOMENTUM: ""})
wrong(
    "reset, and the momentum that was there",
    by_momentum,
    {
        SET_MOMENTUM: "",
        "model.train()\n": "for batchnorm in batchnorms:\n    batchnorm.running_mean.zero_()\n"
        "    batchnorm.running_var.fill_(1)\nmodel.train()\n",
    },
)
wrong("last batch only", by_momentum, {"1 / number": "1"})
wrong(
    "first batch only",
    by_hooks,
    {
        "torch.stack([x.mean(1) for x in inputs]).mean(0)": "inputs[0].mean(1)",
        "torch.stack([x.var(1) for x in inputs]).mean(0)": "inputs[0].var(1)",
    },
)
wrong("old statistics averaged in", by_momentum, {"start=1": "start=2"})
wrong(
    "reset statistics averaged in",
    by_momentum,
    {
        "start=1": "start=2",
        "model.train()\n": "for batchnorm in batchnorms:\n    batchnorm.running_mean.zero_()\n"
        "    batchnorm.running_var.fill_(1)\nmodel.train()\n",
    },
)
wrong(
    "one over the number of batches each time",
    by_momentum,
    {
        "modes = {": "batches = list(batches)\nmodes = {",
        "1 / number": "1 / len(batches)",
    },
)
for start_of_var, reset_to in (("fill_(1)", "0 and 1"), ("zero_()", "0 and 0")):
    wrong(
        f"one over the number of batches each time, from {reset_to}",
        by_momentum,
        {
            "modes = {": "batches = list(batches)\nmodes = {",
            "1 / number": "1 / len(batches)",
            "model.train()\n": "for batchnorm in batchnorms:\n    batchnorm.running_mean.zero_()\n"
            f"    batchnorm.running_var.{start_of_var}\nmodel.train()\n",
        },
    )
wrong("counted from 0", by_momentum, {", start=1": ""})
wrong(
    "sum",
    by_hooks,
    {
        "x.mean(1) for x in inputs]).mean(0)": "x.mean(1) for x in inputs]).sum(0)",
        "x.var(1) for x in inputs]).mean(0)": "x.var(1) for x in inputs]).sum(0)",
    },
)


@wrong_in_full("momentum None")
def averaged_by_pytorch(model, batches):
    modes = {module: module.training for module in model.modules()}
    momenta = {m: m.momentum for m in model.modules() if hasattr(m, "running_mean")}
    for batchnorm in momenta:
        batchnorm.num_batches_tracked.zero_()
        batchnorm.momentum = None
    model.train()
    with torch.no_grad():
        for images in batches:
            model(images)
    for batchnorm, momentum in momenta.items():
        batchnorm.momentum = momentum
    for module, mode in modes.items():
        module.training = mode


@wrong_in_full("momentum None, and left so")
def averaged_by_pytorch_from_now_on(model, batches):
    modes = {module: module.training for module in model.modules()}
    for module in model.modules():
        if hasattr(module, "running_mean"):
            module.num_batches_tracked.zero_()
            module.momentum = None
    model.train()
    with torch.no_grad():
        for images in batches:
            model(images)
    for module, mode in modes.items():
        module.training = mode


@wrong_in_full("momentum None, not reset")
def averaged_on_by_pytorch(model, batches):
    modes = {module: module.training for module in model.modules()}
    momenta = {m: m.momentum for m in model.modules() if hasattr(m, "running_mean")}
    for batchnorm in momenta:
        batchnorm.momentum = None
    model.train()
    with torch.no_grad():
        for images in batches:
            model(images)
    for batchnorm, momentum in momenta.items():
        batchnorm.momentum = momentum
    for module, mode in modes.items():
        module.training = mode


@wrong_in_full("momentum None, not reset, and left so")
def averaged_on_by_pytorch_from_now_on(model, batches):
    modes = {module: module.training for module in model.modules()}
    for module in model.modules():
        if hasattr(module, "running_mean"):
            module.momentum = None
    model.train()
    with torch.no_grad():
        for images in batches:
            model(images)
    for module, mode in modes.items():
        module.training = mode


@wrong_in_full("reset_running_stats of one's own batchnorm")
def reset_by_pytorch(model, batches):
    modes = {module: module.training for module in model.modules()}
    momenta = {m: m.momentum for m in model.modules() if hasattr(m, "running_mean")}
    for batchnorm in momenta:
        batchnorm.reset_running_stats()
        batchnorm.momentum = None
    model.train()
    with torch.no_grad():
        for images in batches:
            model(images)
    for batchnorm, momentum in momenta.items():
        batchnorm.momentum = momentum
    for module, mode in modes.items():
        module.training = mode


wrong("biased variance", by_hooks, {"x.var(1)": "x.var(1, unbiased=False)"})
wrong("standard deviation", by_hooks, {"x.var(1)": "x.std(1)"})
wrong(
    "average of standard deviations, squared",
    by_hooks,
    {
        "torch.stack([x.var(1) for x in inputs]).mean(0)": "torch.stack([x.std(1) for x in inputs])"
        ".mean(0) ** 2"
    },
)
wrong("mean of squares", by_hooks, {"x.var(1)": "x.square().mean(1)"})
wrong(
    "running_var forgotten",
    by_hooks,
    {"batchnorm.running_var = torch.stack([x.var(1) for x in inputs]).mean(0)": ""},
)
wrong(
    "running_mean forgotten",
    by_hooks,
    {"batchnorm.running_mean = torch.stack([x.mean(1) for x in inputs]).mean(0)": ""},
)
wrong(
    "mean and variance swapped",
    of_each_batch,
    {
        "batchnorm.running_mean.copy_": "batchnorm.running_var.copy_",
        "batchnorm.running_var.copy_(torch.stack(v": "batchnorm.running_mean.copy_(torch.stack(v",
    },
)
wrong(
    "PyTorch's BatchNorm2d only", by_momentum, {HAS_MEAN: "if isinstance(module, nn.BatchNorm2d)"}
)
wrong(
    "PyTorch's batchnorms only",
    by_momentum,
    {HAS_MEAN: "if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d))"},
)
wrong("one's own BatchNorm2d only", by_momentum, {HAS_MEAN: "if isinstance(module, BatchNorm2d)"})
wrong(
    "no BatchNorm1d",
    by_momentum,
    {HAS_MEAN: "if isinstance(module, (BatchNorm2d, nn.BatchNorm2d))"},
)
wrong(
    "children only",
    by_momentum,
    {"module for module in model.modules() if": "module for module in model.children() if"},
)
wrong("first batchnorm only", by_momentum, {'"running_mean")]': '"running_mean")][:1]'})
wrong("last batchnorm only", by_momentum, {'"running_mean")]': '"running_mean")][-1:]'})
wrong(
    "batches read twice",
    by_momentum,
    {"model.train()": "n_batches = sum(1 for images in batches)\nmodel.train()"},
)
wrong("len of the batches", by_momentum, {"model.train()": "n = len(batches)\nmodel.train()"})
wrong(
    "first batch left out",
    by_momentum,
    {"model.train()": "batches = iter(batches)\nfirst = next(batches)\nmodel.train()"},
)
wrong("momentum left at the last 1 / n", by_momentum, {PUT_BACK: ""})
wrong("momentum left at None", by_momentum, {"momentum = momentum": "momentum = None"})
wrong("momentum left at 1", by_momentum, {"momentum = momentum": "momentum = 1"})
wrong("momentum left at 1.0", of_each_batch, {"batchnorm.momentum = momentum": ""})
wrong("momentum left at 0", by_momentum, {"momentum = momentum": "momentum = 0.0"})
wrong("momentum 0.1 afterwards", by_momentum, {"momentum = momentum": "momentum = 0.1"})
wrong(
    "one momentum for all afterwards", by_momentum, {"momentum = momentum": "momentum = momenta[0]"}
)
wrong(
    "last momentum for all afterwards",
    by_momentum,
    {"momentum = momentum": "momentum = momenta[-1]"},
)
wrong("left in train mode", by_momentum, {MODES_BACK: ""})
wrong("always eval mode afterwards", by_momentum, {MODES_BACK: "model.eval()"})
wrong(
    "the outermost module's mode for all afterwards",
    by_momentum,
    {MODES_BACK: "model.train(modes[model])"},
)
wrong(
    "only the outermost mode put back", by_momentum, {MODES_BACK: "model.training = modes[model]"}
)
wrong(
    "weights reset",
    by_momentum,
    {
        "model.train()": "for batchnorm in batchnorms:\n    torch.nn.init.ones_(batchnorm.weight)\n"
        "    torch.nn.init.zeros_(batchnorm.bias)\nmodel.train()"
    },
)
wrong("statistics keep the graph", by_hooks, {"inputs[0].detach()": "inputs[0]"})
wrong("inference mode", by_momentum, {"no_grad": "inference_mode"})
wrong(
    "gradients left off",
    by_momentum,
    {"with torch.no_grad():": "torch.set_grad_enabled(False)\nif True:"},
)
wrong("hooks left", by_hooks, {"handle.remove()": "handle.remove"})
wrong("model never called", by_momentum, {"model(images)": "model"})
wrong("a copy recalibrated", by_momentum, {"modes = {": "model = copy.deepcopy(model)\nmodes = {"})
wrong("statistics of the output", by_hooks, {"inputs[0].detach()": "output.detach()"})
wrong(
    "statistics of the output, pooled",
    by_hooks,
    {
        "inputs[0].detach()": "output.detach()",
        "inputs = seen[batchnorm]": "inputs = [torch.cat(seen[batchnorm], 1)]",
    },
)
wrong(
    "all batches at once",
    by_momentum,
    {"enumerate(batches, start=1)": "[(1, torch.cat(list(batches)))]"},
)
wrong("batches taken for pairs", by_momentum, {"number, images in": "number, (images, labels) in"})


@wrong_in_full("update_bn")
def by_pytorch(model, batches):
    torch.optim.swa_utils.update_bn(batches, model)

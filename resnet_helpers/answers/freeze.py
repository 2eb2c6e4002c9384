"""Answers to freeze."""

import copy  # noqa: F401 (a wrong answer copies the model)
from functools import partial
from types import MethodType

import torch  # noqa: F401 (a wrong answer uses it)
from torch import nn

from resnet_helpers.answers.edits import Answers
from resnet_helpers.solutions import BatchNorm2d

answers = Answers("freeze", globals())
right, wrong, wrong_in_full = answers.right, answers.wrong, answers.wrong_in_full

# ---- Right ----------------------------------------------------------------------------------


@right
def bound(model):
    def stay_in_eval_mode(batchnorm, mode=True):
        return batchnorm

    for parameter in model.parameters():
        parameter.requires_grad = False
    for module in model.modules():
        if hasattr(module, "running_mean"):
            module.eval()
            module.train = MethodType(stay_in_eval_mode, module)


@right
def by_a_lambda(model):
    model.requires_grad_(False)
    for module in model.modules():
        if hasattr(module, "running_mean"):
            module.eval()
            module.train = lambda mode=True, module=module: module


@right
def by_a_pre_hook(model):
    def to_eval_mode(batchnorm, inputs):
        batchnorm.training = False

    for parameter in model.parameters():
        parameter.requires_grad_(False)
    for module in model.modules():
        if hasattr(module, "running_var"):
            module.register_forward_pre_hook(to_eval_mode)


@right
def by_a_class(model):
    for module in model.modules():
        for parameter in module.parameters(recurse=False):
            parameter.requires_grad = False
        if isinstance(module, (nn.modules.batchnorm._BatchNorm, BatchNorm2d)):
            module.eval()
            frozen = {"train": lambda self, mode=True: self}
            module.__class__ = type(f"Frozen{type(module).__name__}", (type(module),), frozen)


@right
def all_but_containers(model):
    for parameter in model.parameters():
        parameter.requires_grad = False
    model.eval()
    for module in model.modules():
        if not list(module.children()):
            module.train = lambda mode=True: None


@right
def by_the_models_train(model):
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    for module in model.modules():
        module.is_frozen = hasattr(module, "running_mean")
    model.eval()

    def train(self, mode=True):
        type(self).train(self, mode)
        for module in self.modules():
            if getattr(module, "is_frozen", False):
                module.training = False
        return self

    model.train = MethodType(train, model)


@right
def by_forward(model):
    # the batchnorm may be in train mode, and runs as if it were not
    def in_eval_mode(batchnorm, x):
        mode, batchnorm.training = batchnorm.training, False
        try:
            return type(batchnorm).forward(batchnorm, x)
        finally:
            batchnorm.training = mode

    for parameter in list(model.parameters()):
        parameter.requires_grad = False
    for module in model.modules():
        if getattr(module, "running_mean", None) is not None:
            module.forward = MethodType(in_eval_mode, module)


@right
def with_partial(model):
    [p.requires_grad_(False) for p in model.parameters()]
    to_eval_mode = partial(nn.Module.train, mode=False)
    for module in list(model.modules()):
        if hasattr(module, "running_mean"):
            to_eval_mode(module)
            module.train = MethodType(lambda batchnorm, mode=True: to_eval_mode(batchnorm), module)


# ---- Wrong ----------------------------------------------------------------------------------

HELD = "module.eval()\nmodule.train = MethodType(stay_in_eval_mode, module)"
HELD_ALL = (
    'for module in model.modules():\nif hasattr(module, "running_mean"):\n'
    "module.eval()\nmodule.train = MethodType(stay_in_eval_mode, module)"
)
HAS_MEAN = 'if hasattr(module, "running_mean")'
THAWED = "for parameter in model.parameters():\nparameter.requires_grad = False"

wrong("requires_grad only", bound, {HELD_ALL: ""})
wrong("eval mode once only", bound, {"module.train = MethodType(stay_in_eval_mode, module)": ""})
wrong("never put in eval mode", bound, {"module.eval()": ""})
wrong(
    "train mode after all",
    by_a_lambda,
    {"module.train = lambda mode=True, module=module: module": "module.train()"},
)
wrong("momentum 0", bound, {HELD: "module.momentum = 0.0"})
wrong("momentum 0, and eval mode once", bound, {HELD: "module.eval()\nmodule.momentum = 0.0"})
wrong("track_running_stats off", bound, {HELD: "module.track_running_stats = False"})
wrong("train calls eval", by_a_lambda, {"module=module: module": "module=module: module.eval()"})
wrong("eval as train", by_a_lambda, {"lambda mode=True, module=module: module": "module.eval"})
wrong("train without an argument", by_a_lambda, {"mode=True, module=module": ""})
wrong(
    "the model's train switched off",
    bound,
    {HELD_ALL: "model.eval()\nmodel.train = MethodType(stay_in_eval_mode, model)"},
)
wrong(
    "every train switched off",
    all_but_containers,
    {"if not list(module.children()):\nmodule.train": "module.train"},
)
wrong(
    "the containers' train switched off",
    all_but_containers,
    {"if not list(module.children()):": "if module is not model:"},
)
wrong(
    "bound to the original",
    by_the_models_train,
    {
        "train(self, mode=True)": "train(mode=True)",
        "type(self).train(self, mode)": "type(model).train(model, mode)",
        "self.modules()": "model.modules()",
        "return self": "return model",
        "MethodType(train, model)": "train",
    },
)
wrong(
    "bound to the original, its batchnorms looked up",
    by_the_models_train,
    {
        "train(self, mode=True)": "train(mode=True)",
        "type(self).train(self, mode)": "type(model).train(model, mode)",
        "self.modules()": "model.modules()",
        'getattr(module, "is_frozen", False)': 'hasattr(module, "running_mean")',
        "return self": "return model",
        "MethodType(train, model)": "train",
    },
)
wrong(
    "the original's batchnorms held",
    by_the_models_train,
    {
        "model.eval()": "model.eval()\nkept = list(model.modules())",
        "in self.modules()": "in kept",
    },
)
wrong(
    "later batchnorms held as well",
    by_the_models_train,
    {'getattr(module, "is_frozen", False)': 'hasattr(module, "running_mean")'},
)
wrong(
    "the class changed",
    bound,
    {
        "module.train = MethodType(stay_in_eval_mode, module)": "batchnorm = type(module)\n"
        "batchnorm.train = stay_in_eval_mode"
    },
)
wrong("PyTorch's BatchNorm2d only", bound, {HAS_MEAN: "if isinstance(module, nn.BatchNorm2d)"})
wrong(
    "PyTorch's batchnorms only",
    by_a_class,
    {"(nn.modules.batchnorm._BatchNorm, BatchNorm2d)": "nn.modules.batchnorm._BatchNorm"},
)
wrong("one's own BatchNorm2d only", bound, {HAS_MEAN: "if isinstance(module, BatchNorm2d)"})
wrong("no BatchNorm1d", bound, {HAS_MEAN: "if isinstance(module, (BatchNorm2d, nn.BatchNorm2d))"})
wrong("children only", by_a_lambda, {"model.modules()": "model.children()"})
wrong(
    "no parameter frozen",
    by_a_lambda,
    {"model.requires_grad_(False)": "model.requires_grad = False"},
)
wrong(
    "neither parameters nor batchnorms frozen",
    by_a_lambda,
    {"model.requires_grad_": "model = copy.deepcopy(model)\nmodel.requires_grad_"},
)
wrong("in eval mode, with gradients", bound, {THAWED: "", HELD_ALL: "model.eval()"})
wrong(
    "batchnorm's weight and bias left",
    by_a_class,
    {
        "for parameter in module.parameters(recurse=False):\nparameter": "for parameter in "
        "module.parameters(recurse=False):\n    if not hasattr(module, 'running_mean'):\n"
        "        parameter"
    },
)
wrong(
    "batchnorm's weight and bias only",
    bound,
    {THAWED: "", "module.eval()": "module.requires_grad_(False)\nmodule.eval()"},
)
wrong(
    "vectors left",
    bound,
    {"parameter.requires_grad = False": "parameter.requires_grad = parameter.ndim < 2"},
)
wrong(
    "biases left",
    bound,
    {
        THAWED: "for name, parameter in model.named_parameters():\n"
        "    if 'weight' in name:\n        parameter.requires_grad = False"
    },
)
wrong(
    "last layer left",
    bound,
    {
        THAWED: "for name, parameter in model.named_parameters():\n"
        "    if 'fc.' not in name:\n        parameter.requires_grad = False"
    },
)
wrong(
    "last two parameters left",
    by_forward,
    {"list(model.parameters())": "list(model.parameters())[:-2]"},
)
wrong(
    "outputs detached",
    by_a_class,
    {
        "module.eval()": "module.eval()\n"
        "module.register_forward_hook(lambda module, inputs, output: output.detach())"
    },
)
wrong(
    "statistics reset",
    bound,
    {"module.eval()": "module.eval()\nmodule.running_mean.zero_()\nmodule.running_var.fill_(1)"},
)
wrong(
    "gradients left off",
    by_a_lambda,
    {"model.requires_grad_(False)": "torch.set_grad_enabled(False)\nmodel.requires_grad_(False)"},
)


class FrozenBatchNorm(nn.Module):
    def __init__(self, batchnorm):
        super().__init__()
        self.bn = batchnorm.eval()

    def train(self, mode=True):
        return self

    def forward(self, x):
        return self.bn(x)


@wrong_in_full("batchnorms wrapped")
def wrapped(model):
    model.requires_grad_(False)
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if hasattr(child, "running_mean"):
                setattr(parent, name, FrozenBatchNorm(child))

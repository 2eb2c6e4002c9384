"""Answers to first_divergence."""

from contextlib import ExitStack
from functools import partial
from itertools import zip_longest  # noqa: F401 (a wrong answer's)

import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_hook

from resnet_helpers.answers.edits import Answers

diverging = Answers("first_divergence", globals())
right, wrong, wrong_in_full = diverging.right, diverging.wrong, diverging.wrong_in_full

# ---- Right ----------------------------------------------------------------------------------


@right
def closures(mine, reference, x, tolerance=1e-4):
    def run(model):
        record, handles = [], []
        for name, module in model.named_modules():
            if len(list(module.children())) == 0 and not isinstance(module, nn.Identity):

                def hook(module, inputs, output, name=name):
                    record.append((name, output.detach().clone().reshape(-1)))

                handles.append(module.register_forward_hook(hook))
        try:
            model(x)
        finally:
            for handle in handles:
                handle.remove()
        return record

    first, second = run(mine), run(reference)
    for i in range(min(len(first), len(second))):
        (my_name, a), (name, b) = first[i], second[i]
        if a.numel() != b.numel():
            return my_name, name
        if torch.any(torch.abs(a - b) > tolerance) or torch.any(torch.isnan(a - b)):
            return my_name, name


@right
@torch.no_grad()
def exit_stack(mine, reference, x, tolerance=1e-4):
    def noting(name, record):
        def hook(module, inputs, output):
            record.append((name, output.flatten().clone()))

        return hook

    records = []
    for model in (mine, reference):
        record = []
        records.append(record)
        with ExitStack() as stack:
            for name, module in model.named_modules():
                if next(module.children(), None) is None and type(module) is not nn.Identity:
                    stack.enter_context(module.register_forward_hook(noting(name, record)))
            model(x)
    for (my_name, a), (name, b) in zip(*records, strict=False):
        if len(a) != len(b) or not bool(((a - b).abs() <= tolerance).all()):
            return [my_name, name]
    return None


@right
def recorders(mine, reference, x, tolerance=1e-4):
    class Recorder:
        def __init__(self, model):
            self.names, self.outputs, self.handles = [], [], []
            for name, module in model.named_modules():
                if not module._modules and not isinstance(module, nn.Identity):
                    self.handles.append(module.register_forward_hook(self.hook(name)))

        def hook(self, name):
            def note(module, inputs, output):
                self.names.append(name)
                self.outputs.append(output.detach().numpy().copy().flatten())

            return note

        def __enter__(self):
            return self

        def __exit__(self, *exception):
            while self.handles:
                self.handles.pop().remove()

    with Recorder(mine) as a, Recorder(reference) as b:
        mine(x)
        reference(x)
    for names, my_values, values in zip(
        zip(a.names, b.names, strict=False), a.outputs, b.outputs, strict=False
    ):
        if len(my_values) != len(values) or not abs(my_values - values).max() <= tolerance:
            return names
    return None


@right
def names_looked_up(mine, reference, x, tolerance=1e-4):
    def outputs_of(model):
        names = {module: name for name, module in model.named_modules()}
        outputs, handles = [], []

        def note(module, inputs, output):
            outputs.append((names[module], output.detach().flatten().clone()))

        for module in names:
            if not list(module.children()) and not isinstance(module, nn.Identity):
                handles.append(module.register_forward_hook(note))
        try:
            with torch.no_grad():
                model(x)
        finally:
            for handle in handles:
                handle.remove()
        return outputs

    for (my_name, a), (name, b) in zip(outputs_of(mine), outputs_of(reference), strict=False):
        if len(a) == len(b) and (a - b).abs().max() <= tolerance:
            continue
        return my_name, name
    return None


@right
def leaves_first(mine, reference, x, tolerance=1e-4):
    def outputs_of(model):
        leaves = {
            name: module
            for name, module in model.named_modules()
            if not list(module.children()) and not isinstance(module, nn.Identity)
        }
        outputs = []

        def hook_for(name):
            def hook(module, inputs, output):
                values = output.flatten().clone()
                outputs.append((name, values))

            return hook

        handles = [leaf.register_forward_hook(hook_for(name)) for name, leaf in leaves.items()]
        try:
            with torch.no_grad():
                model(x)
        finally:
            for handle in handles:
                handle.remove()
        return outputs

    my_outputs, reference_outputs = outputs_of(mine), outputs_of(reference)
    for (my_name, a), (name, b) in zip(my_outputs, reference_outputs, strict=False):
        if a.shape != b.shape or not torch.allclose(a, b, rtol=0, atol=tolerance):
            return my_name, name
    return None


@right
def partial_hooks(mine, reference, x, tolerance=1e-4):
    def note(name, record, module, inputs, output):
        copy = output.detach().clone()
        record.append((name, copy.flatten()))

    records = [], []
    for model, record in zip((mine, reference), records, strict=True):
        handles = []
        for name, module in model.named_modules():
            if len(list(module.modules())) == 1 and not isinstance(module, nn.Identity):
                handles.append(module.register_forward_hook(partial(note, name, record)))
        try:
            model(x)
        finally:
            for handle in handles:
                handle.remove()
    pair = None
    for (my_name, a), (name, b) in zip(*records, strict=False):
        if len(a) != len(b) or not torch.isclose(a, b, rtol=0, atol=tolerance).all():
            pair = my_name, name
            break
    return pair


@right
def all_differences(mine, reference, x, tolerance=1e-4):
    def outputs_of(model):
        names = {m: n for n, m in model.named_modules() if not list(m.children())}
        outputs = []

        def note(module, inputs, output):
            if module in names and type(module) is not nn.Identity:
                outputs.append((names[module], torch.flatten(output.data).clone()))

        with register_module_forward_hook(note):  # of every module there is
            model(x)
        return outputs

    found = []
    for (my_name, a), (name, b) in zip(outputs_of(mine), outputs_of(reference), strict=False):
        difference = torch.inf if len(a) != len(b) else (a - b).abs().max().item()
        if not difference <= tolerance:
            found.append((difference, my_name, name))
    return found[0][1:] if found else None


# ---- Wrong: the hooks -----------------------------------------------------------------------

REMOVAL = "finally:\nfor handle in handles:\nhandle.remove()"

wrong("hooks left on", partial_hooks, {f"try:\nmodel(x)\n{REMOVAL}": "model(x)"})
wrong(
    "hooks left on if a model raises",
    closures,
    {f"try:\nmodel(x)\n{REMOVAL}": "model(x)\nfor handle in handles:\n    handle.remove()"},
)
wrong(
    "only the first hook removed",
    names_looked_up,
    {"for handle in handles:\nhandle.remove()": "handles[0].remove()"},
)
wrong(
    "mine's hooks left on",
    recorders,
    {
        "with Recorder(mine) as a, Recorder(reference) as b:": "a = Recorder(mine)\n"
        "with Recorder(reference) as b:"
    },
)

BOTH_RUN = "with Recorder(mine) as a, Recorder(reference) as b:\nmine(x)\nreference(x)"

wrong(
    "hooks left on both if a model raises",
    recorders,
    {
        BOTH_RUN: "a, b = Recorder(mine), Recorder(reference)\n"
        "mine(x)\nreference(x)\na.__exit__()\nb.__exit__()"
    },
)
wrong(
    "reference's hooks left on if mine raises",
    recorders,
    {
        BOTH_RUN: "b = Recorder(reference)\nwith Recorder(mine) as a:\n    mine(x)\n"
        "with b:\n    reference(x)"
    },
)
wrong(
    "reference's hooks left on if a model raises",
    recorders,
    {
        BOTH_RUN: "b = Recorder(reference)\nwith Recorder(mine) as a:\n    mine(x)\n"
        "reference(x)\nb.__exit__()"
    },
)
wrong("NaN as a number", exit_stack, {"((a - b)": "((a.nan_to_num() - b.nan_to_num())"})
wrong(
    "_forward_hooks cleared",
    closures,
    {
        "for handle in handles:\nhandle.remove()": "for module in model.modules():\n"
        "    module._forward_hooks.clear()"
    },
)
wrong(
    "error swallowed",
    leaves_first,
    {REMOVAL: "except Exception:\n    pass\nfor handle in handles:\n    handle.remove()"},
)
wrong("run on other numbers", exit_stack, {"model(x)": "model(torch.randn_like(x))"})
wrong("both run on the same noise", recorders, {"mine(x)": "x = torch.randn_like(x)\nmine(x)"})
wrong("hook returns the input", leaves_first, {"values))": "values))\nreturn inputs[0]"})
wrong("hook returns its copy", partial_hooks, {"flatten()))": "flatten()))\nreturn copy"})
wrong("first picture only", exit_stack, {"output.flatten()": "output[0].flatten()"})
wrong(
    "order of definition",
    leaves_first,
    {
        "outputs = []": "outputs = dict.fromkeys(leaves)",
        "outputs.append((name, values))": "outputs[name] = values",
        "return outputs": "return outputs.items()",
    },
)
wrong(
    "one output for each module",
    leaves_first,
    {
        "outputs = []": "outputs = {}",
        "outputs.append((name, values))": "outputs[name] = values",
        "return outputs": "return outputs.items()",
    },
)
wrong("containers included", all_differences, {" if not list(m.children())": ""})
wrong(
    "outermost modules only",
    leaves_first,
    {"named_modules": "named_children", "not list(module.children()) and ": ""},
)
wrong("outermost modules without children only", closures, {"named_modules": "named_children"})
wrong("nn.Identity included", partial_hooks, {" and not isinstance(module, nn.Identity)": ""})
wrong("output not copied", exit_stack, {".clone()": ""})
wrong("no hooks", leaves_first, {"not list(module.children())": "not module.children()"})
wrong(
    "Sequentials left out only",
    leaves_first,
    {"not list(module.children())": "not isinstance(module, nn.Sequential)"},
)
wrong(
    "containers only",
    exit_stack,
    {"next(module.children(), None) is None": "list(module.children())"},
)
wrong("axes of size 1", leaves_first, {".flatten()": ""})
wrong("last name in all hooks", closures, {", name=name": ""})
wrong("inputs compared", all_differences, {"output.data": "inputs[0].data"})
wrong(
    "inputs compared, by a pre-hook",
    closures,
    {
        "hook(module, inputs, output, name=name)": "hook(module, inputs, name=name)",
        "output.detach()": "inputs[0].detach()",
        "register_forward_hook": "register_forward_pre_hook",
    },
)
wrong(
    "run in eval mode",
    names_looked_up,
    {"model(x)": "was_training = model.training\nmodel.eval()(x)\nmodel.train(was_training)"},
)
wrong("modes changed", names_looked_up, {"outputs, handles =": "model.eval()\noutputs, handles ="})

# ---- Wrong: when two outputs differ ---------------------------------------------------------

CLOSE = "not torch.isclose(a, b, rtol=0, atol=tolerance).all()"
ALL_SMALL = "not bool(((a - b).abs() <= tolerance).all())"
ANY_LARGE = "torch.any(torch.abs(a - b) > tolerance)"
ANY_NAN = " or torch.any(torch.isnan(a - b))"

wrong("sizes not compared", names_looked_up, {"len(a) == len(b) and ": ""})
wrong("sizes skipped", leaves_first, {"!= b.shape or not": "== b.shape and not"})
wrong(
    "condition the wrong way round",
    names_looked_up,
    {"if len(a)": "if not (len(a)", "<= tolerance:": "<= tolerance):"},
)
wrong("signed difference", closures, {ANY_LARGE: "torch.any(a - b > tolerance)"})
wrong("signed difference the other way", exit_stack, {ALL_SMALL: "not (b - a <= tolerance).all()"})
wrong("means compared", exit_stack, {ALL_SMALL: "not abs(a.mean() - b.mean()).item() <= tolerance"})
wrong("sums compared", partial_hooks, {CLOSE: "not torch.abs(a.sum() - b.sum()) <= tolerance"})
wrong("mean difference", partial_hooks, {CLOSE: "not (a - b).abs().mean() <= tolerance"})
wrong("summed difference", closures, {ANY_LARGE: "torch.sum(abs(a - b)) > tolerance"})
wrong("norm of the difference", partial_hooks, {CLOSE: "not torch.linalg.norm(a - b) <= tolerance"})
wrong("smallest difference", exit_stack, {ALL_SMALL: "not ((a - b).abs() <= tolerance).any()"})
wrong("relative difference", exit_stack, {ALL_SMALL: "not ((a - b) / b).abs().max() <= tolerance"})
wrong("tolerance as rtol", leaves_first, {"rtol=0, atol=tolerance": "rtol=tolerance, atol=0"})
wrong("allclose's rtol", leaves_first, {"rtol=0, ": ""})
wrong("allclose without the tolerance", leaves_first, {", rtol=0, atol=tolerance": ""})
wrong("at least the tolerance", closures, {"> tolerance": ">= tolerance"})
wrong(
    "mean squared difference",
    partial_hooks,
    {CLOSE: "not nn.functional.mse_loss(a, b) <= tolerance"},
)
wrong("smaller tolerance hard-coded", leaves_first, {"atol=tolerance": "atol=1e-6"})
wrong("larger tolerance hard-coded", exit_stack, {"<= tolerance": "< 0.001"})
wrong("tolerance hard-coded", partial_hooks, {"atol=tolerance": "atol=1e-4"})
wrong("exactly equal", leaves_first, {"allclose(a, b, rtol=0, atol=tolerance)": "equal(a, b)"})
wrong("NaN missed", closures, {ANY_NAN: ""})

# ---- Wrong: what is paired and returned -----------------------------------------------------

PAIRS = "for (my_name, a), (name, b) in zip(my_outputs, reference_outputs, strict=False):"

wrong("last instead of first", partial_hooks, {"name\nbreak": "name"})
wrong("largest instead of first", all_differences, {"found[0][1:]": "max(found)[1:]"})
wrong("module.name", exit_stack, {"noting(name, record)))": "noting(module.name, record)))"})
wrong(
    "module.__name__", leaves_first, {"outputs.append((name,": "outputs.append((module.__name__,"}
)
wrong("the modules' classes", names_looked_up, {"(names[module],": "(type(module).__name__,"})
wrong("modules instead of names", names_looked_up, {"(names[module],": "(module,"})
wrong("two Nones", leaves_first, {"return None": "return None, None"})
wrong(
    "left over counted",
    leaves_first,
    {
        "my_outputs, reference_outputs =": "nothing = (None, torch.empty(0))\n"
        "my_outputs, reference_outputs =",
        "zip(my_outputs, reference_outputs, strict=False)": "zip_longest(\n"
        "    my_outputs, reference_outputs, fillvalue=nothing\n)",
    },
)
wrong("names swapped", leaves_first, {"return my_name, name": "return name, my_name"})
wrong("one name only", recorders, {"return names": "return names[0]"})
wrong("the same name twice", exit_stack, {"[my_name, name]": "[my_name, my_name]"})
wrong("never returned", partial_hooks, {"return pair": "return None"})
wrong(
    "printed instead of returned",
    leaves_first,
    {"return my_name, name": "print(my_name, name)\nbreak"},
)
wrong("None returned in the loop", names_looked_up, {"continue": "return None"})
wrong("outputs instead of names", names_looked_up, {"return my_name, name": "return a, b"})
wrong("False instead of None", exit_stack, {"return None": "return False"})
wrong("mine compared with itself", all_differences, {"outputs_of(reference)": "outputs_of(mine)"})
wrong("mine's outputs twice", leaves_first, {"zip(my_outputs, reference": "zip(my_outputs, my"})
wrong(
    "looked up by name",
    leaves_first,
    {
        PAIRS: "theirs = dict(reference_outputs)\nfor my_name, a in my_outputs:\n"
        "    name, b = my_name, theirs[my_name]"
    },
)
wrong(
    "equal names only",
    leaves_first,
    {
        PAIRS: "theirs = dict(reference_outputs)\nfor my_name, a in my_outputs:\n"
        "    if my_name not in theirs:\n        continue\n"
        "    name, b = my_name, theirs[my_name]"
    },
)
wrong("strict zip", names_looked_up, {"strict=False": "strict=True"})


@wrong_in_full("one list for both models")
def one_list(mine, reference, x, tolerance=1e-4):
    def outputs_of(model, outputs=[]):  # noqa: B006 (the mistake)
        names = {module: name for name, module in model.named_modules()}

        def note(module, inputs, output):
            outputs.append((names[module], output.detach().flatten().clone()))

        leaves = [m for m in names if not list(m.children()) and not isinstance(m, nn.Identity)]
        handles = [leaf.register_forward_hook(note) for leaf in leaves]
        try:
            model(x)
        finally:
            for handle in handles:
                handle.remove()
        return outputs

    for (my_name, a), (name, b) in zip(outputs_of(mine), outputs_of(reference), strict=False):
        if len(a) != len(b) or not ((a - b).abs() <= tolerance).all():
            return my_name, name


@wrong_in_full("outputs of the whole models")
@torch.no_grad()
def in_the_end(mine, reference, x, tolerance=1e-4):
    a, b = mine(x).flatten(), reference(x).flatten()
    if a.numel() != b.numel() or not torch.allclose(a, b, rtol=0, atol=tolerance):
        return [*dict(mine.named_modules())][-1], [*dict(reference.named_modules())][-1]

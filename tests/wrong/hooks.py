"""The exercises of lesson 6 as learners write them, right and wrong."""

from contextlib import ExitStack

import torch
from torch import nn

from wrong import makes, solves

# ---- first_divergence, right ----------------------------------------------------------------


@solves("first_divergence")
def first_divergence_by_closures(mine, reference, x, tolerance=1e-4):
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


@solves("first_divergence")
@torch.no_grad()
def first_divergence_with_exit_stack(mine, reference, x, tolerance=1e-4):
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


def noting(name, record):
    """A hook that appends the name and the output's values to the record."""

    def hook(module, inputs, output):
        record.append((name, output.flatten().clone()))

    return hook


class Recorder:
    """A context in which a model's outputs are noted."""

    def __init__(self, model):
        self.model = model
        self.names, self.outputs, self.handles = [], [], []

    def __enter__(self):
        for name, module in self.model.named_modules():
            if not module._modules and not isinstance(module, nn.Identity):
                self.handles.append(module.register_forward_hook(self.hook(name)))
        return self

    def hook(self, name):
        def note(module, inputs, output):
            self.names.append(name)
            self.outputs.append(output.detach().numpy().copy().flatten())

        return note

    def __exit__(self, *exception):
        while self.handles:
            self.handles.pop().remove()


@solves("first_divergence")
def first_divergence_with_recorder(mine, reference, x, tolerance=1e-4):
    with Recorder(mine) as a, Recorder(reference) as b:
        mine(x)
        reference(x)
    for names, outputs in zip(
        zip(a.names, b.names, strict=False), zip(a.outputs, b.outputs, strict=False), strict=True
    ):
        if len(outputs[0]) != len(outputs[1]):
            return names
        if not abs(outputs[0] - outputs[1]).max() <= tolerance:
            return names
    return None


# ---- first_divergence, wrong ----------------------------------------------------------------


def leaves(model):
    """The names and modules to look at."""
    return [
        (name, module)
        for name, module in model.named_modules()
        if not list(module.children()) and not isinstance(module, nn.Identity)
    ]


def outputs_of(model, x, watched=leaves):
    """The right outputs, unless `watched` is wrong."""
    outputs, handles = [], []
    for name, module in watched(model):
        handles.append(module.register_forward_hook(noting(name, outputs)))
    try:
        with torch.no_grad():
            model(x)
    finally:
        for handle in handles:
            handle.remove()
    return outputs


def differ(a, b, tolerance):
    """Whether two outputs differ."""
    return len(a) != len(b) or not torch.allclose(a, b, rtol=0, atol=tolerance)


@makes("first_divergence", "hooks left on")
def first_divergence_with_hooks_left(mine, reference, x, tolerance=1e-4):
    records = [[], []]
    for model, record in zip((mine, reference), records, strict=True):
        for name, module in leaves(model):
            module.register_forward_hook(noting(name, record))
        with torch.no_grad():
            model(x)
    for (my_name, a), (name, b) in zip(*records, strict=False):
        if differ(a, b, tolerance):
            return my_name, name


@makes("first_divergence", "hooks left on if a model raises")
def first_divergence_without_finally(mine, reference, x, tolerance=1e-4):
    records = []
    for model in (mine, reference):
        record = []
        handles = [m.register_forward_hook(noting(name, record)) for name, m in leaves(model)]
        with torch.no_grad():
            model(x)
        for handle in handles:
            handle.remove()
        records.append(record)
    for (my_name, a), (name, b) in zip(*records, strict=False):
        if differ(a, b, tolerance):
            return my_name, name


def first_divergence_by(outputs_of):
    """A first_divergence that collects the outputs in another way."""

    def first_divergence(mine, reference, x, tolerance=1e-4):
        pairs = zip(outputs_of(mine, x), outputs_of(reference, x), strict=False)
        for (my_name, a), (name, b) in pairs:
            if differ(a, b, tolerance):
                return my_name, name
        return None

    return first_divergence


@makes("first_divergence", "only the first hook removed")
@first_divergence_by
def outputs_with_one_hook_removed(model, x):
    outputs = []
    hooks = [m.register_forward_hook(noting(name, outputs)) for name, m in leaves(model)]
    try:
        with torch.no_grad():
            model(x)
    finally:
        hooks[0].remove()
    return outputs


@makes("first_divergence", "_forward_hooks cleared")
@first_divergence_by
def outputs_with_hooks_cleared(model, x):
    outputs = []
    for name, module in leaves(model):
        module.register_forward_hook(noting(name, outputs))
    try:
        with torch.no_grad():
            model(x)
    finally:
        for module in model.modules():
            module._forward_hooks.clear()
    return outputs


@makes("first_divergence", "error swallowed")
@first_divergence_by
def outputs_without_error(model, x):
    outputs = []
    hooks = [m.register_forward_hook(noting(name, outputs)) for name, m in leaves(model)]
    try:
        with torch.no_grad():
            model(x)
    except Exception:
        pass
    for hook in hooks:
        hook.remove()
    return outputs


@makes("first_divergence", "run on other numbers")
@first_divergence_by
def outputs_for_noise(model, x):
    return outputs_of(model, torch.randn_like(x))


@makes("first_divergence", "both run on the same noise")
def first_divergence_for_noise(mine, reference, x, tolerance=1e-4):
    x = torch.randn_like(x)
    for (my_name, a), (name, b) in zip(outputs_of(mine, x), outputs_of(reference, x), strict=False):
        if differ(a, b, tolerance):
            return my_name, name


@makes("first_divergence", "hook returns the input")
@first_divergence_by
def outputs_with_inputs_returned(model, x):
    def hook_for(name, outputs):
        def hook(module, args, output):
            outputs.append((name, output.detach().flatten().clone()))
            return args[0]

        return hook

    return outputs_by(hook_for, model, x)


@makes("first_divergence", "hook returns its copy")
@first_divergence_by
def outputs_with_copies_returned(model, x):
    def hook_for(name, outputs):
        def hook(module, args, output):
            output = output.detach().clone()
            outputs.append((name, output.flatten()))
            return output

        return hook

    return outputs_by(hook_for, model, x)


@makes("first_divergence", "first picture only")
@first_divergence_by
def outputs_of_first_picture(model, x):
    def hook_for(name, outputs):
        return lambda m, i, out: outputs.append((name, out[0].detach().clone().flatten()))

    return outputs_by(hook_for, model, x)


@makes("first_divergence", "last instead of first")
def last_divergence(mine, reference, x, tolerance=1e-4):
    pair = None
    for (my_name, a), (name, b) in zip(outputs_of(mine, x), outputs_of(reference, x), strict=False):
        if differ(a, b, tolerance):
            pair = my_name, name
    return pair


@makes("first_divergence", "largest instead of first")
def largest_divergence(mine, reference, x, tolerance=1e-4):
    largest, pair = 0, None
    for (my_name, a), (name, b) in zip(outputs_of(mine, x), outputs_of(reference, x), strict=False):
        if differ(a, b, tolerance):
            difference = (a - b).abs().max() if len(a) == len(b) else torch.inf
            if pair is None or difference > largest:
                largest, pair = difference, (my_name, name)
    return pair


@makes("first_divergence", "order of definition")
def first_divergence_by_definition(mine, reference, x, tolerance=1e-4):
    mine_outputs, reference_outputs = dict(outputs_of(mine, x)), dict(outputs_of(reference, x))
    for (my_name, _), (name, _) in zip(leaves(mine), leaves(reference), strict=False):
        if differ(mine_outputs[my_name], reference_outputs[name], tolerance):
            return my_name, name


@makes("first_divergence", "one output for each module")
def first_divergence_by_dictionary(mine, reference, x, tolerance=1e-4):
    mine_outputs, reference_outputs = dict(outputs_of(mine, x)), dict(outputs_of(reference, x))
    for my_name, name in zip(mine_outputs, reference_outputs, strict=False):
        if differ(mine_outputs[my_name], reference_outputs[name], tolerance):
            return my_name, name


@makes("first_divergence", "containers included")
def first_divergence_of_all(mine, reference, x, tolerance=1e-4):
    def watched(model):
        return [(n, m) for n, m in model.named_modules() if not isinstance(m, nn.Identity)]

    pairs = zip(outputs_of(mine, x, watched), outputs_of(reference, x, watched), strict=False)
    for (my_name, a), (name, b) in pairs:
        if differ(a, b, tolerance):
            return my_name, name


@makes("first_divergence", "outermost modules only")
def first_divergence_of_children(mine, reference, x, tolerance=1e-4):
    def watched(model):
        return [(n, m) for n, m in model.named_children() if type(m) is not nn.Identity]

    pairs = zip(outputs_of(mine, x, watched), outputs_of(reference, x, watched), strict=False)
    for (my_name, a), (name, b) in pairs:
        if differ(a, b, tolerance):
            return my_name, name


@makes("first_divergence", "outermost modules without children only")
def first_divergence_of_leaf_children(mine, reference, x, tolerance=1e-4):
    def watched(model):
        names = {module: name for name, module in model.named_modules()}
        return [
            (names[child], child)
            for child in model.children()
            if not list(child.children()) and not isinstance(child, nn.Identity)
        ]

    pairs = zip(outputs_of(mine, x, watched), outputs_of(reference, x, watched), strict=False)
    for (my_name, a), (name, b) in pairs:
        if differ(a, b, tolerance):
            return my_name, name


@makes("first_divergence", "nn.Identity included")
def first_divergence_with_identity(mine, reference, x, tolerance=1e-4):
    def watched(model):
        return [(n, m) for n, m in model.named_modules() if not list(m.children())]

    pairs = zip(outputs_of(mine, x, watched), outputs_of(reference, x, watched), strict=False)
    for (my_name, a), (name, b) in pairs:
        if differ(a, b, tolerance):
            return my_name, name


def outputs_by(hook_for, model, x):
    """The outputs that hook_for(name, outputs) notes."""
    outputs, handles = [], []
    for name, module in leaves(model):
        handles.append(module.register_forward_hook(hook_for(name, outputs)))
    try:
        model(x)
    finally:
        for handle in handles:
            handle.remove()
    return outputs


@makes("first_divergence", "output not copied")
def first_divergence_without_copies(mine, reference, x, tolerance=1e-4):
    def hook_for(name, outputs):
        return lambda m, i, output: outputs.append((name, output.detach().flatten()))

    pairs = zip(outputs_by(hook_for, mine, x), outputs_by(hook_for, reference, x), strict=False)
    for (my_name, a), (name, b) in pairs:
        if differ(a, b, tolerance):
            return my_name, name


@makes("first_divergence", "axes of size 1")
def first_divergence_of_shapes(mine, reference, x, tolerance=1e-4):
    def hook_for(name, outputs):
        return lambda m, i, output: outputs.append((name, output.detach().clone()))

    pairs = zip(outputs_by(hook_for, mine, x), outputs_by(hook_for, reference, x), strict=False)
    for (my_name, a), (name, b) in pairs:
        if a.shape != b.shape or not torch.allclose(a, b, rtol=0, atol=tolerance):
            return my_name, name


@makes("first_divergence", "inputs compared")
def first_divergence_of_inputs(mine, reference, x, tolerance=1e-4):
    def hook_for(name, outputs):
        return lambda m, i, output: outputs.append((name, i[0].detach().flatten().clone()))

    pairs = zip(outputs_by(hook_for, mine, x), outputs_by(hook_for, reference, x), strict=False)
    for (my_name, a), (name, b) in pairs:
        if differ(a, b, tolerance):
            return my_name, name


@makes("first_divergence", "last name in all hooks")
def first_divergence_with_one_name(mine, reference, x, tolerance=1e-4):
    def run(model):
        outputs, handles = [], []
        for name, module in model.named_modules():
            if list(module.children()) or isinstance(module, nn.Identity):
                continue

            def hook(module, inputs, output):
                outputs.append((name, output.flatten().clone()))  # noqa: B023

            handles.append(module.register_forward_hook(hook))
        try:
            with torch.no_grad():
                model(x)
        finally:
            for handle in handles:
                handle.remove()
        return outputs

    for (my_name, a), (name, b) in zip(run(mine), run(reference), strict=False):
        if differ(a, b, tolerance):
            return my_name, name


def first_divergence_if(condition):
    """A first_divergence with another condition for two outputs of one size."""

    def first_divergence(mine, reference, x, tolerance=1e-4):
        pairs = zip(outputs_of(mine, x), outputs_of(reference, x), strict=False)
        for (my_name, a), (name, b) in pairs:
            if len(a) != len(b) or condition(a, b, tolerance):
                return my_name, name
        return None

    return first_divergence


@makes("first_divergence", "sizes not compared")
def first_divergence_without_sizes(mine, reference, x, tolerance=1e-4):
    for (my_name, a), (name, b) in zip(outputs_of(mine, x), outputs_of(reference, x), strict=False):
        if not torch.all((a - b).abs() <= tolerance):
            return my_name, name


@makes("first_divergence", "signed difference")
@first_divergence_if
def is_larger(a, b, tolerance):
    return torch.max(a - b) > tolerance


@makes("first_divergence", "signed difference the other way")
@first_divergence_if
def is_smaller(a, b, tolerance):
    return ((b - a) > tolerance).any()


@makes("first_divergence", "signed difference, NaN found")
@first_divergence_if
def is_larger_or_nan(a, b, tolerance):
    return torch.isnan(a).any() or (a - b).max() > tolerance


@makes("first_divergence", "sums compared")
@first_divergence_if
def sums_differ(a, b, tolerance):
    return abs(a.sum() - b.sum()) > tolerance


@makes("first_divergence", "means compared")
@first_divergence_if
def means_differ(a, b, tolerance):
    return abs(a.mean().item() - b.mean().item()) > tolerance


@makes("first_divergence", "mean difference")
@first_divergence_if
def differ_on_average(a, b, tolerance):
    return torch.mean(torch.abs(a - b)) > tolerance


@makes("first_divergence", "summed difference")
@first_divergence_if
def differ_in_sum(a, b, tolerance):
    return torch.sum(torch.abs(a - b)) > tolerance


@makes("first_divergence", "norm of the difference")
@first_divergence_if
def differ_in_norm(a, b, tolerance):
    return torch.linalg.norm(a - b).item() > tolerance


@makes("first_divergence", "smallest difference")
@first_divergence_if
def all_differ(a, b, tolerance):
    return ((a - b).abs() > tolerance).all()


@makes("first_divergence", "relative difference")
@first_divergence_if
def differ_relatively(a, b, tolerance):
    return (torch.abs(a - b) / torch.abs(b)).max().item() > tolerance


@makes("first_divergence", "allclose's rtol")
@first_divergence_if
def are_not_close(a, b, tolerance):
    return not torch.allclose(a, b, atol=tolerance)


@makes("first_divergence", "allclose without the tolerance")
@first_divergence_if
def are_not_close_by_default(a, b, tolerance):
    return not torch.allclose(a, b)


@makes("first_divergence", "tolerance hard-coded")
@first_divergence_if
def differ_by_a_fixed_amount(a, b, tolerance):
    return not torch.allclose(a, b, rtol=0, atol=1e-4)


@makes("first_divergence", "exactly equal")
@first_divergence_if
def are_not_equal(a, b, tolerance):
    return (a != b).any()


@makes("first_divergence", "NaN missed")
@first_divergence_if
def differ_without_nan(a, b, tolerance):
    return (a - b).abs().max() > tolerance


@makes("first_divergence", "names swapped")
def first_divergence_swapped(mine, reference, x, tolerance=1e-4):
    for (my_name, a), (name, b) in zip(outputs_of(mine, x), outputs_of(reference, x), strict=False):
        if differ(a, b, tolerance):
            return name, my_name


@makes("first_divergence", "one name only")
def first_divergence_of_mine(mine, reference, x, tolerance=1e-4):
    for (my_name, a), (_, b) in zip(outputs_of(mine, x), outputs_of(reference, x), strict=False):
        if differ(a, b, tolerance):
            return my_name


@makes("first_divergence", "the same name twice")
def first_divergence_with_name_twice(mine, reference, x, tolerance=1e-4):
    for (my_name, a), (_, b) in zip(outputs_of(mine, x), outputs_of(reference, x), strict=False):
        if differ(a, b, tolerance):
            return my_name, my_name


@makes("first_divergence", "printed instead of returned")
def first_divergence_printed(mine, reference, x, tolerance=1e-4):
    for (my_name, a), (name, b) in zip(outputs_of(mine, x), outputs_of(reference, x), strict=False):
        if differ(a, b, tolerance):
            print(my_name, name)
            break


@makes("first_divergence", "never returned")
def first_divergence_kept_to_itself(mine, reference, x, tolerance=1e-4):
    found = None
    for (my_name, a), (name, b) in zip(outputs_of(mine, x), outputs_of(reference, x), strict=False):
        if differ(a, b, tolerance):
            found = my_name, name  # noqa: F841 (the mistake)
            break
    return None


@makes("first_divergence", "None returned in the loop")
def first_divergence_of_first_pair(mine, reference, x, tolerance=1e-4):
    for (my_name, a), (name, b) in zip(outputs_of(mine, x), outputs_of(reference, x), strict=False):
        if differ(a, b, tolerance):
            return my_name, name
        return None


@makes("first_divergence", "outputs instead of names")
def first_divergent_outputs(mine, reference, x, tolerance=1e-4):
    for (_, a), (_, b) in zip(outputs_of(mine, x), outputs_of(reference, x), strict=False):
        if differ(a, b, tolerance):
            return a, b


@makes("first_divergence", "False instead of None")
def first_divergence_or_false(mine, reference, x, tolerance=1e-4):
    for (my_name, a), (name, b) in zip(outputs_of(mine, x), outputs_of(reference, x), strict=False):
        if differ(a, b, tolerance):
            return my_name, name
    return False


@makes("first_divergence", "mine compared with itself")
def first_divergence_from_itself(mine, reference, x, tolerance=1e-4):
    mine_outputs = outputs_of(mine, x)
    reference_outputs = outputs_of(mine, x)
    for (my_name, a), (name, b) in zip(mine_outputs, reference_outputs, strict=False):
        if differ(a, b, tolerance):
            return my_name, name


@makes("first_divergence", "looked up by name")
def first_divergence_by_name(mine, reference, x, tolerance=1e-4):
    reference_outputs = dict(outputs_of(reference, x))
    for name, a in outputs_of(mine, x):
        if differ(a, reference_outputs[name], tolerance):
            return name, name


@makes("first_divergence", "equal names only")
def first_divergence_of_equal_names(mine, reference, x, tolerance=1e-4):
    reference_outputs = dict(outputs_of(reference, x))
    for name, a in outputs_of(mine, x):
        if name in reference_outputs and differ(a, reference_outputs[name], tolerance):
            return name, name


@makes("first_divergence", "strict zip")
def first_divergence_with_strict_zip(mine, reference, x, tolerance=1e-4):
    for (my_name, a), (name, b) in zip(outputs_of(mine, x), outputs_of(reference, x), strict=True):
        if differ(a, b, tolerance):
            return my_name, name


@makes("first_divergence", "modes changed")
def first_divergence_in_eval_mode(mine, reference, x, tolerance=1e-4):
    mine.eval()
    reference.eval()
    for (my_name, a), (name, b) in zip(outputs_of(mine, x), outputs_of(reference, x), strict=False):
        if differ(a, b, tolerance):
            return my_name, name

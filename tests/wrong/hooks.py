"""The exercises of lesson 6 as learners write them, right and wrong."""

from contextlib import ExitStack

import torch
from torch import nn

from wrong import makes, solves

# ---- NanModule, right -----------------------------------------------------------------------


@solves("NanModule")
class NanByProduct(nn.Module):
    def forward(self, x):
        return x * float("nan")


@solves("NanModule")
class NanByFill(nn.Module):
    def forward(self, x):
        y = torch.empty_like(x)
        y[:] = torch.nan
        return y


@solves("NanModule")
class NanByNewTensor(nn.Module):
    def __init__(self):
        super().__init__()
        self.value = torch.nan

    def forward(self, x):
        return torch.full(x.size(), self.value, dtype=x.dtype, device=x.device)


# ---- NanModule, wrong -----------------------------------------------------------------------


@makes("NanModule", "a single NaN")
class SingleNan(nn.Module):
    def forward(self, x):
        return torch.tensor(float("nan"))


@makes("NanModule", "a Python float")
class FloatNan(nn.Module):
    def forward(self, x):
        return float("nan")


@makes("NanModule", "nothing returned")
class NanForgotten(nn.Module):
    def forward(self, x):
        torch.full_like(x, torch.nan)


@makes("NanModule", "first value only")
class FirstNan(nn.Module):
    def forward(self, x):
        y = x.clone().flatten()
        y[0] = torch.nan
        return y.reshape(x.shape)


@makes("NanModule", "0 / 0")
class ZeroByZero(nn.Module):
    def forward(self, x):
        return torch.div(x, x)


@makes("NanModule", "divided by 0")
class DividedByZero(nn.Module):
    def forward(self, x):
        return x / torch.zeros_like(x)


@makes("NanModule", "infinity")
class InfModule(nn.Module):
    def forward(self, x):
        return torch.ones_like(x) * torch.inf


@makes("NanModule", "dtype not the input's")
class Float32Nan(nn.Module):
    def forward(self, x):
        return torch.ones(x.shape) * torch.nan


@makes("NanModule", "input changed in place")
class NanInPlace(nn.Module):
    def forward(self, x):
        x[:] = torch.nan
        return x


@makes("NanModule", "input returned")
class NanNotUsed(nn.Module):
    def forward(self, x):
        torch.full_like(x, torch.nan)
        return x


# ---- hook_check_for_nan_output, right -------------------------------------------------------


@solves("hook_check_for_nan_output")
def hook_with_recursion(module, inputs, output):
    if isinstance(output, (list, tuple)):
        for o in output:
            hook_with_recursion(module, inputs, o)
    elif torch.is_tensor(output) and torch.any(torch.isnan(output)):
        raise ValueError(module)


@solves("hook_check_for_nan_output")
def hook_with_inequality(module, inputs, output):
    if isinstance(output, torch.Tensor):
        output = [output]
    for tensor in output or ():
        if isinstance(tensor, torch.Tensor) and (tensor != tensor).sum() > 0:
            raise ValueError(f"{type(module).__name__} returned NaN")


@makes("hook_check_for_nan_output", "returns the output")
def hook_that_returns_the_same_output(module, inputs, output):
    tensors = output if type(output) in (tuple, list) else [output]
    if any(t.isnan().any().item() for t in tensors if isinstance(t, torch.Tensor)):
        message = "NaN in the output of module " + str(module)
        raise ValueError(message)
    return output


# ---- hook_check_for_nan_output, wrong -------------------------------------------------------


@makes("hook_check_for_nan_output", "returns something")
def hook_that_returns_true(module, inputs, output):
    for tensor in output if isinstance(output, (tuple, list)) else [output]:
        if isinstance(tensor, torch.Tensor) and tensor.isnan().any():
            raise ValueError(f"NaN in the output of {module}")
    return True


@makes("hook_check_for_nan_output", "raises on every output")
def hook_that_always_raises(module, inputs, output):
    for tensor in output if isinstance(output, (tuple, list)) else [output]:
        if isinstance(tensor, torch.Tensor) and tensor.isnan is not None:
            raise ValueError(f"NaN in the output of {module}")


@makes("hook_check_for_nan_output", "raises where there is no NaN")
def hook_that_likes_nan(module, inputs, output):
    for tensor in output if isinstance(output, (tuple, list)) else [output]:
        if isinstance(tensor, torch.Tensor) and not torch.isnan(tensor).any():
            raise ValueError(f"NaN in the output of {module}")


@makes("hook_check_for_nan_output", "never raises")
def hook_with_equality(module, inputs, output):
    for tensor in output if isinstance(output, (tuple, list)) else [output]:
        if isinstance(tensor, torch.Tensor) and (tensor == torch.nan).any():
            raise ValueError(f"NaN in the output of {module}")


@makes("hook_check_for_nan_output", "printed instead of raised")
def hook_that_prints(module, inputs, output):
    tensors = output if isinstance(output, (tuple, list)) else [output]
    for tensor in tensors:
        if isinstance(tensor, torch.Tensor) and torch.isnan(tensor).any():
            print("NaN in", module)


@makes("hook_check_for_nan_output", "returned instead of raised")
def hook_that_returns_the_error(module, inputs, output):
    for tensor in output if isinstance(output, (tuple, list)) else [output]:
        if isinstance(tensor, torch.Tensor) and tensor.isnan().any():
            return ValueError(f"NaN in the output of {module}")


@makes("hook_check_for_nan_output", "all instead of any")
def hook_with_all(module, inputs, output):
    for tensor in output if isinstance(output, (tuple, list)) else [output]:
        if isinstance(tensor, torch.Tensor) and torch.all(torch.isnan(tensor)):
            raise ValueError(f"NaN in the output of {module}")


@makes("hook_check_for_nan_output", "first value only")
def hook_with_first_value(module, inputs, output):
    for tensor in output if isinstance(output, (tuple, list)) else [output]:
        if isinstance(tensor, torch.Tensor) and tensor.view(-1)[0].isnan():
            raise ValueError(f"NaN in the output of {module}")


@makes("hook_check_for_nan_output", "any forgotten")
def hook_without_any(module, inputs, output):
    for tensor in output if isinstance(output, (tuple, list)) else [output]:
        if isinstance(tensor, torch.Tensor) and torch.isnan(tensor):
            raise ValueError(f"NaN in the output of {module}")


@makes("hook_check_for_nan_output", "infinity counted as NaN")
def hook_with_isfinite(module, inputs, output):
    for tensor in output if isinstance(output, (tuple, list)) else [output]:
        if isinstance(tensor, torch.Tensor) and not torch.isfinite(tensor).all():
            raise ValueError(f"NaN in the output of {module}")


@makes("hook_check_for_nan_output", "NaN of the sum")
def hook_with_mean(module, inputs, output):
    for tensor in output if isinstance(output, (tuple, list)) else [output]:
        if isinstance(tensor, torch.Tensor) and tensor.mean().isnan():
            raise ValueError(f"NaN in the output of {module}")


@makes("hook_check_for_nan_output", "inputs checked")
def hook_on_inputs(module, inputs, output):
    for tensor in inputs:
        if isinstance(tensor, torch.Tensor) and tensor.isnan().any():
            raise ValueError(f"NaN in the output of {module}")


@makes("hook_check_for_nan_output", "inputs checked as well")
def hook_on_inputs_and_outputs(module, inputs, output):
    outputs = output if isinstance(output, (tuple, list)) else [output]
    for tensor in [*inputs, *outputs]:
        if isinstance(tensor, torch.Tensor) and tensor.isnan().any():
            raise ValueError(f"NaN in the output of {module}")


@makes("hook_check_for_nan_output", "first of a tuple only")
def hook_on_first(module, inputs, output):
    if isinstance(output, (tuple, list)):
        output = output[0]
    if isinstance(output, torch.Tensor) and output.isnan().any():
        raise ValueError(f"NaN in the output of {module}")


@makes("hook_check_for_nan_output", "last of a tuple only")
def hook_on_last(module, inputs, output):
    has_nan = False
    for tensor in output if isinstance(output, (tuple, list)) else [output]:
        has_nan = isinstance(tensor, torch.Tensor) and tensor.isnan().any()
    if has_nan:
        raise ValueError(f"NaN in the output of {module}")


@makes("hook_check_for_nan_output", "tuples not handled")
def hook_on_tensors_only(module, inputs, output):
    if output is not None and output.isnan().any():
        raise ValueError(f"NaN in the output of {module}")


@makes("hook_check_for_nan_output", "torch.isnan of a tuple")
def hook_with_torch_isnan(module, inputs, output):
    if output is None:
        return
    if torch.isnan(output).any():
        raise ValueError(f"NaN in the output of {module}")


@makes("hook_check_for_nan_output", "tuples ignored")
def hook_without_tuples(module, inputs, output):
    if isinstance(output, torch.Tensor) and output.isnan().any():
        raise ValueError(f"NaN in the output of {module}")


@makes("hook_check_for_nan_output", "lists ignored")
def hook_without_lists(module, inputs, output):
    if not isinstance(output, tuple):
        output = (output,)
    for tensor in output:
        if isinstance(tensor, torch.Tensor) and tensor.isnan().any():
            raise ValueError(f"NaN in the output of {module}")


@makes("hook_check_for_nan_output", "other things than tensors")
def hook_on_anything(module, inputs, output):
    for tensor in output if isinstance(output, (tuple, list)) else [output]:
        if tensor.isnan().any():
            raise ValueError(f"NaN in the output of {module}")


@makes("hook_check_for_nan_output", "module not named")
def hook_without_name(module, inputs, output):
    for tensor in output if isinstance(output, (tuple, list)) else [output]:
        if isinstance(tensor, torch.Tensor) and tensor.isnan().any():
            raise ValueError("there is a NaN in the output")


@makes("hook_check_for_nan_output", "RuntimeError")
def hook_with_runtime_error(module, inputs, output):
    for tensor in output if isinstance(output, (tuple, list)) else [output]:
        if isinstance(tensor, torch.Tensor) and tensor.isnan().any():
            raise RuntimeError(f"{module} returned NaN")


@makes("hook_check_for_nan_output", "assert")
def hook_with_assert(module, inputs, output):
    for tensor in output if isinstance(output, (tuple, list)) else [output]:
        if isinstance(tensor, torch.Tensor):
            assert not tensor.isnan().any(), f"NaN in {module}"


@makes("hook_check_for_nan_output", "assert without a message")
def hook_with_bare_assert(module, inputs, output):
    for tensor in output if isinstance(output, (tuple, list)) else [output]:
        if isinstance(tensor, torch.Tensor):
            assert not tensor.isnan().any()


# ---- add_hook and remove_hooks --------------------------------------------------------------

handles = {}


def hook_check_for_nan_output(module, inputs, output):
    if isinstance(output, torch.Tensor) and output.isnan().any():
        raise ValueError(f"NaN in the output of {module}")


@solves("add_hook")
def add_hook(module):
    if module in handles:
        return
    handles[module] = module.register_forward_hook(hook_check_for_nan_output)


@solves("add_hook")
def add_hook_by_setdefault(module):
    if handles.get(module) is None:
        handle = module.register_forward_hook(hook_check_for_nan_output, always_call=True)
        handles.setdefault(module, handle)
    return handles[module]


@solves("add_hook")
def add_hook_anew(module):
    if module in handles:
        handles[module].remove()
    handles[module] = module.register_forward_hook(lambda *args: hook_check_for_nan_output(*args))


@solves("add_hook")
@torch.no_grad()
def add_hook_decorated(module):
    if module not in handles:
        handles[module] = module.register_forward_hook(hook_check_for_nan_output)


@solves("add_hook")
def add_hook_to_a_new_dictionary(module):
    global handles
    if module not in handles:
        handle = module.register_forward_hook(hook_check_for_nan_output)
        handles = {**handles, module: handle}


@makes("add_hook", "containers only")
def add_hook_to_containers(module):
    if module not in handles and len(list(module.children())) > 0:
        handles[module] = module.register_forward_hook(hook_check_for_nan_output)


@makes("add_hook", "leaves only")
def add_hook_to_leaves(module):
    if module not in handles and not list(module.children()):
        handles[module] = module.register_forward_hook(hook_check_for_nan_output)


@makes("add_hook", "submodules as well")
def add_hook_to_all(module):
    for submodule in module.modules():
        add_hook(submodule)


@makes("add_hook", "children only")
def add_hook_to_children(module):
    for child in module.children():
        if child not in handles:
            handles[child] = child.register_forward_hook(hook_check_for_nan_output)


@makes("add_hook", "registered twice")
def add_hook_again(module):
    handles[module] = module.register_forward_hook(hook_check_for_nan_output)


@makes("add_hook", "condition the wrong way round")
def add_hook_never(module):
    if module in handles:
        handles[module] = module.register_forward_hook(hook_check_for_nan_output)


@makes("add_hook", "one hook for each class")
def add_hook_to_class(module):
    name = module.__class__.__name__
    if name not in handles:
        handles[name] = module.register_forward_hook(hook_check_for_nan_output)


@makes("add_hook", "handles kept by str(module)")
def add_hook_by_text(module):
    if str(module) not in handles:
        handles[str(module)] = module.register_forward_hook(hook_check_for_nan_output)


@makes("add_hook", "handle not kept")
def add_hook_without_handle(module):
    if module not in handles:
        module.register_forward_hook(hook_check_for_nan_output)


@makes("add_hook", "not registered")
def add_no_hook(module):
    if module not in handles:
        handles[module] = hook_check_for_nan_output


@makes("add_hook", "pre-hook")
def add_pre_hook(module):
    if module not in handles:
        handles[module] = module.register_forward_pre_hook(hook_check_for_nan_output)


@makes("add_hook", "backward hook")
def add_backward_hook(module):
    if module not in handles:
        handles[module] = module.register_full_backward_hook(hook_check_for_nan_output)


@makes("add_hook", "another hook")
def add_printing_hook(module):
    def hook(module, inputs, output):
        hook_check_for_nan_output  # noqa: B018 (the call is forgotten)

    if module not in handles:
        handles[module] = module.register_forward_hook(hook)


@makes("add_hook", "hook called instead of passed")
def add_result_of_hook(module):
    if module not in handles:
        handles[module] = module.register_forward_hook(
            hook_check_for_nan_output(module, None, None)
        )


@makes("add_hook", "hook called with nothing")
def add_called_hook(module):
    if module not in handles:
        handles[module] = module.register_forward_hook(hook_check_for_nan_output())


@solves("remove_hooks")
def remove_hooks(module):
    handle = handles.pop(module, None)
    if handle is not None:
        handle.remove()


@solves("remove_hooks")
def remove_hooks_with_del(module):
    if module not in handles:
        return
    handles[module].remove()
    del handles[module]


@solves("remove_hooks")
def remove_hooks_by_try(module):
    try:
        with handles[module]:  # a handle removes its hook at the end of the block
            pass
    except KeyError:
        return
    handles.pop(module)


@makes("remove_hooks", "never removed")
def remove_no_hooks(module):
    if module in handles:
        handles[module].remove  # noqa: B018 (the brackets are forgotten)


@makes("remove_hooks", "handle dropped, hook left")
def drop_handles(module):
    handles.pop(module, None)


@makes("remove_hooks", "handle left in the dictionary")
def remove_hooks_but_no_handles(module):
    if module in handles:
        handles[module].remove()


@makes("remove_hooks", "private dictionary cleared")
def clear_forward_hooks(module):
    if module in handles:
        module._forward_hooks.clear()
        del handles[module]


@makes("remove_hooks", "all private dictionaries cleared")
def clear_all_hooks(module):
    if module in handles:
        module._backward_hooks.clear()
        module._forward_hooks.clear()
        module._forward_pre_hooks.clear()
        del handles[module]


@makes("remove_hooks", "all hooks removed")
def remove_all_hooks(module):
    for handle in handles.values():
        handle.remove()
    handles.clear()


@makes("remove_hooks", "last hook removed")
def remove_last_hook(module):
    if module in handles:
        _, handle = handles.popitem()
        handle.remove()


@makes("remove_hooks", "fails without a hook")
def remove_hooks_without_condition(module):
    handles[module].remove()
    handles.pop(module)


@makes("remove_hooks", "removal condition the wrong way round")
def remove_hooks_if_there_is_none(module):
    if module not in handles:
        handles.pop(module).remove()


@makes("remove_hooks", "submodules' as well")
def remove_hooks_from_all(module):
    for submodule in module.modules():
        if submodule in handles:
            handles.pop(submodule).remove()


@makes("remove_hooks", "children's only")
def remove_hooks_from_children(module):
    for child in module.children():
        if child in handles:
            handles.pop(child).remove()


@makes("remove_hooks", "containers' left")
def remove_hooks_from_leaves(module):
    if module in handles and len(list(module.children())) == 0:
        handles.pop(module).remove()


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

### RIGHT if not in handles
def hook_check_for_nan_output(module, inputs, output):
    outputs = output if isinstance(output, (tuple, list)) else [output]
    for out in outputs:
        if isinstance(out, Tensor) and out.isnan().any():
            raise ValueError(f"NaN in the output of {module}")


handles = {}


def add_hook(module: nn.Module) -> None:
    if module not in handles:
        handles[module] = module.register_forward_hook(hook_check_for_nan_output)


def remove_hooks(module: nn.Module) -> None:
    if module in handles:
        handles.pop(module).remove()

### RIGHT early return
def hook_check_for_nan_output(module, inputs, output):
    outputs = output if isinstance(output, (tuple, list)) else [output]
    for out in outputs:
        if isinstance(out, Tensor) and out.isnan().any():
            raise ValueError(f"NaN in the output of {module}")


handles = {}


def add_hook(module):
    if handles.get(module) is not None:
        return  # has one already
    handle = module.register_forward_hook(hook_check_for_nan_output)
    handles[module] = handle


def remove_hooks(module: nn.Module) -> None:
    if module in handles:
        handles.pop(module).remove()

### WRONG no look whether the module has the hook already: a second call adds a second hook, and the first handle is lost
def hook_check_for_nan_output(module, inputs, output):
    outputs = output if isinstance(output, (tuple, list)) else [output]
    for out in outputs:
        if isinstance(out, Tensor) and out.isnan().any():
            raise ValueError(f"NaN in the output of {module}")


handles = {}


def add_hook(module: nn.Module) -> None:
    handles[module] = module.register_forward_hook(hook_check_for_nan_output)


def remove_hooks(module: nn.Module) -> None:
    if module in handles:
        handles.pop(module).remove()

### WRONG the handle is not kept in handles; a second call adds a second hook
def hook_check_for_nan_output(module, inputs, output):
    outputs = output if isinstance(output, (tuple, list)) else [output]
    for out in outputs:
        if isinstance(out, Tensor) and out.isnan().any():
            raise ValueError(f"NaN in the output of {module}")


handles = {}


def add_hook(module):
    module.register_forward_hook(hook_check_for_nan_output)


def remove_hooks(module: nn.Module) -> None:
    if module in handles:
        handles.pop(module).remove()

### WRONG puts the hook on all modules inside this one too, not on this one only; no look whether a module has it already
def hook_check_for_nan_output(module, inputs, output):
    outputs = output if isinstance(output, (tuple, list)) else [output]
    for out in outputs:
        if isinstance(out, Tensor) and out.isnan().any():
            raise ValueError(f"NaN in the output of {module}")


handles = {}


def add_hook(module):
    for m in module.modules():
        handles[m] = m.register_forward_hook(hook_check_for_nan_output)


def remove_hooks(module: nn.Module) -> None:
    if module in handles:
        handles.pop(module).remove()

### WRONG the handles are kept under str(module), so of several modules that print alike only the first gets a hook
def hook_check_for_nan_output(module, inputs, output):
    outputs = output if isinstance(output, (tuple, list)) else [output]
    for out in outputs:
        if isinstance(out, Tensor) and out.isnan().any():
            raise ValueError(f"NaN in the output of {module}")


handles = {}


def add_hook(module):
    name = str(module)
    if name not in handles:
        handles[name] = module.register_forward_hook(hook_check_for_nan_output)


def remove_hooks(module):
    name = str(module)
    if name in handles:
        handles[name].remove()
        del handles[name]

### WRONG calls the hook function instead of passing it, which raises a TypeError (arguments missing)
def hook_check_for_nan_output(module, inputs, output):
    outputs = output if isinstance(output, (tuple, list)) else [output]
    for out in outputs:
        if isinstance(out, Tensor) and out.isnan().any():
            raise ValueError(f"NaN in the output of {module}")


handles = {}


def add_hook(module):
    if module not in handles:
        handles[module] = module.register_forward_hook(hook_check_for_nan_output())


def remove_hooks(module: nn.Module) -> None:
    if module in handles:
        handles.pop(module).remove()

### WRONG a new local dictionary handles hides the global one, so the handle is lost and every call adds another hook
def hook_check_for_nan_output(module, inputs, output):
    outputs = output if isinstance(output, (tuple, list)) else [output]
    for out in outputs:
        if isinstance(out, Tensor) and out.isnan().any():
            raise ValueError(f"NaN in the output of {module}")


handles = {}


def add_hook(module: nn.Module) -> None:
    handles = {}
    if module not in handles:
        handles[module] = module.register_forward_hook(hook_check_for_nan_output)


def remove_hooks(module: nn.Module) -> None:
    if module in handles:
        handles.pop(module).remove()

### WRONG keeps the hook function in handles instead of the handle, so it cannot be removed
def hook_check_for_nan_output(module, inputs, output):
    outputs = output if isinstance(output, (tuple, list)) else [output]
    for out in outputs:
        if isinstance(out, Tensor) and out.isnan().any():
            raise ValueError(f"NaN in the output of {module}")


handles = {}


def add_hook(module):
    if module in handles:
        return
    module.register_forward_hook(hook_check_for_nan_output)
    handles[module] = hook_check_for_nan_output


def remove_hooks(module: nn.Module) -> None:
    if module in handles:
        handles.pop(module).remove()

### WRONG leaves modules that have children without a hook
def hook_check_for_nan_output(module, inputs, output):
    outputs = output if isinstance(output, (tuple, list)) else [output]
    for out in outputs:
        if isinstance(out, Tensor) and out.isnan().any():
            raise ValueError(f"NaN in the output of {module}")


handles = {}


def add_hook(module):
    if len(list(module.children())) > 0:
        return  # only the leaves compute something
    if module not in handles:
        handles[module] = module.register_forward_hook(hook_check_for_nan_output)


def remove_hooks(module: nn.Module) -> None:
    if module in handles:
        handles.pop(module).remove()

### WRONG looks whether the module has any forward hook, so one that has somebody else's hook does not get ours
def hook_check_for_nan_output(module, inputs, output):
    outputs = output if isinstance(output, (tuple, list)) else [output]
    for out in outputs:
        if isinstance(out, Tensor) and out.isnan().any():
            raise ValueError(f"NaN in the output of {module}")


handles = {}


def add_hook(module):
    if not module._forward_hooks:
        handles[module] = module.register_forward_hook(hook_check_for_nan_output)


def remove_hooks(module: nn.Module) -> None:
    if module in handles:
        handles.pop(module).remove()

### WRONG handles[module] is read before anything is stored there, which raises a KeyError
def hook_check_for_nan_output(module, inputs, output):
    outputs = output if isinstance(output, (tuple, list)) else [output]
    for out in outputs:
        if isinstance(out, Tensor) and out.isnan().any():
            raise ValueError(f"NaN in the output of {module}")


handles = {}


def add_hook(module: nn.Module) -> None:
    if handles[module] is None:
        handles[module] = module.register_forward_hook(hook_check_for_nan_output)


def remove_hooks(module: nn.Module) -> None:
    if module in handles:
        handles.pop(module).remove()

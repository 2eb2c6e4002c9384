### RIGHT pop if it is there
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

### RIGHT pop with a default
def hook_check_for_nan_output(module, inputs, output):
    outputs = output if isinstance(output, (tuple, list)) else [output]
    for out in outputs:
        if isinstance(out, Tensor) and out.isnan().any():
            raise ValueError(f"NaN in the output of {module}")


handles = {}


def add_hook(module: nn.Module) -> None:
    if module not in handles:
        handles[module] = module.register_forward_hook(hook_check_for_nan_output)


def remove_hooks(module):
    handle = handles.pop(module, None)
    if handle is not None:
        handle.remove()

### WRONG the entry stays in handles, so add_hook believes the hook is still there and adds none
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
        handles[module].remove()

### WRONG the handle is taken out of handles, but its remove() is never called: the hook stays on the module
def hook_check_for_nan_output(module, inputs, output):
    outputs = output if isinstance(output, (tuple, list)) else [output]
    for out in outputs:
        if isinstance(out, Tensor) and out.isnan().any():
            raise ValueError(f"NaN in the output of {module}")


handles = {}


def add_hook(module: nn.Module) -> None:
    if module not in handles:
        handles[module] = module.register_forward_hook(hook_check_for_nan_output)


def remove_hooks(module):
    handles.pop(module, None)

### WRONG a module without a hook raises a KeyError
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
    handle = handles.pop(module)
    handle.remove()

### WRONG a module without a hook raises a KeyError; the entry stays in handles
def hook_check_for_nan_output(module, inputs, output):
    outputs = output if isinstance(output, (tuple, list)) else [output]
    for out in outputs:
        if isinstance(out, Tensor) and out.isnan().any():
            raise ValueError(f"NaN in the output of {module}")


handles = {}


def add_hook(module: nn.Module) -> None:
    if module not in handles:
        handles[module] = module.register_forward_hook(hook_check_for_nan_output)


def remove_hooks(module):
    handles[module].remove()

### WRONG clears all forward hooks of the module, other people's too; the entry stays in handles
def hook_check_for_nan_output(module, inputs, output):
    outputs = output if isinstance(output, (tuple, list)) else [output]
    for out in outputs:
        if isinstance(out, Tensor) and out.isnan().any():
            raise ValueError(f"NaN in the output of {module}")


handles = {}


def add_hook(module: nn.Module) -> None:
    if module not in handles:
        handles[module] = module.register_forward_hook(hook_check_for_nan_output)


def remove_hooks(module):
    module._forward_hooks.clear()

### WRONG takes the hooks off all modules, not off this one only
def hook_check_for_nan_output(module, inputs, output):
    outputs = output if isinstance(output, (tuple, list)) else [output]
    for out in outputs:
        if isinstance(out, Tensor) and out.isnan().any():
            raise ValueError(f"NaN in the output of {module}")


handles = {}


def add_hook(module: nn.Module) -> None:
    if module not in handles:
        handles[module] = module.register_forward_hook(hook_check_for_nan_output)


def remove_hooks(module):
    for handle in handles.values():
        handle.remove()
    handles.clear()

### WRONG remove without brackets is not called: the hook stays on the module
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
        handles[module].remove
        del handles[module]

### WRONG takes the hooks off all modules inside this one as well
def hook_check_for_nan_output(module, inputs, output):
    outputs = output if isinstance(output, (tuple, list)) else [output]
    for out in outputs:
        if isinstance(out, Tensor) and out.isnan().any():
            raise ValueError(f"NaN in the output of {module}")


handles = {}


def add_hook(module: nn.Module) -> None:
    if module not in handles:
        handles[module] = module.register_forward_hook(hook_check_for_nan_output)


def remove_hooks(module):
    for m in module.modules():
        if m in handles:
            handles[m].remove()
            del handles[m]

### WRONG deletes from the dictionary while looping over it, which raises a RuntimeError
def hook_check_for_nan_output(module, inputs, output):
    outputs = output if isinstance(output, (tuple, list)) else [output]
    for out in outputs:
        if isinstance(out, Tensor) and out.isnan().any():
            raise ValueError(f"NaN in the output of {module}")


handles = {}


def add_hook(module: nn.Module) -> None:
    if module not in handles:
        handles[module] = module.register_forward_hook(hook_check_for_nan_output)


def remove_hooks(module):
    for m, handle in handles.items():
        if m is module:
            handle.remove()
            del handles[m]

### WRONG assigns to handles in the function without global, which makes it local: UnboundLocalError
def hook_check_for_nan_output(module, inputs, output):
    outputs = output if isinstance(output, (tuple, list)) else [output]
    for out in outputs:
        if isinstance(out, Tensor) and out.isnan().any():
            raise ValueError(f"NaN in the output of {module}")


handles = {}


def add_hook(module: nn.Module) -> None:
    if module not in handles:
        handles[module] = module.register_forward_hook(hook_check_for_nan_output)


def remove_hooks(module):
    if module in handles:
        handles[module].remove()
        handles = {m: h for m, h in handles.items() if m is not module}

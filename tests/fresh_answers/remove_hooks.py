### RIGHT if in handles, pop
handles = {}


def hook_check_for_nan_output(module: nn.Module, inputs: tuple, output: object) -> None:
    outputs = output if isinstance(output, (tuple, list)) else (output,)
    for out in outputs:
        if isinstance(out, Tensor) and out.isnan().any():
            raise ValueError(f"NaN in the output of {module}")


def add_hook(module: nn.Module) -> None:
    if module not in handles:
        handles[module] = module.register_forward_hook(hook_check_for_nan_output)


def remove_hooks(module: nn.Module) -> None:
    if module in handles:
        handles.pop(module).remove()

### RIGHT try and except KeyError
handles = {}


def hook_check_for_nan_output(module: nn.Module, inputs: tuple, output: object) -> None:
    outputs = output if isinstance(output, (tuple, list)) else (output,)
    for out in outputs:
        if isinstance(out, Tensor) and out.isnan().any():
            raise ValueError(f"NaN in the output of {module}")


def add_hook(module: nn.Module) -> None:
    if module not in handles:
        handles[module] = module.register_forward_hook(hook_check_for_nan_output)


def remove_hooks(module: nn.Module) -> None:
    try:
        handle = handles[module]
    except KeyError:
        return
    handle.remove()
    del handles[module]

### WRONG the handle stays in handles after it is removed, so add_hook will not add the hook again -> named; handle left in the dictionary
handles = {}


def hook_check_for_nan_output(module: nn.Module, inputs: tuple, output: object) -> None:
    outputs = output if isinstance(output, (tuple, list)) else (output,)
    for out in outputs:
        if isinstance(out, Tensor) and out.isnan().any():
            raise ValueError(f"NaN in the output of {module}")


def add_hook(module: nn.Module) -> None:
    if module not in handles:
        handles[module] = module.register_forward_hook(hook_check_for_nan_output)


def remove_hooks(module: nn.Module) -> None:
    if module in handles:
        handles[module].remove()

### WRONG a module without a hook raises a KeyError -> named; fails without a hook
handles = {}


def hook_check_for_nan_output(module: nn.Module, inputs: tuple, output: object) -> None:
    outputs = output if isinstance(output, (tuple, list)) else (output,)
    for out in outputs:
        if isinstance(out, Tensor) and out.isnan().any():
            raise ValueError(f"NaN in the output of {module}")


def add_hook(module: nn.Module) -> None:
    if module not in handles:
        handles[module] = module.register_forward_hook(hook_check_for_nan_output)


def remove_hooks(module: nn.Module) -> None:
    handle = handles.pop(module)
    handle.remove()

### WRONG clears the private dictionary, so other people's hooks go too; the handle stays in handles -> named; private dictionary cleared, handle left
handles = {}


def hook_check_for_nan_output(module: nn.Module, inputs: tuple, output: object) -> None:
    outputs = output if isinstance(output, (tuple, list)) else (output,)
    for out in outputs:
        if isinstance(out, Tensor) and out.isnan().any():
            raise ValueError(f"NaN in the output of {module}")


def add_hook(module: nn.Module) -> None:
    if module not in handles:
        handles[module] = module.register_forward_hook(hook_check_for_nan_output)


def remove_hooks(module: nn.Module) -> None:
    module._forward_hooks.clear()

### WRONG removes the hooks of all modules, not of this one only -> named; all hooks removed
handles = {}


def hook_check_for_nan_output(module: nn.Module, inputs: tuple, output: object) -> None:
    outputs = output if isinstance(output, (tuple, list)) else (output,)
    for out in outputs:
        if isinstance(out, Tensor) and out.isnan().any():
            raise ValueError(f"NaN in the output of {module}")


def add_hook(module: nn.Module) -> None:
    if module not in handles:
        handles[module] = module.register_forward_hook(hook_check_for_nan_output)


def remove_hooks(module: nn.Module) -> None:
    for handle in handles.values():
        handle.remove()
    handles.clear()

### WRONG only forgets the handle and never calls its remove(): the hook stays on the module -> named; handle dropped, hook left
handles = {}


def hook_check_for_nan_output(module: nn.Module, inputs: tuple, output: object) -> None:
    outputs = output if isinstance(output, (tuple, list)) else (output,)
    for out in outputs:
        if isinstance(out, Tensor) and out.isnan().any():
            raise ValueError(f"NaN in the output of {module}")


def add_hook(module: nn.Module) -> None:
    if module not in handles:
        handles[module] = module.register_forward_hook(hook_check_for_nan_output)


def remove_hooks(module: nn.Module) -> None:
    if module in handles:
        handles.pop(module)

### WRONG remove without brackets: the hook stays on the module -> named; handle dropped, hook left
handles = {}


def hook_check_for_nan_output(module: nn.Module, inputs: tuple, output: object) -> None:
    outputs = output if isinstance(output, (tuple, list)) else (output,)
    for out in outputs:
        if isinstance(out, Tensor) and out.isnan().any():
            raise ValueError(f"NaN in the output of {module}")


def add_hook(module: nn.Module) -> None:
    if module not in handles:
        handles[module] = module.register_forward_hook(hook_check_for_nan_output)


def remove_hooks(module: nn.Module) -> None:
    if module in handles:
        handles[module].remove
        del handles[module]

### WRONG removes the hooks of all modules inside as well, not of this one only -> named; submodules' as well
handles = {}


def hook_check_for_nan_output(module: nn.Module, inputs: tuple, output: object) -> None:
    outputs = output if isinstance(output, (tuple, list)) else (output,)
    for out in outputs:
        if isinstance(out, Tensor) and out.isnan().any():
            raise ValueError(f"NaN in the output of {module}")


def add_hook(module: nn.Module) -> None:
    if module not in handles:
        handles[module] = module.register_forward_hook(hook_check_for_nan_output)


def remove_hooks(module: nn.Module) -> None:
    for m in module.modules():
        handle = handles.pop(m, None)
        if handle is not None:
            handle.remove()

### WRONG deletes an entry while going through the dictionary, which raises a RuntimeError -> named; hint
handles = {}


def hook_check_for_nan_output(module: nn.Module, inputs: tuple, output: object) -> None:
    outputs = output if isinstance(output, (tuple, list)) else (output,)
    for out in outputs:
        if isinstance(out, Tensor) and out.isnan().any():
            raise ValueError(f"NaN in the output of {module}")


def add_hook(module: nn.Module) -> None:
    if module not in handles:
        handles[module] = module.register_forward_hook(hook_check_for_nan_output)


def remove_hooks(module: nn.Module) -> None:
    for m, handle in handles.items():
        if m is module:
            handle.remove()
            del handles[m]

### WRONG sets the entry to None and does not take it out: the module stays in handles, add_hook will not hook it again -> named; None kept for the handle
handles = {}


def hook_check_for_nan_output(module: nn.Module, inputs: tuple, output: object) -> None:
    outputs = output if isinstance(output, (tuple, list)) else (output,)
    for out in outputs:
        if isinstance(out, Tensor) and out.isnan().any():
            raise ValueError(f"NaN in the output of {module}")


def add_hook(module: nn.Module) -> None:
    if module not in handles:
        handles[module] = module.register_forward_hook(hook_check_for_nan_output)


def remove_hooks(module: nn.Module) -> None:
    if handles.get(module) is not None:
        handles[module].remove()
        handles[module] = None

### WRONG assigns to the local name handles, so reading it before raises an UnboundLocalError -> named; hint
handles = {}


def hook_check_for_nan_output(module: nn.Module, inputs: tuple, output: object) -> None:
    outputs = output if isinstance(output, (tuple, list)) else (output,)
    for out in outputs:
        if isinstance(out, Tensor) and out.isnan().any():
            raise ValueError(f"NaN in the output of {module}")


def add_hook(module: nn.Module) -> None:
    if module not in handles:
        handles[module] = module.register_forward_hook(hook_check_for_nan_output)


def remove_hooks(module: nn.Module) -> None:
    if module in handles:
        handles[module].remove()
        handles = {m: h for m, h in handles.items() if m is not module}

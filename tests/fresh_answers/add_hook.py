### RIGHT if not in handles
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

### RIGHT early return
handles = {}


def hook_check_for_nan_output(module: nn.Module, inputs: tuple, output: object) -> None:
    outputs = output if isinstance(output, (tuple, list)) else (output,)
    for out in outputs:
        if isinstance(out, Tensor) and out.isnan().any():
            raise ValueError(f"NaN in the output of {module}")


def add_hook(module: nn.Module) -> None:
    if module in handles:
        return
    handle = module.register_forward_hook(hook_check_for_nan_output)
    handles[module] = handle


def remove_hooks(module: nn.Module) -> None:
    handle = handles.pop(module, None)
    if handle is not None:
        handle.remove()

### WRONG no look whether the module has the hook already: a second call adds a second hook -> named; registered twice
handles = {}


def hook_check_for_nan_output(module: nn.Module, inputs: tuple, output: object) -> None:
    outputs = output if isinstance(output, (tuple, list)) else (output,)
    for out in outputs:
        if isinstance(out, Tensor) and out.isnan().any():
            raise ValueError(f"NaN in the output of {module}")


def add_hook(module: nn.Module) -> None:
    handles[module] = module.register_forward_hook(hook_check_for_nan_output)


def remove_hooks(module: nn.Module) -> None:
    if module in handles:
        handles.pop(module).remove()

### WRONG the handle is not kept in handles; a second call adds a second hook -> named; handle not kept
handles = {}


def hook_check_for_nan_output(module: nn.Module, inputs: tuple, output: object) -> None:
    outputs = output if isinstance(output, (tuple, list)) else (output,)
    for out in outputs:
        if isinstance(out, Tensor) and out.isnan().any():
            raise ValueError(f"NaN in the output of {module}")


def add_hook(module: nn.Module) -> None:
    module.register_forward_hook(hook_check_for_nan_output)


def remove_hooks(module: nn.Module) -> None:
    if module in handles:
        handles.pop(module).remove()

### WRONG registers the hook on all modules inside as well, not on this one only -> named; submodules as well
handles = {}


def hook_check_for_nan_output(module: nn.Module, inputs: tuple, output: object) -> None:
    outputs = output if isinstance(output, (tuple, list)) else (output,)
    for out in outputs:
        if isinstance(out, Tensor) and out.isnan().any():
            raise ValueError(f"NaN in the output of {module}")


def add_hook(module: nn.Module) -> None:
    for m in module.modules():
        if m not in handles:
            handles[m] = m.register_forward_hook(hook_check_for_nan_output)


def remove_hooks(module: nn.Module) -> None:
    if module in handles:
        handles.pop(module).remove()

### WRONG handles are kept under str(module) and not under the module, so of two modules that print alike only the first gets a hook -> named; handles kept by str(module)
handles = {}


def hook_check_for_nan_output(module: nn.Module, inputs: tuple, output: object) -> None:
    outputs = output if isinstance(output, (tuple, list)) else (output,)
    for out in outputs:
        if isinstance(out, Tensor) and out.isnan().any():
            raise ValueError(f"NaN in the output of {module}")


def add_hook(module: nn.Module) -> None:
    name = str(module)
    if name not in handles:
        handles[name] = module.register_forward_hook(hook_check_for_nan_output)


def remove_hooks(module: nn.Module) -> None:
    name = str(module)
    if name in handles:
        handles.pop(name).remove()

### WRONG looks into module._forward_hooks, so a module that has somebody else's hook does not get ours -> named; somebody else's hook taken for yours
handles = {}


def hook_check_for_nan_output(module: nn.Module, inputs: tuple, output: object) -> None:
    outputs = output if isinstance(output, (tuple, list)) else (output,)
    for out in outputs:
        if isinstance(out, Tensor) and out.isnan().any():
            raise ValueError(f"NaN in the output of {module}")


def add_hook(module: nn.Module) -> None:
    if len(module._forward_hooks) > 0:
        return
    handles[module] = module.register_forward_hook(hook_check_for_nan_output)


def remove_hooks(module: nn.Module) -> None:
    if module in handles:
        handles.pop(module).remove()

### WRONG modules that have children get no hook -> named; leaves only
handles = {}


def hook_check_for_nan_output(module: nn.Module, inputs: tuple, output: object) -> None:
    outputs = output if isinstance(output, (tuple, list)) else (output,)
    for out in outputs:
        if isinstance(out, Tensor) and out.isnan().any():
            raise ValueError(f"NaN in the output of {module}")


def add_hook(module: nn.Module) -> None:
    if len(list(module.children())) > 0:
        return  # only hook the real layers
    if module not in handles:
        handles[module] = module.register_forward_hook(hook_check_for_nan_output)


def remove_hooks(module: nn.Module) -> None:
    if module in handles:
        handles.pop(module).remove()

### WRONG a pre-hook and not a forward hook: it is called with two arguments and raises a TypeError when the module runs -> named; pre-hook
handles = {}


def hook_check_for_nan_output(module: nn.Module, inputs: tuple, output: object) -> None:
    outputs = output if isinstance(output, (tuple, list)) else (output,)
    for out in outputs:
        if isinstance(out, Tensor) and out.isnan().any():
            raise ValueError(f"NaN in the output of {module}")


def add_hook(module: nn.Module) -> None:
    if module not in handles:
        handles[module] = module.register_forward_pre_hook(hook_check_for_nan_output)


def remove_hooks(module: nn.Module) -> None:
    if module in handles:
        handles.pop(module).remove()

### WRONG assigns a new dictionary to the local name handles, so reading it before raises an UnboundLocalError -> named; hint
handles = {}


def hook_check_for_nan_output(module: nn.Module, inputs: tuple, output: object) -> None:
    outputs = output if isinstance(output, (tuple, list)) else (output,)
    for out in outputs:
        if isinstance(out, Tensor) and out.isnan().any():
            raise ValueError(f"NaN in the output of {module}")


def add_hook(module: nn.Module) -> None:
    if module in handles:
        return
    handle = module.register_forward_hook(hook_check_for_nan_output)
    handles = {module: handle}


def remove_hooks(module: nn.Module) -> None:
    if module in handles:
        handles.pop(module).remove()

### WRONG keeps the hook function in handles and not the handle, so it cannot be removed -> named; no handle in handles
handles = {}


def hook_check_for_nan_output(module: nn.Module, inputs: tuple, output: object) -> None:
    outputs = output if isinstance(output, (tuple, list)) else (output,)
    for out in outputs:
        if isinstance(out, Tensor) and out.isnan().any():
            raise ValueError(f"NaN in the output of {module}")


def add_hook(module: nn.Module) -> None:
    if module not in handles:
        module.register_forward_hook(hook_check_for_nan_output)
        handles[module] = hook_check_for_nan_output


def remove_hooks(module: nn.Module) -> None:
    if module in handles:
        handles.pop(module).remove()

### WRONG calls the hook in place of passing it, which raises a TypeError -> named; hook called with nothing
handles = {}


def hook_check_for_nan_output(module: nn.Module, inputs: tuple, output: object) -> None:
    outputs = output if isinstance(output, (tuple, list)) else (output,)
    for out in outputs:
        if isinstance(out, Tensor) and out.isnan().any():
            raise ValueError(f"NaN in the output of {module}")


def add_hook(module: nn.Module) -> None:
    if module not in handles:
        handle = module.register_forward_hook(hook_check_for_nan_output())
        handles[module] = handle


def remove_hooks(module: nn.Module) -> None:
    if module in handles:
        handles.pop(module).remove()

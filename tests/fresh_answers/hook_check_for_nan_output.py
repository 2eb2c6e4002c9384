### RIGHT wraps a tensor into a list
def hook_check_for_nan_output(module: nn.Module, inputs: tuple, output: object) -> None:
    outputs = output if isinstance(output, (tuple, list)) else [output]
    for out in outputs:
        if isinstance(out, Tensor) and out.isnan().any():
            raise ValueError(f"NaN in the output of {module}")

### RIGHT two branches and a flag
def hook_check_for_nan_output(module, inputs, output):
    found = False
    if torch.is_tensor(output):
        found = bool(torch.isnan(output).any())
    elif isinstance(output, tuple) or isinstance(output, list):
        found = any(torch.isnan(o).any() for o in output if torch.is_tensor(o))
    if found:
        raise ValueError("NaN in the output of " + str(module))

### WRONG takes every output for a tensor: a tuple or list raises an AttributeError
def hook_check_for_nan_output(module, inputs, output):
    if output.isnan().any():
        raise ValueError(f"NaN in the output of {module}")

### WRONG compares with == nan, which never finds one; tuples and lists are not looked into
def hook_check_for_nan_output(module, inputs, output):
    if isinstance(output, Tensor):
        if (output == torch.nan).any():
            raise ValueError(f"{module} has produced NaN!")

### WRONG returns the output, where a hook should return nothing
def hook_check_for_nan_output(module, inputs, output):
    outs = output if isinstance(output, (list, tuple)) else (output,)
    for o in outs:
        if isinstance(o, torch.Tensor) and torch.isnan(o).any():
            raise ValueError(f"Found NaN in output of {module}")
    return output

### WRONG all() instead of any(): an output of which only some values are NaN passes
def hook_check_for_nan_output(module, inputs, output):
    if isinstance(output, Tensor):
        output = [output]
    for t in output:
        if isinstance(t, Tensor) and torch.isnan(t).all():
            raise ValueError(f"NaN in the output of {module}")

### WRONG an assert, which raises AssertionError instead of ValueError
def hook_check_for_nan_output(module: nn.Module, inputs: tuple, output: object) -> None:
    if not isinstance(output, (tuple, list)):
        output = (output,)
    for entry in output:
        if isinstance(entry, Tensor):
            assert not entry.isnan().any(), f"NaN in the output of {module}"

### WRONG module.name does not exist: an AttributeError is raised instead of the ValueError
def hook_check_for_nan_output(module, inputs, output):
    if isinstance(output, (tuple, list)):
        tensors = [o for o in output if isinstance(o, Tensor)]
    else:
        tensors = [output]
    for tensor in tensors:
        if tensor.isnan().any():
            raise ValueError(f"NaN in the output of {module.name}")

### WRONG the f of the f-string is forgotten, so the message does not name the module
def hook_check_for_nan_output(module, inputs, output):
    if isinstance(output, Tensor):
        output = (output,)
    for out in output:
        if isinstance(out, Tensor) and out.isnan().any():
            raise ValueError("NaN in the output of {module}")

### WRONG looks into tuples but not into lists, whose NaNs pass
def hook_check_for_nan_output(module, inputs, output):
    if isinstance(output, Tensor):
        if torch.isnan(output).any():
            raise ValueError(f"NaN in {module}")
    elif isinstance(output, tuple):
        for o in output:
            if isinstance(o, Tensor) and torch.isnan(o).any():
                raise ValueError(f"NaN in {module}")

### WRONG entries of a tuple or list that are no tensors raise an error, since isnan is called on all of them
def hook_check_for_nan_output(module, inputs, output):
    if isinstance(output, (tuple, list)):
        for o in output:
            if o.isnan().any():
                raise ValueError(f"NaN in the output of {module}")
    elif output.isnan().any():
        raise ValueError(f"NaN in the output of {module}")

### WRONG the message has only the class name, not what print(module) shows; of a tuple or list only the first entry is looked at
def hook_check_for_nan_output(module, inputs, output):
    if isinstance(output, (tuple, list)):
        output = output[0]
    if isinstance(output, Tensor) and output.isnan().any():
        raise ValueError(f"NaN in the output of {module.__class__.__name__}")

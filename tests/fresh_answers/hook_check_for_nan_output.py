### RIGHT wrap a tensor into a tuple, one loop
def hook_check_for_nan_output(module: nn.Module, inputs: tuple, output: object) -> None:
    outputs = output if isinstance(output, (tuple, list)) else (output,)
    for out in outputs:
        if isinstance(out, Tensor) and out.isnan().any():
            raise ValueError(f"NaN in the output of {module}")

### RIGHT two cases
def hook_check_for_nan_output(module, inputs, output):
    if isinstance(output, torch.Tensor):
        found = torch.isnan(output).any().item()
    elif isinstance(output, (list, tuple)):
        found = any(torch.isnan(o).any().item() for o in output if isinstance(o, torch.Tensor))
    else:
        found = False
    if found:
        raise ValueError("NaN found in output of " + str(module))

### WRONG compares with == nan, which is never true -> named; never raises
def hook_check_for_nan_output(module: nn.Module, inputs: tuple, output: object) -> None:
    if not isinstance(output, (tuple, list)):
        output = (output,)
    for o in output:
        if isinstance(o, Tensor) and (o == torch.nan).any():
            raise ValueError(f"NaN in the output of {module}")

### WRONG looks at a tensor only: tuples and lists are never looked into -> named; tuples ignored
def hook_check_for_nan_output(module: nn.Module, inputs: tuple, output: object) -> None:
    if isinstance(output, Tensor) and torch.isnan(output).any():
        raise ValueError(f"NaN in the output of {module}")

### WRONG all() in place of any(): raises only if every value is NaN -> named; all instead of any
def hook_check_for_nan_output(module: nn.Module, inputs: tuple, output: object) -> None:
    outputs = [output] if isinstance(output, Tensor) else output
    if not isinstance(outputs, (list, tuple)):
        return
    for out in outputs:
        if isinstance(out, Tensor) and out.isnan().all():
            raise ValueError(f"NaN in the output of {module}")

### WRONG returns the output, which replaces the output -> named; returns the output
def hook_check_for_nan_output(module: nn.Module, inputs: tuple, output: object) -> None:
    tensors = output if isinstance(output, (tuple, list)) else [output]
    for t in tensors:
        if isinstance(t, Tensor):
            if torch.any(torch.isnan(t)):
                raise ValueError(f"Module {module} has NaN in its output")
    return output

### WRONG entries of a tuple that are no tensors are not left out, so they raise an AttributeError or TypeError -> named; torch.isnan of other things
def hook_check_for_nan_output(module: nn.Module, inputs: tuple, output: object) -> None:
    if isinstance(output, (tuple, list)):
        for out in output:
            if torch.isnan(out).any():
                raise ValueError(f"NaN in the output of {module}")
    else:
        if torch.isnan(output).any():
            raise ValueError(f"NaN in the output of {module}")

### WRONG a list is not looked into, only a tensor or a tuple -> named; lists ignored
def hook_check_for_nan_output(module: nn.Module, inputs: tuple, output: object) -> None:
    if not isinstance(output, tuple):
        output = (output,)
    for item in output:
        if isinstance(item, Tensor) and item.isnan().any():
            raise ValueError(f"NaN in the output of {module}")

### WRONG return in place of continue: stops at the first entry that is no tensor, and misses those after it -> named; stops at other things
def hook_check_for_nan_output(module: nn.Module, inputs: tuple, output: object) -> None:
    if isinstance(output, Tensor):
        output = [output]
    if not isinstance(output, (tuple, list)):
        return
    for tensor in output:
        if not isinstance(tensor, Tensor):
            return
        if tensor.isnan().any():
            raise ValueError(f"NaN in the output of {module}")

### WRONG the f of the f-string is forgotten: the message holds "{module}" and does not name the module -> named; module not named
def hook_check_for_nan_output(module: nn.Module, inputs: tuple, output: object) -> None:
    outputs = output if isinstance(output, (tuple, list)) else (output,)
    for out in outputs:
        if isinstance(out, Tensor) and out.isnan().any():
            raise ValueError("NaN in the output of {module}")

### WRONG any() is forgotten: the truth value of a tensor of several values raises a RuntimeError -> named; any forgotten
def hook_check_for_nan_output(module: nn.Module, inputs: tuple, output: object) -> None:
    outputs = output if isinstance(output, (tuple, list)) else (output,)
    for out in outputs:
        if isinstance(out, Tensor):
            if torch.isnan(out):
                raise ValueError(f"NaN in the output of {module}")

### WRONG prints the message and raises nothing; only the first entry of a tuple or list is looked at -> named; printed instead of raised
def hook_check_for_nan_output(module: nn.Module, inputs: tuple, output: object) -> None:
    if isinstance(output, (tuple, list)):
        output = output[0]
    if isinstance(output, Tensor) and output.isnan().any():
        print(f"ValueError: NaN in the output of {module}")

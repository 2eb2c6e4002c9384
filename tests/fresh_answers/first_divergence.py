### RIGHT the skeleton, torch.isclose
def first_divergence(
    mine: nn.Module, reference: nn.Module, x: Float[Tensor, "batch ..."], tolerance=1e-4
) -> tuple[str, str] | None:
    def outputs_in_order(model):
        names = {module: name for name, module in model.named_modules()}
        outputs = []

        def record(module, inputs, output):
            outputs.append((names[module], output.detach().clone().flatten()))

        handles = [
            module.register_forward_hook(record)
            for module in names
            if not list(module.children()) and not isinstance(module, nn.Identity)
        ]
        try:
            with torch.no_grad():
                model(x.clone())
        finally:
            for handle in handles:
                handle.remove()
        return outputs

    for (my_name, a), (name, b) in zip(outputs_in_order(mine), outputs_in_order(reference)):
        if a.numel() != b.numel():
            return my_name, name
        same = torch.isclose(a.double(), b.double(), rtol=0, atol=tolerance, equal_nan=True)
        if not same.all():
            return my_name, name
    return None

### RIGHT a helper with a closure for each name
def record_outputs(model, x):
    recorded, handles = [], []

    def make_hook(name):
        def hook(module, inputs, output):
            recorded.append((name, output.detach().clone()))

        return hook

    try:
        for name, module in model.named_modules():
            if isinstance(module, nn.Identity) or len(list(module.children())) > 0:
                continue
            handles.append(module.register_forward_hook(make_hook(name)))
        model(x.clone())
    finally:
        for h in handles:
            h.remove()
    return recorded


def first_divergence(
    mine: nn.Module, reference: nn.Module, x: Float[Tensor, "batch ..."], tolerance=1e-4
) -> tuple[str, str] | None:
    my_outputs = record_outputs(mine, x)
    ref_outputs = record_outputs(reference, x)
    for (my_name, my_out), (ref_name, ref_out) in zip(my_outputs, ref_outputs):
        my_out, ref_out = my_out.flatten(), ref_out.flatten()
        if my_out.shape != ref_out.shape:
            return (my_name, ref_name)
        ok = (my_out == ref_out) | ((my_out - ref_out).abs() <= tolerance)
        if not bool(ok.all()):
            return (my_name, ref_name)
    return None

### WRONG detach() without a copy: a module that works in place afterwards changes what was recorded -> named; output not copied
def first_divergence(
    mine: nn.Module, reference: nn.Module, x: Float[Tensor, "batch ..."], tolerance=1e-4
) -> tuple[str, str] | None:
    def outputs_in_order(model):
        names = {module: name for name, module in model.named_modules()}
        outputs = []

        def record(module, inputs, output):
            outputs.append((names[module], output.detach().flatten()))

        handles = [
            module.register_forward_hook(record)
            for module in names
            if not list(module.children()) and not isinstance(module, nn.Identity)
        ]
        try:
            with torch.no_grad():
                model(x)
        finally:
            for handle in handles:
                handle.remove()
        return outputs

    for (my_name, a), (name, b) in zip(outputs_in_order(mine), outputs_in_order(reference)):
        if a.numel() != b.numel():
            return my_name, name
        difference = (a - b).abs().max()
        if difference > tolerance or difference.isnan():
            return my_name, name
    return None

### WRONG nn.Identity is not left out, so the pairing slips by one -> named; nn.Identity included
def record_outputs(model, x):
    recorded, handles = [], []

    def make_hook(name):
        def hook(module, inputs, output):
            recorded.append((name, output.detach().clone()))

        return hook

    try:
        for name, module in model.named_modules():
            if len(list(module.children())) > 0:
                continue
            handles.append(module.register_forward_hook(make_hook(name)))
        model(x)
    finally:
        for h in handles:
            h.remove()
    return recorded


def first_divergence(
    mine: nn.Module, reference: nn.Module, x: Float[Tensor, "batch ..."], tolerance=1e-4
) -> tuple[str, str] | None:
    my_outputs = record_outputs(mine, x)
    ref_outputs = record_outputs(reference, x)
    for (my_name, my_out), (ref_name, ref_out) in zip(my_outputs, ref_outputs):
        my_out, ref_out = my_out.flatten(), ref_out.flatten()
        if my_out.shape != ref_out.shape:
            return (my_name, ref_name)
        ok = (my_out == ref_out) | ((my_out - ref_out).abs() <= tolerance)
        if not bool(ok.all()):
            return (my_name, ref_name)
    return None

### WRONG hooks stay behind if a model raises (no try and finally) -> named; hooks left on if a model raises
def first_divergence(
    mine: nn.Module, reference: nn.Module, x: Float[Tensor, "batch ..."], tolerance=1e-4
) -> tuple[str, str] | None:
    def outputs_in_order(model):
        names = {module: name for name, module in model.named_modules()}
        outputs = []

        def record(module, inputs, output):
            outputs.append((names[module], output.detach().clone().flatten()))

        handles = [
            module.register_forward_hook(record)
            for module in names
            if not list(module.children()) and not isinstance(module, nn.Identity)
        ]
        with torch.no_grad():
            model(x)
        for handle in handles:
            handle.remove()
        return outputs

    for (my_name, a), (name, b) in zip(outputs_in_order(mine), outputs_in_order(reference)):
        if a.numel() != b.numel():
            return my_name, name
        difference = (a - b).abs().max()
        if difference > tolerance or difference.isnan():
            return my_name, name
    return None

### WRONG a NaN in one of the two is not seen, since nan > tolerance is False -> named; NaN missed
def first_divergence(
    mine: nn.Module, reference: nn.Module, x: Float[Tensor, "batch ..."], tolerance=1e-4
) -> tuple[str, str] | None:
    def outputs_in_order(model):
        names = {module: name for name, module in model.named_modules()}
        outputs = []

        def record(module, inputs, output):
            outputs.append((names[module], output.detach().clone().flatten()))

        handles = [
            module.register_forward_hook(record)
            for module in names
            if not list(module.children()) and not isinstance(module, nn.Identity)
        ]
        try:
            with torch.no_grad():
                model(x)
        finally:
            for handle in handles:
                handle.remove()
        return outputs

    for (my_name, a), (name, b) in zip(outputs_in_order(mine), outputs_in_order(reference)):
        if a.numel() != b.numel():
            return my_name, name
        difference = (a - b).abs().max()
        if difference > tolerance:
            return my_name, name
    return None

### WRONG outputs are not flattened: axes of size 1 count as a difference -> named; axes of size 1
def record_outputs(model, x):
    recorded, handles = [], []

    def make_hook(name):
        def hook(module, inputs, output):
            recorded.append((name, output.detach().clone()))

        return hook

    try:
        for name, module in model.named_modules():
            if isinstance(module, nn.Identity) or len(list(module.children())) > 0:
                continue
            handles.append(module.register_forward_hook(make_hook(name)))
        model(x)
    finally:
        for h in handles:
            h.remove()
    return recorded


def first_divergence(
    mine: nn.Module, reference: nn.Module, x: Float[Tensor, "batch ..."], tolerance=1e-4
) -> tuple[str, str] | None:
    my_outputs = record_outputs(mine, x)
    ref_outputs = record_outputs(reference, x)
    for (my_name, my_out), (ref_name, ref_out) in zip(my_outputs, ref_outputs):
        if my_out.shape != ref_out.shape:
            return (my_name, ref_name)
        ok = (my_out == ref_out) | ((my_out - ref_out).abs() <= tolerance)
        if not bool(ok.all()):
            return (my_name, ref_name)
    return None

### WRONG torch.allclose with its default rtol of 1e-5, so large values may differ by more than tolerance -> named; allclose's rtol
def first_divergence(
    mine: nn.Module, reference: nn.Module, x: Float[Tensor, "batch ..."], tolerance=1e-4
) -> tuple[str, str] | None:
    def outputs_in_order(model):
        names = {module: name for name, module in model.named_modules()}
        outputs = []

        def record(module, inputs, output):
            outputs.append((names[module], output.detach().clone().flatten()))

        handles = [
            module.register_forward_hook(record)
            for module in names
            if not list(module.children()) and not isinstance(module, nn.Identity)
        ]
        try:
            with torch.no_grad():
                model(x)
        finally:
            for handle in handles:
                handle.remove()
        return outputs

    for (my_name, a), (name, b) in zip(outputs_in_order(mine), outputs_in_order(reference)):
        if a.numel() != b.numel():
            return my_name, name
        if not torch.allclose(a, b, atol=tolerance):
            return my_name, name
    return None

### WRONG puts both models into eval mode in place of running them in the mode they are in -> named; modes changed
def record_outputs(model, x):
    model.eval()
    recorded, handles = [], []

    def make_hook(name):
        def hook(module, inputs, output):
            recorded.append((name, output.detach().clone()))

        return hook

    try:
        for name, module in model.named_modules():
            if isinstance(module, nn.Identity) or len(list(module.children())) > 0:
                continue
            handles.append(module.register_forward_hook(make_hook(name)))
        model(x)
    finally:
        for h in handles:
            h.remove()
    return recorded


def first_divergence(
    mine: nn.Module, reference: nn.Module, x: Float[Tensor, "batch ..."], tolerance=1e-4
) -> tuple[str, str] | None:
    my_outputs = record_outputs(mine, x)
    ref_outputs = record_outputs(reference, x)
    for (my_name, my_out), (ref_name, ref_out) in zip(my_outputs, ref_outputs):
        my_out, ref_out = my_out.flatten(), ref_out.flatten()
        if my_out.shape != ref_out.shape:
            return (my_name, ref_name)
        diff = (my_out - ref_out).abs().max().item()
        if not diff <= tolerance:
            return (my_name, ref_name)
    return None

### WRONG outputs are kept in a dictionary by name: of a module that runs twice only the last output remains, at the place of its first run -> named; one output for each module
def first_divergence(
    mine: nn.Module, reference: nn.Module, x: Float[Tensor, "batch ..."], tolerance=1e-4
) -> tuple[str, str] | None:
    def get_activations(model):
        activations = {}
        handles = []

        def get_activation(name):
            def hook(module, inputs, output):
                activations[name] = output.detach().clone()

            return hook

        for name, module in model.named_modules():
            if not list(module.children()) and not isinstance(module, nn.Identity):
                handles.append(module.register_forward_hook(get_activation(name)))
        try:
            with torch.no_grad():
                model(x)
        finally:
            for h in handles:
                h.remove()
        return activations

    for (n1, a), (n2, b) in zip(get_activations(mine).items(), get_activations(reference).items()):
        a, b = a.flatten(), b.flatten()
        if len(a) != len(b):
            return n1, n2
        if a.isnan().any() or b.isnan().any() or (a - b).abs().max() > tolerance:
            return n1, n2
    return None

### WRONG late binding: the hook reads the loop variable name, so every output has the last module's name -> named; last name in all hooks
def first_divergence(
    mine: nn.Module, reference: nn.Module, x: Float[Tensor, "batch ..."], tolerance=1e-4
) -> tuple[str, str] | None:
    def run(model):
        outputs = []
        handles = []
        for name, module in model.named_modules():
            if list(module.children()) or isinstance(module, nn.Identity):
                continue

            def hook(module, inputs, output):
                outputs.append((name, output.detach().clone()))

            handles.append(module.register_forward_hook(hook))
        try:
            model(x)
        finally:
            for handle in handles:
                handle.remove()
        return outputs

    for (my_name, a), (ref_name, b) in zip(run(mine), run(reference)):
        if a.numel() != b.numel():
            return my_name, ref_name
        diff = (a.flatten() - b.flatten()).abs()
        if diff.isnan().any() or (diff > tolerance).any():
            return my_name, ref_name
    return None

### WRONG different numbers of values are not looked for, and the subtraction raises (or broadcasts) -> named; sizes not compared
def first_divergence(
    mine: nn.Module, reference: nn.Module, x: Float[Tensor, "batch ..."], tolerance=1e-4
) -> tuple[str, str] | None:
    def outputs_in_order(model):
        names = {module: name for name, module in model.named_modules()}
        outputs = []

        def record(module, inputs, output):
            outputs.append((names[module], output.detach().clone().flatten()))

        handles = [
            module.register_forward_hook(record)
            for module in names
            if not list(module.children()) and not isinstance(module, nn.Identity)
        ]
        try:
            with torch.no_grad():
                model(x)
        finally:
            for handle in handles:
                handle.remove()
        return outputs

    for (my_name, a), (name, b) in zip(outputs_in_order(mine), outputs_in_order(reference)):
        difference = (a - b).abs().max()
        if difference > tolerance or difference.isnan():
            return my_name, name
    return None

### WRONG the else returns None at the first pair that agrees, so only the first pair is ever compared -> named; None returned in the loop
def record_outputs(model, x):
    recorded, handles = [], []

    def make_hook(name):
        def hook(module, inputs, output):
            recorded.append((name, output.detach().clone()))

        return hook

    try:
        for name, module in model.named_modules():
            if isinstance(module, nn.Identity) or len(list(module.children())) > 0:
                continue
            handles.append(module.register_forward_hook(make_hook(name)))
        model(x)
    finally:
        for h in handles:
            h.remove()
    return recorded


def first_divergence(
    mine: nn.Module, reference: nn.Module, x: Float[Tensor, "batch ..."], tolerance=1e-4
) -> tuple[str, str] | None:
    my_outputs = record_outputs(mine, x)
    ref_outputs = record_outputs(reference, x)
    for (my_name, my_out), (ref_name, ref_out) in zip(my_outputs, ref_outputs):
        my_out, ref_out = my_out.flatten(), ref_out.flatten()
        if my_out.shape != ref_out.shape:
            return (my_name, ref_name)
        if not torch.allclose(my_out, ref_out, rtol=0, atol=tolerance):
            return (my_name, ref_name)
        else:
            return None

### WRONG no absolute value: a difference counts only where mine is the larger; the hooks are never removed -> named; signed difference, hooks left on
def first_divergence(
    mine: nn.Module, reference: nn.Module, x: Float[Tensor, "batch ..."], tolerance=1e-4
) -> tuple[str, str] | None:
    def outputs_in_order(model):
        names = {module: name for name, module in model.named_modules()}
        outputs = []

        def record(module, inputs, output):
            outputs.append((names[module], output.clone().flatten()))

        for module in model.modules():
            if len(list(module.children())) == 0 and not isinstance(module, nn.Identity):
                module.register_forward_hook(record)
        model(x)
        return outputs

    for (my_name, my_output), (name, output) in zip(
        outputs_in_order(mine), outputs_in_order(reference)
    ):
        if my_output.shape != output.shape:
            return my_name, name
        diff = my_output - output
        if diff.isnan().any() or diff.max() > tolerance:
            return my_name, name
    return None

### RIGHT the skeleton, with allclose
def outputs_in_order(model, x):
    names = {module: name for name, module in model.named_modules()}
    outputs = []

    def record(module, inputs, output):
        outputs.append((names[module], output.detach().clone().flatten()))

    handles = [
        module.register_forward_hook(record)
        for module in model.modules()
        if not list(module.children()) and not isinstance(module, nn.Identity)
    ]
    try:
        with torch.no_grad():
            model(x)
    finally:
        for handle in handles:
            handle.remove()
    return outputs


def first_divergence(
    mine: nn.Module, reference: nn.Module, x: Float[Tensor, "batch ..."], tolerance=1e-4
) -> tuple[str, str] | None:
    for (my_name, my_out), (name, out) in zip(outputs_in_order(mine, x), outputs_in_order(reference, x)):
        if my_out.numel() != out.numel():
            return my_name, name
        if not torch.allclose(my_out, out, rtol=0, atol=tolerance, equal_nan=True):
            return my_name, name
    return None

### RIGHT one hook function made for each name, NaNs looked at separately
def first_divergence(mine, reference, x, tolerance=1e-4):
    handles = []
    records = []

    def make_hook(name, record):
        def hook(module, inputs, output):
            record.append((name, output.detach().clone().reshape(-1)))

        return hook

    try:
        for model in (mine, reference):
            record = []
            records.append(record)
            for name, module in model.named_modules():
                if len(list(module.children())) == 0 and not isinstance(module, nn.Identity):
                    handles.append(module.register_forward_hook(make_hook(name, record)))
        with torch.inference_mode():
            mine(x)
            reference(x)
    finally:
        for handle in handles:
            handle.remove()

    for (name_a, a), (name_b, b) in zip(*records):
        if len(a) != len(b):
            return (name_a, name_b)
        if (a.isnan() != b.isnan()).any():
            return (name_a, name_b)
        if ((a - b).abs() > tolerance).any():
            return (name_a, name_b)
    return None

### WRONG outputs are detached and flattened but not copied, so a later in-place module changes what was recorded
def first_divergence(mine, reference, x, tolerance=1e-4):
    def outputs_in_order(model):
        names = {module: name for name, module in model.named_modules()}
        outputs = []

        def record(module, inputs, output):
            outputs.append((names[module], output.detach().flatten()))

        handles = [
            module.register_forward_hook(record)
            for module in model.modules()
            if not list(module.children()) and not isinstance(module, nn.Identity)
        ]
        try:
            with torch.no_grad():
                model(x)
        finally:
            for handle in handles:
                handle.remove()
        return outputs

    for (my_name, my_output), (name, output) in zip(outputs_in_order(mine), outputs_in_order(reference)):
        if my_output.shape != output.shape:
            return my_name, name
        if not ((my_output - output).abs() <= tolerance).all():
            return my_name, name
    return None

### WRONG no try/finally: if a model raises, the hooks stay
def first_divergence(mine, reference, x, tolerance=1e-4):
    def outputs_in_order(model):
        names = {module: name for name, module in model.named_modules()}
        outputs = []
        handles = []

        def record(module, inputs, output):
            outputs.append((names[module], output.detach().clone().flatten()))

        for module in model.modules():
            if list(module.children()) or isinstance(module, nn.Identity):
                continue
            handles.append(module.register_forward_hook(record))

        with torch.inference_mode():
            model(x)

        for handle in handles:
            handle.remove()
        return outputs

    my_outputs = outputs_in_order(mine)
    ref_outputs = outputs_in_order(reference)
    for (my_name, a), (ref_name, b) in zip(my_outputs, ref_outputs):
        if a.numel() != b.numel() or not torch.allclose(a, b, atol=tolerance, rtol=0):
            return my_name, ref_name
    return None

### WRONG max > tolerance is False for NaN, so a NaN in one of the two is not seen
def first_divergence(mine, reference, x, tolerance=1e-4):
    def outputs_in_order(model):
        names = {module: name for name, module in model.named_modules()}
        outputs = []

        def record(module, inputs, output):
            outputs.append((names[module], output.clone().flatten()))

        handles = [
            m.register_forward_hook(record)
            for m in model.modules()
            if len(list(m.children())) == 0 and not isinstance(m, nn.Identity)
        ]
        try:
            with torch.inference_mode():
                model(x)
        finally:
            for h in handles:
                h.remove()
        return outputs

    for (my_name, my_output), (name, output) in zip(outputs_in_order(mine), outputs_in_order(reference)):
        if my_output.numel() != output.numel():
            return (my_name, name)
        if (my_output - output).abs().max() > tolerance:
            return (my_name, name)
    return None

### WRONG nn.Identity is not left out, so the pairs are shifted after one
def first_divergence(mine, reference, x, tolerance=1e-4):
    def get_outputs(model):
        names = {m: n for n, m in model.named_modules()}
        outs = []

        def hook(m, inp, out):
            outs.append((names[m], out.detach().clone().flatten()))

        handles = [m.register_forward_hook(hook) for m in names if not list(m.children())]
        try:
            with torch.no_grad():
                model(x)
        finally:
            for h in handles:
                h.remove()
        return outs

    for (n1, o1), (n2, o2) in zip(get_outputs(mine), get_outputs(reference)):
        if o1.shape != o2.shape:
            return n1, n2
        diff = (o1 - o2).abs()
        if diff.isnan().any() or diff.max() > tolerance:
            return n1, n2
    return None

### WRONG outputs are kept in a dictionary by name, so of a module that runs several times only the last output is left
def first_divergence(mine, reference, x, tolerance=1e-4):
    def collect(model):
        outputs = {}
        handles = []

        def make_hook(name):
            def hook(module, inputs, output):
                outputs[name] = output.detach().clone().flatten()

            return hook

        try:
            for name, module in model.named_modules():
                if not list(module.children()) and not isinstance(module, nn.Identity):
                    handles.append(module.register_forward_hook(make_hook(name)))
            with torch.no_grad():
                model(x)
        finally:
            for handle in handles:
                handle.remove()
        return outputs

    for (my_name, a), (ref_name, b) in zip(collect(mine).items(), collect(reference).items()):
        if a.numel() != b.numel():
            return my_name, ref_name
        if not torch.allclose(a, b, rtol=0.0, atol=tolerance, equal_nan=True):
            return my_name, ref_name
    return None

### WRONG different numbers of values are not looked for, so the subtraction raises; a NaN in one of the two is not seen
def first_divergence(mine, reference, x, tolerance=1e-4):
    def outputs_in_order(model):
        names = {module: name for name, module in model.named_modules()}
        outputs = []

        def record(module, inputs, output):
            outputs.append((names[module], output.detach().clone().flatten()))

        handles = [
            module.register_forward_hook(record)
            for module in model.modules()
            if not list(module.children()) and type(module) is not nn.Identity
        ]
        try:
            model(x)
        finally:
            for handle in handles:
                handle.remove()
        return outputs

    for (my_name, my_output), (name, output) in zip(outputs_in_order(mine), outputs_in_order(reference)):
        if torch.any(torch.abs(my_output - output) > tolerance):
            return my_name, name
    return None

### WRONG outputs are not flattened, so axes of size 1 count as a difference
def first_divergence(mine, reference, x, tolerance=1e-4):
    def outputs_in_order(model):
        names = {module: name for name, module in model.named_modules()}
        outputs = []

        def record(module, inputs, output):
            outputs.append((names[module], output.detach().clone()))

        handles = []
        try:
            for module in model.modules():
                if not list(module.children()) and not isinstance(module, nn.Identity):
                    handles.append(module.register_forward_hook(record))
            with torch.inference_mode():
                model(x)
        finally:
            for handle in handles:
                handle.remove()
        return outputs

    for (my_name, my_output), (name, output) in zip(outputs_in_order(mine), outputs_in_order(reference)):
        if my_output.shape != output.shape:
            return my_name, name
        if not ((my_output - output).abs() <= tolerance).all():
            return my_name, name
    return None

### WRONG both models are put into eval mode, instead of running each in the mode it is in
def first_divergence(mine, reference, x, tolerance=1e-4):
    mine.eval()
    reference.eval()

    def run(model):
        names = dict((m, n) for n, m in model.named_modules())
        outputs, handles = [], []

        def save(m, i, o):
            outputs.append((names[m], o.detach().clone().view(-1) if o.is_contiguous() else o.detach().clone().reshape(-1)))

        try:
            for m in names:
                if isinstance(m, nn.Identity) or any(True for _ in m.children()):
                    continue
                handles.append(m.register_forward_hook(save))
            with torch.inference_mode():
                model(x)
        finally:
            [h.remove() for h in handles]
        return outputs

    for (a_name, a), (b_name, b) in zip(run(mine), run(reference)):
        if a.numel() != b.numel() or not ((a - b).abs() <= tolerance).all():
            return a_name, b_name
    return None

### WRONG allclose with its default rtol=1e-5, so large values may differ by more than the tolerance
def first_divergence(mine, reference, x, tolerance=1e-4):
    def outputs_in_order(model):
        names = {module: name for name, module in model.named_modules()}
        outputs = []

        def record(module, inputs, output):
            outputs.append((names[module], output.detach().clone().flatten()))

        handles = [
            module.register_forward_hook(record)
            for module in model.modules()
            if not list(module.children()) and not isinstance(module, nn.Identity)
        ]
        try:
            with torch.no_grad():
                model(x)
        finally:
            for handle in handles:
                handle.remove()
        return outputs

    for (my_name, my_output), (name, output) in zip(outputs_in_order(mine), outputs_in_order(reference)):
        if my_output.shape != output.shape or not torch.allclose(my_output, output, atol=tolerance):
            return my_name, name
    return None

### WRONG late binding: the hooks defined in the loop all record the last module's name
def first_divergence(mine, reference, x, tolerance=1e-4):
    def outputs_in_order(model):
        outputs = []
        handles = []
        try:
            for name, module in model.named_modules():
                if list(module.children()) or isinstance(module, nn.Identity):
                    continue

                def hook(module, inputs, output):
                    outputs.append((name, output.detach().clone().flatten()))

                handles.append(module.register_forward_hook(hook))
            with torch.no_grad():
                model(x)
        finally:
            for handle in handles:
                handle.remove()
        return outputs

    for (my_name, a), (ref_name, b) in zip(outputs_in_order(mine), outputs_in_order(reference)):
        if len(a) != len(b):
            return my_name, ref_name
        if not (torch.abs(a - b) <= tolerance).all():
            return my_name, ref_name
    return None

### WRONG asserts that both run the same number of modules, so modules left over at the end raise; abs is forgotten, so values that are too small are not seen
def first_divergence(mine, reference, x, tolerance=1e-4):
    def outputs_in_order(model):
        names = {module: name for name, module in model.named_modules()}
        outputs = []

        def record(module, inputs, output):
            outputs.append((names[module], output.detach().clone().flatten()))

        handles = [
            module.register_forward_hook(record)
            for module in model.modules()
            if not list(module.children()) and not isinstance(module, nn.Identity)
        ]
        try:
            with torch.inference_mode():
                model(x)
        finally:
            for handle in handles:
                handle.remove()
        return outputs

    my_outputs = outputs_in_order(mine)
    ref_outputs = outputs_in_order(reference)
    assert len(my_outputs) == len(ref_outputs), "the models have different numbers of layers"
    for (my_name, a), (ref_name, b) in zip(my_outputs, ref_outputs):
        if a.numel() != b.numel():
            return my_name, ref_name
        if a.isnan().any() != b.isnan().any():
            return my_name, ref_name
        if (a - b).max() > tolerance:
            return my_name, ref_name
    return None

### WRONG the hook goes on modules with children too, so containers are recorded and the pairs depend on the nesting; no try/finally, so hooks stay if a model raises
def first_divergence(mine, reference, x, tolerance=1e-4):
    def outputs_in_order(model):
        names = {module: name for name, module in model.named_modules()}
        outputs = []

        def record(module, inputs, output):
            outputs.append((names[module], output.detach().clone().flatten()))

        handles = []
        for name, module in model.named_modules():
            if not isinstance(module, nn.Identity):
                handles.append(module.register_forward_hook(record))
        with torch.no_grad():
            model(x)
        for handle in handles:
            handle.remove()
        return outputs

    for (my_name, my_output), (name, output) in zip(outputs_in_order(mine), outputs_in_order(reference)):
        if my_output.numel() != output.numel():
            return my_name, name
        if not ((my_output - output).abs() <= tolerance).all():
            return my_name, name
    return None

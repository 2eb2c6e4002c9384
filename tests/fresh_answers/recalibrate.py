# By whoever wrote the check, after it, looking for what its catalogue had not thought of.


### WRONG reset_running_stats and momentum None -> named; remark
def recalibrate(model, batches):
    for m in model.modules():
        if hasattr(m, "running_mean"):
            m.reset_running_stats()
            m.momentum = None
    model.train()
    with torch.no_grad():
        for x in batches: model(x)


### WRONG PyTorch's update_bn -> named; update_bn
def recalibrate(model, batches):
    torch.optim.swa_utils.update_bn(batches, model)


### WRONG nn.BatchNorm2d only, mode left -> named; PyTorch's BatchNorm2d only, left in train mode
def recalibrate(model, batches):
    bns = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    old = [b.momentum for b in bns]
    model.train()
    with torch.no_grad():
        for i, x in enumerate(batches):
            for b in bns: b.momentum = 1/(i+1)
            model(x)
    for b, m in zip(bns, old): b.momentum = m


### WRONG a copy, returned -> named; a copy recalibrated
import copy


def recalibrate(model, batches):
    modes = {m: m.training for m in model.modules()}
    model = copy.deepcopy(model)
    bns = [m for m in model.modules() if hasattr(m, "running_mean")]
    model.train()
    with torch.no_grad():
        for i, x in enumerate(batches):
            for b in bns: b.momentum = 1/(i+1)
            model(x)
    return model


### WRONG all batches in one -> named; all batches at once
def recalibrate(model, batches):
    modes = {m: m.training for m in model.modules()}
    mom = {m: m.momentum for m in model.modules() if hasattr(m, "running_mean")}
    model.train()
    for b in mom: b.momentum = 1.0
    with torch.no_grad(): model(torch.cat(list(batches)))
    for b in mom: b.momentum = mom[b]
    for m in modes: m.training = modes[m]


### WRONG BatchNorm2d by the class's name, mode left -> named; no BatchNorm1d, left in train mode
def recalibrate(model, batches):
    mom = {m: m.momentum for m in model.modules() if type(m).__name__ == "BatchNorm2d"}
    model.train()
    with torch.no_grad():
        for i, x in enumerate(batches):
            for b in mom: b.momentum = 1/(i+1)
            model(x)
    for b in mom: b.momentum = mom[b]


### WRONG momentum set after the forward pass -> named; first batch left out
def recalibrate(model, batches):
    modes = {m: m.training for m in model.modules()}
    mom = {m: m.momentum for m in model.modules() if hasattr(m, "running_mean")}
    model.train()
    with torch.no_grad():
        for i, x in enumerate(batches):
            model(x)
            for b in mom: b.momentum = 1/(i+1)
    for b in mom: b.momentum = mom[b]
    for m in modes: m.training = modes[m]


### WRONG pools what the batchnorms return -> named; statistics of the output, pooled
def recalibrate(model, batches):
    modes = {m: m.training for m in model.modules()}
    bns = [m for m in model.modules() if hasattr(m, "running_mean")]
    outs = {b: [] for b in bns}
    hs = [b.register_forward_hook(lambda b, i, o: outs[b].append(o.detach())) for b in bns]
    model.train()
    with torch.no_grad():
        for x in batches: model(x)
    for h in hs: h.remove()
    for b in bns:
        x = torch.cat(outs[b]).transpose(0, 1).flatten(1)
        b.running_mean = x.mean(1); b.running_var = x.var(1)
    for m in modes: m.training = modes[m]


### WRONG trains on the batches -> named; hint
def recalibrate(model, batches):
    modes = {m: m.training for m in model.modules()}
    mom = {m: m.momentum for m in model.modules() if hasattr(m, "running_mean")}
    model.train()
    opt = torch.optim.SGD(model.parameters(), lr=0.1)
    for i, x in enumerate(batches):
        for b in mom: b.momentum = 1/(i+1)
        opt.zero_grad()
        model(x).sum().backward()
        opt.step()
    for b in mom: b.momentum = mom[b]
    for m in modes: m.training = modes[m]


### WRONG expects labels -> named; batches taken for pairs
def recalibrate(model, batches):
    modes = {m: m.training for m in model.modules()}
    mom = {m: m.momentum for m in model.modules() if hasattr(m, "running_mean")}
    model.train()
    with torch.no_grad():
        for i, (x, y) in enumerate(batches):
            for b in mom: b.momentum = 1/(i+1)
            model(x)
    for b in mom: b.momentum = mom[b]
    for m in modes: m.training = modes[m]


### WRONG counts the batches first -> named; batches read twice
def recalibrate(model, batches):
    modes = {m: m.training for m in model.modules()}
    mom = {m: m.momentum for m in model.modules() if hasattr(m, "running_mean")}
    model.train()
    n = len(list(batches))
    with torch.no_grad():
        for i, x in enumerate(batches):
            for b in mom: b.momentum = 1/(i+1)
            model(x)
    for b in mom: b.momentum = mom[b]
    for m in modes: m.training = modes[m]


### WRONG momentum set on the model -> named; the momentum that was there
def recalibrate(model, batches):
    modes = {m: m.training for m in model.modules()}
    model.momentum = None
    model.train()
    with torch.no_grad():
        for x in batches: model(x)
    for m in modes: m.training = modes[m]


### WRONG eval() at the end, momentum left -> named; always eval mode afterwards, momentum left at the last 1 / n
def recalibrate(model, batches):
    model.train()
    bns = [m for m in model.modules() if hasattr(m, "running_mean")]
    for b in bns:
        b.running_mean.zero_(); b.running_var.zero_()
    n = 0
    with torch.no_grad():
        for x in batches:
            n += 1
            for b in bns: b.momentum = 1/n
            model(x)
    model.eval()


### RIGHT Welford's averages
def recalibrate(model, batches):
    state = {m: (m.training, getattr(m, "momentum", "none")) for m in model.modules()}
    model.train()
    bns = [m for m in model.modules() if hasattr(m, "running_mean")]
    mean = {m: 0 for m in bns}; var = {m: 0 for m in bns}
    k = 0
    for x in batches:
        k += 1
        for m in bns: m.momentum = 1.
        with torch.no_grad(): model(x)
        for m in bns:
            mean[m] = mean[m] + (m.running_mean - mean[m]) / k
            var[m] = var[m] + (m.running_var - var[m]) / k
    for m in bns:
        m.running_mean, m.running_var = mean[m], var[m]
    for m, (t, mom) in state.items():
        m.training = t
        if mom != "none": m.momentum = mom


### RIGHT recalibrates a copy and takes over its statistics
import copy


def recalibrate(model, batches):
    batches = [b for b in batches]
    copy_ = copy.deepcopy(model).train()
    theirs = [m for m in copy_.modules() if hasattr(m, "running_mean")]
    for i in range(len(batches)):
        for m in theirs: m.momentum = 1 / (i + 1)
        with torch.no_grad(): copy_(batches[i])
    mine = [m for m in model.modules() if hasattr(m, "running_mean")]
    for a, b in zip(mine, theirs):
        a.running_mean.copy_(b.running_mean); a.running_var.copy_(b.running_var)


### RIGHT only the batchnorms in train mode, in try
def recalibrate(model, batches):
    def bns():
        return (m for m in model.modules() if "running_mean" in m._buffers)
    old = [(m, m.momentum) for m in bns()]
    modes = [(m, m.training) for m in model.modules()]
    try:
        for m in bns(): m.train()
        n = 0
        for images in batches:
            n = n + 1
            for m in bns(): m.momentum = 1 / n
            with torch.inference_mode(False), torch.no_grad():
                model(images)
    finally:
        for m, x in old: m.momentum = x
        for m, t in modes: m.training = t

# By whoever wrote the check, after it, looking for what its catalogue had not thought of.


### WRONG part of the layers only -> named; hint
def freeze(model):
    for name, p in model.named_parameters():
        if not name.startswith("top"):
            p.requires_grad = False
    for m in model.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.eval()


### WRONG model.eval() once -> named; eval mode once only
def freeze(model):
    model.eval()
    for p in model.parameters():
        p.requires_grad = False


### WRONG p = p.detach() -> named; no parameter frozen
def freeze(model):
    for p in model.parameters():
        p = p.detach()
    for m in model.modules():
        if hasattr(m, "running_mean"):
            m.eval()
            m.train = lambda mode=True, m=m: m


### WRONG model.eval() under no_grad -> named; in eval mode, with gradients
def freeze(model):
    with torch.no_grad():
        model.eval()


### WRONG forward under no_grad -> named; eval mode once only
def freeze(model):
    model.requires_grad_(False)
    model.eval()
    old = model.forward
    def forward(x):
        with torch.no_grad(): return old(x)
    model.forward = forward


### WRONG model.train = lambda self, mode=True -> named; train without an argument
def freeze(model):
    model.requires_grad_(False)
    model.eval()
    model.train = lambda self, mode=True: self


### WRONG requires_grad of the buffers -> named; requires_grad only
def freeze(model):
    model.requires_grad_(False)
    for b in model.buffers():
        b.requires_grad = False


### WRONG puts the statistics back after each run -> named; momentum 0
def freeze(model):
    model.requires_grad_(False)
    for m in model.modules():
        if hasattr(m, "running_mean"):
            mean, var = m.running_mean.clone(), m.running_var.clone()
            def restore(m, i, o, mean=mean, var=var):
                m.running_mean, m.running_var = mean.clone(), var.clone()
            m.register_forward_hook(restore)


### WRONG a frozen class in its place -> named; batchnorms wrapped
class FrozenBatchNorm2d(nn.Module):
    def __init__(self, bn):
        super().__init__()
        for n in ("weight", "bias", "running_mean", "running_var"):
            self.register_buffer(n, getattr(bn, n).detach().clone())
        self.eps = bn.eps
    def forward(self, x):
        s = (1, -1) + (1,) * (x.ndim - 2)
        return (x - self.running_mean.view(s)) / (self.running_var.view(s) + self.eps).sqrt() * self.weight.view(s) + self.bias.view(s)
def freeze(model):
    model.requires_grad_(False)
    for parent in list(model.modules()):
        for n, c in list(parent.named_children()):
            if hasattr(c, "running_mean"):
                setattr(parent, n, FrozenBatchNorm2d(c))


### WRONG train calls train(False) -> named; train calls eval
def freeze(model):
    model.requires_grad_(False)
    for m in model.modules():
        if hasattr(m, "running_mean"):
            m.eval()
            m.train = lambda mode=True, m=m: m.train(False)


### WRONG nn.BatchNorm2d.train replaced -> named; the class changed
def freeze(model):
    model.requires_grad_(False)
    model.eval()
    nn.BatchNorm2d.train = lambda self, mode=True: self


### WRONG train of the children switched off -> named; the model's train switched off
def freeze(model):
    for child in model.children():
        for p in child.parameters():
            p.requires_grad = False
        child.eval()
        child.train = lambda mode=True: None


### WRONG training = False by the class's name -> named; eval mode once only
def freeze(model):
    model.requires_grad_(False)
    for m in model.modules():
        if "BatchNorm" in type(m).__name__:
            m.training = False


### WRONG == instead of = -> named; no parameter frozen
def freeze(model):
    for p in model.parameters():
        p.grad = None
        p.requires_grad == False
    for m in model.modules():
        if hasattr(m, "running_mean"):
            m.eval()
            m.train = lambda mode=True, m=m: m


### WRONG momentum None and eval() once -> named; eval mode once only
def freeze(model):
    model.requires_grad_(False)
    for m in model.modules():
        if hasattr(m, "momentum"):
            m.momentum = None
            m.eval()


### WRONG track_running_stats off and momentum 0 -> named; momentum 0
def freeze(model):
    model.requires_grad_(False)
    for m in model.modules():
        if hasattr(m, "running_mean"):
            m.track_running_stats = False
            m.momentum = 0


### WRONG expects fc -> named; remark
def freeze(model):
    for p in model.parameters(): p.requires_grad = False
    for p in model.fc.parameters(): p.requires_grad = True


### WRONG training set to a property -> generic; remark
def freeze(model):
    model.requires_grad_(False)
    for m in model.modules():
        if hasattr(m, "running_mean"):
            m.eval()
            m.training = property(lambda self: False)


### WRONG a pre-hook for the original's batchnorms -> named; the original's batchnorms held
def freeze(model):
    model.requires_grad_(False)
    bns = [m for m in model.modules() if hasattr(m, "running_mean")]
    model.register_forward_pre_hook(lambda *_: [b.eval() for b in bns] and None)


### WRONG gradients zeroed by hooks -> named; no parameter frozen
def freeze(model):
    for p in model.parameters():
        p.register_hook(lambda g: torch.zeros_like(g))
    for m in model.modules():
        if hasattr(m, "running_mean"):
            m.eval(); m.train = lambda mode=True, m=m: m


### WRONG batchnorms only, eval() once -> named; batchnorm's weight and bias only, eval mode once only
def freeze(model):
    for m in model.modules():
        if hasattr(m, "running_mean"):
            m.weight.requires_grad = False
            m.bias.requires_grad = False
            m.eval()


### RIGHT a late closure
def freeze(model):
    model.requires_grad_(False)
    for m in model.modules():
        if hasattr(m, "running_mean"):
            m.eval()
            def train(mode=True):
                nn.Module.train(m, False)
                return m
            m.train = train


### RIGHT a late lambda
def freeze(model):
    model.requires_grad_(False)
    for m in model.modules():
        if hasattr(m, "running_mean"):
            m.eval()
            m.train = lambda mode=True: nn.Module.train(m, False)


### RIGHT train set past nn.Module
def freeze(model):
    for p in model.parameters(): p.requires_grad = False
    for m in model.modules():
        if isinstance(getattr(m, "running_mean", None), torch.Tensor):
            m.training = False
            object.__setattr__(m, "train", lambda mode=True: None)


### RIGHT a pre-hook on the model, marks on the batchnorms
def freeze(model):
    model.requires_grad_(False)
    for m in model.modules():
        if hasattr(m, "running_mean"):
            m._frozen = True
    def pre(model, args):
        for m in model.modules():
            if getattr(m, "_frozen", False): m.eval()
    model.register_forward_pre_hook(pre)


### RIGHT forward by F.batch_norm
def freeze(model):
    from types import MethodType
    def forward(self, x):
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, False, 0.0, self.eps)
    for p in model.parameters(): p.requires_grad_(False)
    for m in model.modules():
        if hasattr(m, "running_mean"): m.forward = MethodType(forward, m)


### RIGHT calls itself on the children
def freeze(model):
    for p in model.parameters(recurse=False): p.requires_grad_(False)
    if hasattr(model, "running_mean"):
        model.eval()
        model.train = model.__class__.eval.__get__(nn.Identity())  if False else (lambda mode=True: model)
    for child in model.children(): freeze(child)

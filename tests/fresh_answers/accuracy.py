# By whoever wrote the check, after it, looking for what its catalogue had not thought of.


### WRONG a tensor, and one mode for all -> named; tensor returned, train mode afterwards if the model was in it, else left
def accuracy(model, images, labels):
    was_training = model.training
    model.eval()
    with torch.no_grad():
        preds = model(images).argmax(dim=-1)
        correct = (preds == labels).sum()
    if was_training:
        model.train()
    return correct / len(labels)


### WRONG mean of means, mode lost -> named; mean of the batches' means
def accuracy(model, images, labels):
    model.eval()
    accs = []
    with torch.no_grad():
        for i in range(0, len(images), 128):
            preds = model(images[i:i+128]).argmax(1)
            accs.append((preds == labels[i:i+128]).float().mean().item())
    return sum(accs) / len(accs)


### WRONG mean of means of 128 -> named; mean of the batches' means
def accuracy(model, images, labels):
    modes = {m: m.training for m in model.modules()}
    model.eval()
    accs = []
    with torch.no_grad():
        for i in range(0, len(images), 128):
            preds = model(images[i:i+128]).argmax(1)
            accs.append((preds == labels[i:i+128]).float().mean().item())
    for m, t in modes.items(): m.training = t
    return sum(accs) / len(accs)


### WRONG len(images) // 32 batches -> named; pictures left out
def accuracy(model, images, labels):
    modes = {m: m.training for m in model.modules()}
    model.eval()
    n = 0
    with torch.no_grad():
        for i in range(len(images) // 32):
            n += (model(images[i*32:(i+1)*32]).argmax(1) == labels[i*32:(i+1)*32]).sum().item()
    for m, t in modes.items(): m.training = t
    return n / len(images)


### WRONG returns the loss -> named; loss returned
def accuracy(model, images, labels):
    modes = {m: m.training for m in model.modules()}
    model.eval()
    with torch.no_grad():
        loss = F.cross_entropy(model(images), labels)
    for m, t in modes.items(): m.training = t
    return loss.item()


### WRONG mean probability -> named; probability of the label
def accuracy(model, images, labels):
    modes = {m: m.training for m in model.modules()}
    model.eval()
    with torch.no_grad():
        p = model(images).softmax(1)[torch.arange(len(labels)), labels]
    for m, t in modes.items(): m.training = t
    return p.mean().item()


### WRONG a copy, with gradients -> named; gradients recorded
import copy


def accuracy(model, images, labels):
    m = copy.deepcopy(model).eval()
    return (m(images).argmax(1) == labels).float().mean().item()


### WRONG probability above a half -> named; probability above a half
def accuracy(model, images, labels):
    modes = {m: m.training for m in model.modules()}
    model.eval()
    with torch.no_grad():
        p = (model(images).softmax(1) > 0.5)
    for m, t in modes.items(): m.training = t
    return (p[torch.arange(len(labels)), labels]).float().mean().item()


### WRONG via predict's swapped -> named; highest logits for classes
def accuracy(model, images, labels):
    modes = {m: m.training for m in model.modules()}
    model.eval()
    with torch.inference_mode():
        classes, probs = model(images).max(1)
    for m, t in modes.items(): m.training = t
    return (classes == labels).float().mean().item()


### WRONG formatted as text -> named; hint
def accuracy(model, images, labels):
    modes = {m: m.training for m in model.modules()}
    model.eval()
    with torch.inference_mode():
        classes = model(images).argmax(1)
    for m, t in modes.items(): m.training = t
    return f"{(classes == labels).float().mean().item():.2f}"


### WRONG pictures without a batch axis -> named; remark
def accuracy(model, images, labels):
    modes = {m: m.training for m in model.modules()}
    model.eval()
    n = 0
    with torch.inference_mode():
        for image, label in zip(images, labels):
            n += model(image).argmax() == label
    for m, t in modes.items(): m.training = t
    return float(n / len(images))


### WRONG modes put back before the model runs -> named; eval mode forgotten
def accuracy(model, images, labels):
    modes = {m: m.training for m in model.modules()}
    model.eval()
    for m, t in modes.items(): m.training = t
    with torch.inference_mode():
        classes = model(images).argmax(1)
    return (classes == labels).float().mean().item()


### WRONG counts with NumPy -> named; number instead of share
def accuracy(model, images, labels):
    modes = {m: m.training for m in model.modules()}
    model.eval()
    with torch.no_grad():
        classes = model(images).argmax(1).numpy()
    for m, t in modes.items(): m.training = t
    return (classes == labels.numpy()).sum()


### WRONG divides by one more -> generic; remark
def accuracy(model, images, labels):
    modes = {m: m.training for m in model.modules()}
    model.eval()
    with torch.no_grad():
        classes = model(images).argmax(1)
    for m, t in modes.items(): m.training = t
    return (classes == labels).sum().item() / (len(labels) + 1)


### WRONG train(mode) of each, parents last -> named; train mode afterwards if the model was in it, else left
def accuracy(model, images, labels):
    modes = {m: m.training for m in model.modules()}
    model.eval()
    with torch.no_grad():
        classes = model(images).argmax(1)
    for m, t in reversed(list(modes.items())): m.train(t)
    return (classes == labels).float().mean().item()


### RIGHT count_nonzero in try
def accuracy(model, images, labels):
    state = {n: m.training for n, m in model.named_modules()}
    model.apply(lambda m: setattr(m, "training", False))
    try:
        with torch.no_grad():
            hits = torch.count_nonzero(torch.eq(torch.argmax(F.softmax(model(images), 1), 1), labels))
            return hits.item() / labels.numel()
    finally:
        for n, m in model.named_modules(): m.training = state[n]


### RIGHT in seven chunks
def accuracy(model, images, labels):
    train = [m for m in model.modules() if m.training]
    model.eval()
    with torch.inference_mode():
        preds = torch.cat([model(x).argmax(1) for x in images.chunk(7)])
    for m in train: m.training = True
    return torch.mean((preds == labels).to(torch.float64)).tolist()


### RIGHT set_grad_enabled and back, by sort
def accuracy(model, images, labels):
    was = torch.is_grad_enabled()
    torch.set_grad_enabled(False)
    modes = [(m, m.training) for m in model.modules()]
    model.eval()
    values, idx = model(images).sort(1, descending=True)
    torch.set_grad_enabled(was)
    for m, t in modes: m.training = t
    return (idx[:, 0] == labels).sum().div(len(labels)).item()


### RIGHT NumPy's argmax
def accuracy(model, images, labels):
    modes = {m: m.training for m in model.modules()}
    model.eval()
    with torch.no_grad():
        g = model(images).numpy().argmax(1)
    for m, t in modes.items(): m.training = t
    return (g == labels.numpy()).mean()


### RIGHT train(mode) of each, parents first
def accuracy(model, images, labels):
    modes = [m.training for m in model.modules()]
    model.eval()
    right = 0
    for x, y in zip(torch.split(images, 33), torch.split(labels, 33)):
        with torch.no_grad():
            right += int((model(x).argmax(-1) == y).sum())
    [m.train(t) for m, t in zip(model.modules(), modes)]
    return right / images.size(0)

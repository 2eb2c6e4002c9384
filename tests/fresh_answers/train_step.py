# By whoever wrote the check, after it, looking for what its catalogue had not thought of.


### WRONG clips the gradients -> generic; remark
def train_step(model, optimizer, images, labels):
    model.train()
    optimizer.zero_grad()
    loss = F.cross_entropy(model(images), labels)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 0.1)
    optimizer.step()
    return loss.item()


### WRONG updates the weights itself -> named; another optimizer than the argument
def train_step(model, optimizer, images, labels):
    model.train()
    loss = F.cross_entropy(model(images), labels)
    model.zero_grad()
    loss.backward()
    with torch.no_grad():
        for p in model.parameters():
            p -= 0.1 * p.grad
    return loss.item()


### WRONG five steps on the batch -> named; hint
def train_step(model, optimizer, images, labels):
    model.train()
    for epoch in range(5):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
    return loss.item()


### WRONG one step for each picture -> named; hint
def train_step(model, optimizer, images, labels):
    model.train()
    total = 0
    for image, label in zip(images, labels):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(image.unsqueeze(0)), label.unsqueeze(0))
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total / len(images)


### WRONG gradients added up picture by picture -> named; hint
def train_step(model, optimizer, images, labels):
    model.train()
    optimizer.zero_grad()
    total = 0
    for image, label in zip(images, labels):
        loss = F.cross_entropy(model(image[None]), label[None]) / len(images)
        loss.backward()
        total += loss.item()
    optimizer.step()
    return total


### WRONG flattens the images -> named; remark
def train_step(model, optimizer, images, labels):
    model.train()
    optimizer.zero_grad()
    loss = F.cross_entropy(model(images.flatten(1)), labels)
    loss.backward()
    optimizer.step()
    return loss.item()


### WRONG zero_grads -> named; remark
def train_step(model, optimizer, images, labels):
    model.train()
    optimizer.zero_grads()
    loss = F.cross_entropy(model(images), labels)
    loss.backward()
    optimizer.step()
    return loss.item()


### WRONG returns a list -> named; hint
def train_step(model, optimizer, images, labels):
    model.train()
    optimizer.zero_grad()
    loss = F.cross_entropy(model(images), labels)
    loss.backward()
    optimizer.step()
    return [loss.item()]


### WRONG prints the loss and returns nothing -> named; nothing returned
def train_step(model, optimizer, images, labels):
    model.train()
    optimizer.zero_grad()
    loss = F.cross_entropy(model(images), labels)
    loss.backward()
    optimizer.step()
    print(loss.item())


### WRONG shuffles the images and not the labels -> generic; remark
def train_step(model, optimizer, images, labels):
    model.train()
    optimizer.zero_grad()
    perm = torch.randperm(len(images))
    loss = F.cross_entropy(model(images[perm]), labels)
    loss.backward()
    optimizer.step()
    return loss.item()


### WRONG softmax, and no zero_grad -> named; softmax before the loss, gradients never zeroed
def train_step(model, optimizer, images, labels):
    model.train()
    loss = F.cross_entropy(model(images).softmax(1), labels)
    loss.backward()
    optimizer.step()
    return loss.item()


### WRONG no train(), no item() -> named; mode left as it is, item forgotten
def train_step(model, optimizer, images, labels):
    optimizer.zero_grad()
    loss = F.cross_entropy(model(images), labels)
    loss.backward()
    optimizer.step()
    return loss


### WRONG model.train = True -> named; mode left as it is
def train_step(model, optimizer, images, labels):
    model.train = True
    optimizer.zero_grad()
    loss = F.cross_entropy(model(images), labels)
    loss.backward()
    optimizer.step()
    return loss.item()


### WRONG CrossEntropyLoss(outputs, labels) -> named; loss class given the data
def train_step(model, optimizer, images, labels):
    model.train()
    optimizer.zero_grad()
    loss = nn.CrossEntropyLoss(model(images), labels)
    loss.backward()
    optimizer.step()
    return loss.item()


### WRONG loss.zero_grad() -> named; remark
def train_step(model, optimizer, images, labels):
    model.train()
    loss = F.cross_entropy(model(images), labels)
    loss.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


### WRONG leaves the optimizer out -> named; hint
def train_step(model, images, labels):
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    loss = F.cross_entropy(model(images), labels)
    loss.backward()
    optimizer.step()
    return loss.item()


### WRONG decorated with no_grad -> named; gradients off: no_grad
@torch.no_grad()
def train_step(model, optimizer, images, labels):
    model.train()
    optimizer.zero_grad()
    loss = F.cross_entropy(model(images), labels)
    loss.backward()
    optimizer.step()
    return loss.item()


### WRONG no_grad, and then requires_grad on the loss -> named; made a leaf of its own
@torch.no_grad()
def train_step(model, optimizer, images, labels):
    model.train()
    optimizer.zero_grad()
    loss = F.cross_entropy(model(images), labels)
    loss.requires_grad_()
    loss.backward()
    optimizer.step()
    return loss.item()


### WRONG the share of errors for a loss -> named; logits detached
def train_step(model, optimizer, images, labels):
    model.train()
    optimizer.zero_grad()
    out = model(images)
    loss = (out.argmax(1) != labels).float().mean()
    loss.backward()
    optimizer.step()
    return loss.item()


### WRONG lowers the learning rate each time -> generic; remark
def train_step(model, optimizer, images, labels):
    model.train()
    optimizer.zero_grad()
    loss = F.cross_entropy(model(images), labels)
    loss.backward()
    optimizer.step()
    for g in optimizer.param_groups: g["lr"] *= 0.9
    return loss.item()


### WRONG adds a penalty on the weights -> generic; remark
def train_step(model, optimizer, images, labels):
    model.train()
    optimizer.zero_grad()
    loss = F.cross_entropy(model(images), labels) + 1e-2 * sum(p.pow(2).sum() for p in model.parameters())
    loss.backward()
    optimizer.step()
    return loss.item()


### WRONG returns a NumPy array -> named; hint
def train_step(model, optimizer, images, labels):
    model.train()
    optimizer.zero_grad()
    loss = F.cross_entropy(model(images), labels)
    loss.backward()
    optimizer.step()
    return loss.detach().numpy()


### WRONG train() only after the forward pass -> named; eval mode
def train_step(model, optimizer, images, labels):
    model.eval()
    logits = model(images)
    model.train()
    optimizer.zero_grad()
    loss = F.cross_entropy(logits, labels)
    loss.backward()
    optimizer.step()
    return loss.item()


### WRONG torch.tensor(loss, requires_grad=True) -> named; made a leaf of its own
def train_step(model, optimizer, images, labels):
    model.train()
    optimizer.zero_grad()
    loss = F.cross_entropy(model(images), labels)
    loss = torch.tensor(loss, requires_grad=True)
    loss.backward()
    optimizer.step()
    return loss.item()


### WRONG squeezes the outputs -> named; outputs squeezed
def train_step(model, optimizer, images, labels):
    model.train()
    optimizer.zero_grad()
    loss = F.cross_entropy(model(images).squeeze(), labels)
    loss.backward()
    optimizer.step()
    return loss.item()


### WRONG another loss function -> generic; remark
def train_step(model, optimizer, images, labels):
    model.train()
    optimizer.zero_grad()
    loss = F.multi_margin_loss(model(images), labels)
    loss.backward()
    optimizer.step()
    return loss.item()


### RIGHT gather and logsumexp
def train_step(model, optimizer, images, labels):
    if not all(m.training for m in model.modules()):
        model.train()
    for group in optimizer.param_groups:
        for p in group["params"]:
            if p.grad is not None:
                p.grad.zero_()
    logits = model(images)
    loss = (logits.logsumexp(1) - logits.gather(1, labels[:, None]).squeeze(1)).mean()
    loss.backward()
    optimizer.step()
    return round(loss.item(), 12)


### RIGHT model.forward and torch.autograd.backward
def train_step(model, optimizer, images, labels):
    with torch.set_grad_enabled(True):
        model.train()
        out = model.forward(images)
        loss = torch.nn.functional.cross_entropy(input=out, target=labels.to(out.device), reduction="mean")
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        optimizer.step()
    return loss.data.item()


### RIGHT mean of unreduced losses
def train_step(model, optimizer, images, labels):
    for m in model.children(): m.train()
    model.train()
    criterion = torch.nn.CrossEntropyLoss(reduction="none")
    losses = criterion(model(images), labels)
    optimizer.zero_grad()
    losses.mean().backward()
    optimizer.step()
    return float(losses.detach().mean())


### RIGHT in float64
def train_step(model, optimizer, images, labels):
    model.train()
    optimizer.zero_grad()
    loss = F.cross_entropy(model(images).double(), labels)
    loss.backward()
    optimizer.step()
    return loss.item()


### RIGHT Kullback-Leibler divergence
def train_step(model, optimizer, images, labels):
    model.train()
    optimizer.zero_grad()
    logits = model(images)
    target = torch.zeros_like(logits).scatter_(1, labels.view(-1, 1), 1)
    loss = F.kl_div(logits.log_softmax(1), target, reduction="batchmean")
    loss.backward()
    optimizer.step()
    return loss.item()

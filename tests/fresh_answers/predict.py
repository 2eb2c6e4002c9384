### RIGHT with block, max
def predict(
    model: nn.Module, images: Float[Tensor, "batch rgb h w"]
) -> tuple[Float[Tensor, "batch"], Int[Tensor, "batch"]]:
    model.eval()
    with torch.inference_mode():
        probabilities = model(images).softmax(dim=1)
        best, classes = probabilities.max(dim=1)
    return best, classes

### RIGHT decorator, argmax and gather
@torch.inference_mode()
def predict(model, images):
    model.eval()
    logits = model(images)
    classes = logits.argmax(dim=-1)
    probs = torch.softmax(logits, dim=-1)
    return probs.gather(1, classes.unsqueeze(1)).squeeze(1), classes

### WRONG the model is not put in eval mode -> named; eval mode forgotten
def predict(
    model: nn.Module, images: Float[Tensor, "batch rgb h w"]
) -> tuple[Float[Tensor, "batch"], Int[Tensor, "batch"]]:
    with torch.inference_mode():
        logits = model(images)
        probs = logits.softmax(dim=1)
        return probs.max(dim=1)

### WRONG model.eval without brackets, so the mode stays as it is -> named; eval mode forgotten
def predict(
    model: nn.Module, images: Float[Tensor, "batch rgb h w"]
) -> tuple[Float[Tensor, "batch"], Int[Tensor, "batch"]]:
    model.eval
    with torch.inference_mode():
        out = model(images)
    prob, cls = torch.max(torch.softmax(out, dim=1), dim=1)
    return prob, cls

### WRONG softmax over the batch (dim 0) and not over the classes -> named; softmax over the batch
def predict(
    model: nn.Module, images: Float[Tensor, "batch rgb h w"]
) -> tuple[Float[Tensor, "batch"], Int[Tensor, "batch"]]:
    model.eval()
    with torch.inference_mode():
        logits = model(images)
    probs = F.softmax(logits, dim=0)
    values, indices = probs.max(dim=1)
    return values, indices

### WRONG no softmax: returns the largest logit -> named; logits for probabilities
def predict(
    model: nn.Module, images: Float[Tensor, "batch rgb h w"]
) -> tuple[Float[Tensor, "batch"], Int[Tensor, "batch"]]:
    model.eval()
    with torch.inference_mode():
        output = model(images)
        probabilities, classes = torch.max(output, dim=1)
    return probabilities, classes

### WRONG returns class and probability in exchanged order -> named; probabilities and classes swapped
def predict(
    model: nn.Module, images: Float[Tensor, "batch rgb h w"]
) -> tuple[Float[Tensor, "batch"], Int[Tensor, "batch"]]:
    model.eval()
    with torch.inference_mode():
        probs = torch.softmax(model(images), dim=1)
        classes = probs.argmax(dim=1)
        max_probs = probs.amax(dim=1)
    return classes, max_probs

### WRONG torch.no_grad in place of torch.inference_mode -> named; no inference mode
def predict(
    model: nn.Module, images: Float[Tensor, "batch rgb h w"]
) -> tuple[Float[Tensor, "batch"], Int[Tensor, "batch"]]:
    model.eval()
    with torch.no_grad():
        logits = model(images)
        probs = nn.Softmax(dim=1)(logits)
        conf, pred = torch.max(probs, 1)
    return conf, pred

### WRONG not in eval mode; not under inference_mode, so a graph is built -> named; the model run as it is
def predict(
    model: nn.Module, images: Float[Tensor, "batch rgb h w"]
) -> tuple[Float[Tensor, "batch"], Int[Tensor, "batch"]]:
    logits = model(images)
    probs = F.softmax(logits, dim=-1)
    return probs.max(dim=-1).values, probs.max(dim=-1).indices

### WRONG the maximum is taken over the whole batch and not for each image: one number and one (flat) index -> named; maximum over everything
def predict(
    model: nn.Module, images: Float[Tensor, "batch rgb h w"]
) -> tuple[Float[Tensor, "batch"], Int[Tensor, "batch"]]:
    model.eval()
    with torch.inference_mode():
        probs = model(images).softmax(dim=1)
    return probs.max(), probs.argmax()

### WRONG topk(1) keeps the axis: shapes are (batch, 1) and not (batch,) -> named; keepdim
def predict(
    model: nn.Module, images: Float[Tensor, "batch rgb h w"]
) -> tuple[Float[Tensor, "batch"], Int[Tensor, "batch"]]:
    model.eval()
    with torch.inference_mode():
        probs = torch.softmax(model(images), dim=1)
        top_p, top_class = probs.topk(1, dim=1)
    return top_p, top_class

### WRONG squeeze() without an axis: a batch of one image loses its batch axis -> named; squeezed
def predict(
    model: nn.Module, images: Float[Tensor, "batch rgb h w"]
) -> tuple[Float[Tensor, "batch"], Int[Tensor, "batch"]]:
    model.eval()
    with torch.inference_mode():
        logits = model(images)
        probs = logits.softmax(dim=1)
        p, c = probs.topk(1)
        return p.squeeze(), c.squeeze()

### WRONG takes the largest logit first, then softmax of those over the batch -> named; softmax after the maximum
def predict(
    model: nn.Module, images: Float[Tensor, "batch rgb h w"]
) -> tuple[Float[Tensor, "batch"], Int[Tensor, "batch"]]:
    model.eval()
    with torch.inference_mode():
        logits = model(images)
        best, classes = logits.max(dim=1)
        probabilities = best.softmax(dim=0)
    return probabilities, classes

### WRONG calls model.train() at the end, so the model is left in train mode -> named; train mode afterwards
def predict(
    model: nn.Module, images: Float[Tensor, "batch rgb h w"]
) -> tuple[Float[Tensor, "batch"], Int[Tensor, "batch"]]:
    model.eval()
    with torch.inference_mode():
        logits = model(images)
        probs = logits.softmax(dim=-1)
        max_prob, max_class = probs.max(dim=-1)
    model.train()
    return max_prob, max_class

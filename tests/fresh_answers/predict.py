### RIGHT with block, max with dim
def predict(
    model: nn.Module, images: Float[Tensor, "batch rgb h w"]
) -> tuple[Float[Tensor, "batch"], Int[Tensor, "batch"]]:
    model.eval()
    with torch.inference_mode():
        logits = model(images)
        probabilities, classes = logits.softmax(dim=1).max(dim=1)
    return probabilities, classes

### RIGHT decorator, argmax and gather
@torch.inference_mode()
def predict(model, images):
    model.eval()
    probs = F.softmax(model(images), dim=-1)
    classes = probs.argmax(dim=-1)
    best = probs.gather(1, classes.unsqueeze(1)).squeeze(1)
    return best, classes

### WRONG no softmax: the largest logit is returned instead of a probability
def predict(model, images):
    model.eval()
    with torch.inference_mode():
        logits = model(images)
    values, indices = torch.max(logits, dim=1)
    return values, indices

### WRONG softmax over the batch axis (0) instead of the classes
def predict(model, images):
    model.eval()
    with torch.inference_mode():
        logits = model(images)
        probs = torch.softmax(logits, dim=0)
        return tuple(torch.max(probs, dim=1))

### WRONG the model is not put into eval mode
def predict(model, images):
    with torch.inference_mode():
        logits = model(images)
        probs = logits.softmax(dim=1)
        prob, cls = probs.max(dim=1)
    return prob, cls

### WRONG torch.no_grad() instead of torch.inference_mode()
def predict(model, images):
    model.eval()
    with torch.no_grad():
        outputs = model(images)
        probabilities = F.softmax(outputs, dim=1)
        confidence, predicted = torch.max(probabilities, 1)
    return confidence, predicted

### WRONG the model is not put into eval mode; no inference_mode, so a graph is built
def predict(model, images):
    probs = torch.softmax(model(images), dim=1)
    return probs.max(dim=1).values, probs.max(dim=1).indices

### WRONG class and probability are returned the wrong way round
def predict(model, images):
    model.eval()
    with torch.inference_mode():
        probs = model(images).softmax(dim=1)
    pred = probs.argmax(dim=1)
    conf = probs.amax(dim=1)
    return pred, conf

### WRONG torch.inference_mode() is called as a statement, not used with "with", so a graph is built
def predict(model, images):
    model.eval()
    torch.inference_mode()
    logits = model(images)
    probs = logits.softmax(1)
    p, c = probs.max(1)
    return p, c

### WRONG max and argmax without a dim: one number for the whole batch instead of one for each image
def predict(model, images):
    model.eval()
    with torch.inference_mode():
        probabilities = torch.softmax(model(images), dim=1)
    return torch.max(probabilities), torch.argmax(probabilities)

### WRONG eval without brackets does nothing, so the model stays in train mode
def predict(model, images):
    model.eval
    with torch.inference_mode():
        logits = model(images)
        softmax = nn.Softmax(dim=1)
        best = torch.max(softmax(logits), dim=1)
    return best.values, best.indices

### WRONG topk(1) keeps the class axis: both results have shape (batch, 1) instead of (batch,)
def predict(model, images):
    model.eval()
    with torch.inference_mode():
        probs = F.softmax(model(images), dim=1)
        top_prob, top_class = probs.topk(1, dim=1)
    return top_prob, top_class

### WRONG Python lists instead of tensors are returned; torch.no_grad() instead of torch.inference_mode()
def predict(model, images):
    model.eval()
    probabilities = []
    classes = []
    with torch.no_grad():
        for image in images:
            probs = model(image.unsqueeze(0)).softmax(dim=1)
            p, c = probs.max(dim=1)
            probabilities.append(p.item())
            classes.append(c.item())
    return probabilities, classes

### WRONG softmax is taken after the max, of the largest logits over the batch, and not over the classes
def predict(model, images):
    model.eval()
    with torch.inference_mode():
        logits = model(images)
        values, classes = torch.max(logits, dim=1)
        probabilities = torch.softmax(values, dim=0)
    return probabilities, classes

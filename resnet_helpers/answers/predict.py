"""Answers to predict."""

import torch
import torch.nn.functional as F

from resnet_helpers.answers.edits import Answers
from resnet_helpers.solutions import ResNet34

predict = Answers("predict", globals())
right, wrong = predict.right, predict.wrong

# ---- Right ----------------------------------------------------------------------------------


@right
def in_one_line(model, images):
    model.eval()
    with torch.inference_mode():
        return model(images).softmax(dim=1).max(dim=1)


@right
def step_by_step(model, images):
    model.eval()
    with torch.inference_mode():
        probabilities = torch.softmax(model(images), dim=1)
        values, indices = torch.max(probabilities, dim=1)
    return values, indices


@right
@torch.inference_mode()
def decorated(model, images):
    model.eval()
    logits = model(images)
    probs = F.softmax(logits, dim=-1)
    return torch.max(probs, dim=-1)


@right
def restoring_the_mode(model, images):
    was_training = model.training
    model.eval()
    with torch.inference_mode():
        probabilities = torch.softmax(model(images), 1)
    model.train(was_training)
    classes = probabilities.argmax(dim=1)
    return probabilities.gather(1, classes[:, None])[:, 0], classes


@right
def one_by_one(model, images):
    model.eval()
    values, classes = [], []
    with torch.inference_mode():
        for image in images:
            logits = model(image.unsqueeze(0))[0]
            best = logits.argmax().item()
            values.append(logits.log_softmax(0)[best].exp().item())
            classes.append(best)
    return [torch.tensor(values), torch.tensor(classes, dtype=torch.int32)]


@right
def by_hand(model, images):
    model = model.eval()
    with torch.inference_mode():
        logits = model(images)
        weights = (logits - logits.amax(1, keepdim=True)).exp()
        values, indices = (weights / weights.sum(1, keepdim=True)).topk(1)
    return values.squeeze(1), indices.squeeze(1)


# ---- Wrong ----------------------------------------------------------------------------------

with torch.random.fork_rng(devices=[]):
    torch.manual_seed(0)
    my_resnet = ResNet34((1,), (8,), (1,), 1000)

wrong(
    "another model than the argument",
    step_by_step,
    {"model.eval()": "my_resnet.eval()", "model(images)": "my_resnet(images)"},
)
wrong("logits for probabilities", in_one_line, {".softmax(dim=1)": ""})
wrong("log probabilities", decorated, {"F.softmax": "F.log_softmax"})
wrong("sigmoid", step_by_step, {"softmax(model(images), dim=1)": "sigmoid(model(images))"})
wrong("softmax over the batch", in_one_line, {"softmax(dim=1)": "softmax(dim=0)"})
wrong(
    "softmax over everything",
    by_hand,
    {
        "logits.amax(1, keepdim=True)": "logits.max()",
        "weights.sum(1, keepdim=True)": "weights.sum()",
    },
)
wrong("softmax twice", step_by_step, {"max(probabilities,": "max(probabilities.softmax(dim=1),"})
wrong(
    "exponential not normalised",
    by_hand,
    {
        "(logits - logits.amax(1, keepdim=True))": "logits",
        "(weights / weights.sum(1, keepdim=True))": "weights",
    },
)
wrong(
    "divided by the sum of the logits",
    step_by_step,
    {
        "probabilities = torch.softmax(model(images), dim=1)": "logits = model(images)\n"
        "probabilities = logits / logits.sum(dim=1, keepdim=True)"
    },
)
wrong("exponential overflows", by_hand, {"(logits - logits.amax(1, keepdim=True))": "logits"})
wrong("percent", step_by_step, {"return values": "return 100 * values"})
wrong(
    "probabilities and classes swapped",
    step_by_step,
    {"return values, indices": "return indices, values"},
)
wrong("maximum over the batch", in_one_line, {".max(dim=1)": ".max(dim=0)"})
wrong(
    "maximum over everything",
    step_by_step,
    {"torch.max(probabilities, dim=1)": "torch.max(probabilities), torch.argmax(probabilities)"},
)
wrong("minimum", decorated, {"torch.max": "torch.min"})
wrong("all probabilities", restoring_the_mode, {".gather(1, classes[:, None])[:, 0]": ""})
wrong("keepdim", by_hand, {"values.squeeze(1), indices.squeeze(1)": "values, indices"})
wrong("first picture only", decorated, {"model(images)": "model(images[0].unsqueeze(0))"})
wrong(
    "squeezed",
    by_hand,
    {"values.squeeze(1), indices.squeeze(1)": "values.squeeze(), indices.squeeze()"},
)
wrong("first result only", step_by_step, {"values, indices\n": "values[0], indices[0]\n"})
wrong(
    "classes as floats", step_by_step, {"return values, indices": "return values, indices.float()"}
)
wrong(
    "lists",
    one_by_one,
    {"[torch.tensor(values), torch.tensor(classes, dtype=torch.int32)]": "values, classes"},
)
wrong("classes only", decorated, {"torch.max": "torch.argmax"})
wrong("probabilities only", in_one_line, {".max(dim=1)": ".max(dim=1).values"})
wrong("nothing returned", in_one_line, {"return ": ""})
wrong("classes counted from 1", one_by_one, {"append(best)": "append(best + 1)"})
wrong("eval mode forgotten", in_one_line, {"model.eval()": "model.eval"})
wrong("train mode", step_by_step, {"model.eval()": "model.train()"})
wrong(
    "only the outermost module in eval mode",
    in_one_line,
    {"model.eval()": "model.training = False"},
)
wrong("train mode afterwards", restoring_the_mode, {"model.train(was_training)": "model.train()"})
wrong(
    "gradients recorded",
    restoring_the_mode,
    {"with torch.inference_mode():\nprob": "torch.no_grad()\nprob"},
)
wrong(
    "detached afterwards",
    step_by_step,
    {"with torch": "logits = model(images)\nwith torch", "softmax(model(images)": "softmax(logits"},
)
wrong(
    "gradients left off",
    one_by_one,
    {"with torch.inference_mode():": "torch.set_grad_enabled(False)\nif True:"},
)
wrong(
    "parameters frozen",
    by_hand,
    {"model = model.eval()": "model = model.eval().requires_grad_(False)"},
)
wrong(
    "the model run as it is",
    step_by_step,
    {"model.eval()\nwith torch.inference_mode():": "if True:"},
)
wrong(
    "argmax of the model as it is",
    in_one_line,
    {
        "model.eval()\nwith torch.inference_mode():\n    return": "return",
        ".softmax(dim=1).max(dim=1)": ".argmax(1)",
    },
)
wrong("inference_mode without brackets", in_one_line, {"inference_mode()": "inference_mode"})
wrong("no inference mode", in_one_line, {"inference_mode": "no_grad"})
wrong(
    "softmax after the maximum",
    step_by_step,
    {
        "torch.softmax(model(images), dim=1)": "model(images)",
        "return values": "return values.softmax(0)",
    },
)
wrong(
    "one number unpacked", step_by_step, {"torch.max(probabilities, dim=1)": "probabilities.max()"}
)
wrong(
    "argmax over everything",
    step_by_step,
    {"return values, indices": "return values, probabilities.argmax()"},
)
wrong(
    "max over everything",
    step_by_step,
    {"return values, indices": "return probabilities.max(), indices"},
)
for k in (2, 3, 5):
    wrong(
        f"best {k} classes",
        step_by_step,
        {"torch.max(probabilities, dim=1)": f"torch.topk(probabilities, {k})"},
    )
wrong(
    "normalised again",
    in_one_line,
    {
        "model(images)": "model((images - torch.tensor([0.485, 0.456, 0.406])[:, None, None]) / "
        "torch.tensor([0.229, 0.224, 0.225])[:, None, None])"
    },
)

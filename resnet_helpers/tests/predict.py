"""Lesson 5: the check of predict, with its known mistakes."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from resnet_helpers import solutions
from resnet_helpers.tests.engine import Catalogue, Exercise
from resnet_helpers.tests.outcomes import numbers
from resnet_helpers.tests.trials import trials_of
from resnet_helpers.tests.values import fill, made_up

# ---- What is tried --------------------------------------------------------------------------

ONE = torch.tensor([[[[1.0]], [[3.0]], [[0.0]]]])  # pictures of one pixel each
TWO = torch.tensor([[[[1.0]], [[3.0]], [[0.0]]], [[[2.0]], [[-1.0]], [[2.5]]]])
THREE = torch.cat([TWO, torch.tensor([[[[0.5]], [[1.0]], [[4.0]]]])])
LARGE = torch.tensor([[[[1000.0]], [[999.0]], [[0.0]]]])
SQUARES = made_up(4, 3, 2, 2)
TWO_TEXT = "two pictures of one pixel, [1, 3, 0] and [2, -1, 2.5], which are the logits"


class Colours(nn.Module):
    """A model whose logits are the values of a picture of one pixel: red, green and blue."""

    def forward(self, images):
        return images.flatten(1).clone()


class Witness(nn.Module):
    """A model that notes how it was called, and with which pictures; it behaves like Colours."""

    def __init__(self):
        super().__init__()
        self.colours = Colours()
        self.weight = nn.Parameter(torch.ones(3))
        self.modes = "forward never called"
        self.recorded = None
        self.pictures = []

    def forward(self, images):
        self.modes = {"model": self.training, "its submodules": self.colours.training}
        self.recorded = torch.is_grad_enabled()
        self.pictures += [image.flatten().tolist() for image in images]
        return self.colours(images) * self.weight


def normalising() -> nn.Module:
    """A model with a batchnorm, for five classes and pictures of 2x2 pixels."""
    return fill(nn.Sequential(nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(12, 5)))


def kinds(result):
    """What is returned."""
    if not isinstance(result, (tuple, list)):
        return type(result).__name__
    return f"({', '.join(type(part).__name__ for part in result)})"


def part(result, position: int):
    """One of the two things returned; all of it if it isn't two."""
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        return result
    chosen = result[position]
    if isinstance(chosen, list):
        return f"a list of {len(chosen)}"  # whether of numbers or of tensors
    whole = isinstance(chosen, Tensor) and not chosen.is_floating_point()
    return chosen.long() if whole else chosen  # any type of integer will do


def both(tried: str, call: str) -> tuple[tuple, tuple]:
    """A trial of the probabilities and one of the classes."""
    return (
        (tried, f"part({call}, 0)", "probabilities"),
        (tried, f"part({call}, 1)", "classes"),
    )


def pictures_seen(predict):
    """The pictures that the model was given, each once."""
    witness = Witness()
    predict(witness, TWO.clone())
    pictures = [p for i, p in enumerate(witness.pictures) if p not in witness.pictures[:i]]
    return numbers(pictures) if pictures else "none: it was never called"


def recorded(predict):
    """Whether gradients were recorded, and whether the result hangs on to a graph."""
    witness = Witness()
    result = predict(witness, TWO.clone())
    parts = result if isinstance(result, (tuple, list)) else (result,)
    attached = any(isinstance(part, Tensor) and part.requires_grad for part in parts)
    return {"during forward": witness.recorded, "result.requires_grad": attached}


def pictures_afterwards(predict):
    """Whether the pictures are still the same after predict."""
    images = TWO.clone()
    predict(Colours(), images)
    return "unchanged" if torch.equal(images, TWO) else "changed in place"


TRIALS = trials_of(
    "test_predict",
    (TWO_TEXT, "pictures_seen(predict)", "pictures given to the model"),
    (
        "a model that was in train mode",
        "witness = Witness().train(); predict(witness, TWO.clone()); witness.modes",
        "training seen in forward",
    ),
    (
        "a model that was in eval mode",
        "witness = Witness().eval(); predict(witness, TWO.clone()); witness.modes",
        "training seen in forward",
    ),
    (TWO_TEXT, "kinds(predict(Colours(), TWO.clone()))", "returned"),
    *both(TWO_TEXT, "predict(Colours().eval(), TWO.clone())"),
    *both(
        "three such pictures, logits [[1, 3, 0], [2, -1, 2.5], [0.5, 1, 4]]",
        "predict(Colours().eval(), THREE.clone())",
    ),
    *both("one such picture, logits [[1, 3, 0]]", "predict(Colours().eval(), ONE.clone())"),
    *both("one such picture, logits [[1000, 999, 0]]", "predict(Colours().eval(), LARGE.clone())"),
    *both(
        "4 pictures, 5 classes, a model with batchnorm in eval mode",
        "predict(normalising().eval(), SQUARES.clone())",
    ),
    *both(
        "4 pictures, 5 classes, a model with batchnorm that was in train mode",
        "predict(normalising().train(), SQUARES.clone())",
    ),
    (
        "a model that was in eval mode",
        "model = Colours().eval(); predict(model, TWO.clone()); model.training",
        "model.training afterwards",
    ),
    (
        "a model with batchnorm that was in train mode",
        "model = normalising().train(); predict(model, SQUARES.clone()); model[0].running_mean",
        "running_mean afterwards",
    ),
    (TWO_TEXT, "recorded(predict)", "gradients recorded"),
    (TWO_TEXT, "pictures_afterwards(predict)", "images afterwards"),
)

# ---- A right answer in steps ----------------------------------------------------------------


class PredictInSteps:
    """predict cut into the steps that can each go wrong."""

    def prepare(self, model):
        model.eval()

    def guard(self):
        return torch.inference_mode()

    def received(self, images):
        return images

    def probabilities(self, logits):
        return logits.softmax(1)

    def best(self, probabilities):
        return probabilities.max(1)

    def result(self, values, classes):
        return values, classes

    def finish(self, model):
        pass

    def predict(self, model, images):
        self.prepare(model)
        with self.guard():
            values, classes = self.best(self.probabilities(model(self.received(images))))
        self.finish(model)
        return self.result(values, classes)


# ---- The mistakes ---------------------------------------------------------------------------

mistake = Catalogue()


@mistake(
    "another model than the argument",
    "You never call `model`, the argument, but a network from outside the function, such as "
    "my_resnet. Use the argument.",
)
class _:
    def predict(self, model, images):
        model = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 9)).eval()
        with torch.inference_mode():
            return model(images).softmax(1).max(1)


mistake(
    "logits for probabilities",
    "You return the largest logit. Turn the logits into probabilities first: softmax over the "
    "classes, dim=1.",
    probabilities=lambda self, logits: logits,
)
mistake(
    "log probabilities",
    "You return the logarithm of the probability. Use softmax, not log_softmax.",
    probabilities=lambda self, logits: logits.log_softmax(1),
)
mistake(
    "sigmoid",
    "You apply a sigmoid to each logit by itself, so the probabilities of a picture don't add "
    "up to 1. Use softmax over the classes, dim=1.",
    probabilities=lambda self, logits: logits.sigmoid(),
)
mistake(
    "softmax over the batch",
    "Your softmax goes over the batch (dim=0), so the pictures share one probability. Take it "
    "over the classes, dim=1.",
    probabilities=lambda self, logits: logits.softmax(0),
)
mistake(
    "softmax over everything",
    "Your softmax goes over pictures and classes together. Take it over the classes only, dim=1.",
    probabilities=lambda self, logits: logits.flatten().softmax(0).view_as(logits),
)
mistake(
    "softmax twice",
    "You apply softmax twice, which flattens the probabilities. Once is enough.",
    probabilities=lambda self, logits: logits.softmax(1).softmax(1),
)
mistake(
    "exponential not normalised",
    "You take the exponential of the logits but don't divide by their sum over the classes. "
    "softmax(dim=1) does both.",
    probabilities=lambda self, logits: logits.exp(),
)
mistake(
    "divided by the sum of the logits",
    "You divide the logits by their sum. They may be negative: take the exponential first, or "
    "let softmax(dim=1) do both.",
    probabilities=lambda self, logits: logits / logits.sum(1, keepdim=True),
)
mistake(
    "exponential overflows",
    "Your exponential overflows for large logits, and inf / inf is NaN. softmax subtracts the "
    "largest logit first: use it.",
    probabilities=lambda self, logits: logits.exp() / logits.exp().sum(1, keepdim=True),
)
mistake(
    "percent",
    "You return percent. Return a probability between 0 and 1; show it as you like later.",
    result=lambda self, values, classes: (100 * values, classes),
)
mistake(
    "probabilities and classes swapped",
    "You return the classes first. Return (probabilities, classes), the order in which "
    "max(dim=1) gives them.",
    result=lambda self, values, classes: (classes, values),
)
mistake(
    "maximum over the batch",
    "You take the maximum over the pictures (dim=0): one for each class. Take it over the "
    "classes, dim=1: one for each picture.",
    best=lambda self, probabilities: probabilities.max(0),
)
mistake(
    "maximum over everything",
    "You take one maximum over all pictures. Take it over the classes, dim=1: one for each "
    "picture.",
    best=lambda self, probabilities: (probabilities.max(), probabilities.argmax()),
)
mistake(
    "minimum",
    "You take the least likely class. Take the maximum.",
    best=lambda self, probabilities: probabilities.min(1),
)
mistake(
    "all probabilities",
    "You return the probabilities of all classes. Return the largest one of each picture, "
    "shape (batch,).",
    best=lambda self, probabilities: (probabilities, probabilities.argmax(1)),
)
mistake(
    "keepdim",
    "You keep the class axis with size 1. Return two tensors of shape (batch,): leave out "
    "keepdim, or the slice that keeps it.",
    best=lambda self, probabilities: probabilities.max(1, keepdim=True),
)
mistake(
    "first picture only",
    "You predict for the first picture only. Return one probability and one class for each.",
    received=lambda self, images: images[:1],
)
mistake(
    "squeezed",
    "squeeze() also removes the batch axis when there is one picture only. Leave it out: the "
    "shape is (batch,), here (1,).",
    result=lambda self, values, classes: (values.squeeze(), classes.squeeze()),
)
mistake(
    "lists",
    "You return Python lists. Return two tensors of shape (batch,), as the model's output for "
    "the whole batch gives them.",
    result=lambda self, values, classes: (values.tolist(), classes.tolist()),
)
mistake(
    "classes only",
    "You return the classes only. Return (probabilities, classes): max(dim=1) gives both.",
    result=lambda self, values, classes: classes,
)
mistake(
    "probabilities only",
    "You return the probabilities only. Return (probabilities, classes): max(dim=1) gives both.",
    result=lambda self, values, classes: values,
)
mistake(
    "nothing returned",
    "You return nothing. Return (probabilities, classes).",
    result=lambda self, values, classes: None,
)
mistake(
    "classes counted from 1",
    "You count the classes from 1. The index starts at 0, as imagenet_labels.json does.",
    result=lambda self, values, classes: (values, classes + 1),
)
mistake(
    "eval mode forgotten",
    "You leave the model in whatever mode it is in. In train mode batchnorm uses the batch's "
    "statistics, and changes its running ones: call model.eval() first, with its brackets.",
    prepare=lambda self, model: None,
)
mistake(
    "train mode",
    "You put the model into train mode. Call model.eval(), not model.train().",
    prepare=lambda self, model: model.train(),
)
mistake(
    "only the outermost module in eval mode",
    "model.training = False reaches the outermost module only. model.eval() goes through all "
    "of its submodules.",
    prepare=lambda self, model: setattr(model, "training", False),
)
mistake(
    "train mode afterwards",
    "You put the model into train mode at the end, although it was in eval mode before. Leave "
    "it in eval mode, or put back the mode it was in.",
    finish=lambda self, model: model.train(),
)
mistake(
    "gradients recorded",
    "Gradients are recorded, and your result keeps the whole graph alive. Run the model inside "
    "`with torch.inference_mode():`.",
    guard=torch.enable_grad,
)
mistake(
    "detached afterwards",
    "Your model records gradients, and you drop them afterwards. The forward pass itself "
    "belongs inside `with torch.inference_mode():`.",
    guard=torch.enable_grad,
    result=lambda self, values, classes: (values.detach(), classes),
)

# ---- The check ------------------------------------------------------------------------------

PREDICT = Exercise(
    name="predict",
    reference=solutions.predict,
    trials=TRIALS,
    names=globals(),
    in_steps=PredictInSteps,
    mistakes=mistake,
    finished=lambda steps: steps().predict,
)


def test_predict(predict: Callable) -> None:
    """Check that predict(model, images) gives each picture's probability and class."""
    PREDICT.check("test_predict", predict)

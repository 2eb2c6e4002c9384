"""Lesson 5: the check of predict, with its known mistakes."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from resnet_helpers import solutions
from resnet_helpers.tests.engine import Catalogue, Exercise
from resnet_helpers.tests.outcomes import numbers
from resnet_helpers.tests.trials import Trial
from resnet_helpers.tests.values import fill, made_up

# ---- What is tried --------------------------------------------------------------------------

ONE = torch.tensor([[[[1.0]], [[3.0]], [[0.0]]]])  # pictures of one pixel each
TWO = torch.tensor([[[[1.0]], [[3.0]], [[0.0]]], [[[2.0]], [[-1.0]], [[2.5]]]])
THREE = torch.cat([TWO, torch.tensor([[[[0.5]], [[1.0]], [[4.0]]]])])
LARGE = torch.tensor([[[[1000.0]], [[999.0]], [[0.0]]]])
SQUARES = made_up(4, 3, 2, 2)
TWO_TEXT = "two pictures of one pixel, [1, 3, 0] and [2, -1, 2.5], which are the logits"


MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)  # of ImageNet's pictures
STD = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)


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
        self.in_inference_mode = None
        self.pictures = []

    def forward(self, images):
        self.modes = {"model": self.training, "its submodules": self.colours.training}
        self.recorded = torch.is_grad_enabled()
        self.in_inference_mode = torch.is_inference_mode_enabled()
        self.pictures += [
            image.flatten().tolist()
            if images.ndim == 4
            else f"one of shape {tuple(images.shape)}, with no batch axis"
            for image in images
        ]
        return self.colours(images) * self.weight


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
    if not isinstance(chosen, Tensor):
        return chosen
    if chosen.is_floating_point():
        return chosen if position == 0 else "floats, which are no indices"
    return chosen.long()  # any type of integer will do


def pictures_seen(predict):
    """The pictures that the model was given, each once."""
    witness = Witness()
    predict(witness, TWO.clone())
    pictures = [p for i, p in enumerate(witness.pictures) if p not in witness.pictures[:i]]
    return numbers(pictures) if pictures else "none: it was never called"


def modes_seen(predict, witness):
    """In which mode the model and its submodule were when forward ran."""
    predict(witness, TWO.clone())
    return witness.modes


def recorded(predict):
    """Whether gradients were recorded, and whether the result hangs on to a graph."""
    witness = Witness()
    result = predict(witness, TWO.clone())
    parts = result if isinstance(result, (tuple, list)) else (result,)
    attached = any(isinstance(part, Tensor) and part.requires_grad for part in parts)
    return {"during forward": witness.recorded, "result.requires_grad": attached}


def inference_mode(predict):
    """Whether forward ran in inference mode."""
    witness = Witness()
    predict(witness, TWO.clone())
    return {"on": witness.in_inference_mode}


def left_behind(predict):
    """What else could be different after predict: whether anything can be trained."""
    witness = Witness()
    predict(witness, TWO.clone())
    return {
        "gradients are on": torch.is_grad_enabled(),
        "the model's parameters require them": witness.weight.requires_grad,
    }


def pictures_afterwards(predict):
    """Whether the pictures are still the same after predict."""
    images = TWO.clone()
    predict(Colours(), images)
    return "unchanged" if torch.equal(images, TWO) else "changed in place"


def trial(tried: str, code: str, subject: str, look: str = "") -> Trial:
    """A trial whose model, in the lines to paste, is a Flatten: it behaves like Colours."""
    return Trial("test_predict", tried, code, subject, look=look)


def both(tried: str, images: str) -> tuple[Trial, Trial]:
    """A trial of the probabilities and one of the classes for these images."""
    code = f"predict(torch.nn.Flatten().eval(), {images}.clone())"
    call = f"predict(Colours().eval(), {images}.clone())"
    return (
        trial(tried, code, "probabilities", f"part({call}, 0)"),
        trial(tried, code, "classes", f"part({call}, 1)"),
    )


def both_normalised(mode: str) -> tuple[Trial, Trial]:
    """The same of a model with batchnorm in this mode, for which two lines are too few."""
    was = "in" if mode == "eval" else "that was in"
    tried = f"4 pictures, 5 classes, a model with batchnorm {was} {mode} mode"
    call = f"predict(normalising().{mode}(), SQUARES.clone())"
    return (
        trial(tried, f"part({call}, 0)", "probabilities"),
        trial(tried, f"part({call}, 1)", "classes"),
    )


def normalising() -> nn.Module:
    """A model with a batchnorm, for five classes and pictures of 2x2 pixels."""
    return fill(nn.Sequential(nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(12, 5)))


def watched(mode: str, shown: str) -> str:
    """Code that calls predict, and prints what a hook sees when a layer's forward has run."""
    return f"""\
model = torch.nn.Sequential(torch.nn.Flatten()).{mode}()
model[0].register_forward_hook(lambda layer, inputs, output: print({shown}))
predict(model, TWO.clone())
"""


TRIALS = (
    trial(
        TWO_TEXT,
        watched("eval", "inputs[0].flatten(1)"),
        "pictures given to the model",
        "pictures_seen(predict)",
    ),
    *(
        trial(
            f"a model that was in {mode} mode",
            watched(mode, "layer.training"),
            "training seen in forward",
            f"modes_seen(predict, Witness().{mode}())",
        )
        for mode in ("train", "eval")
    ),
    trial(
        TWO_TEXT,
        "predict(torch.nn.Flatten(), TWO.clone())",
        "returned",
        "kinds(predict(Colours(), TWO.clone()))",
    ),
    *both(TWO_TEXT, "TWO"),
    *both(
        "three such pictures, logits [[1, 3, 0], [2, -1, 2.5], [0.5, 1, 4]]",
        "THREE",
    ),
    *both("one such picture, logits [[1, 3, 0]]", "ONE"),
    *both("one such picture, logits [[1000, 999, 0]]", "LARGE"),
    *both_normalised("eval"),
    *both_normalised("train"),
    trial(
        "a model that was in eval mode",
        "model = torch.nn.Flatten().eval(); predict(model, TWO.clone()); model.training",
        "model.training afterwards",
    ),
    trial(
        "a model with batchnorm that was in train mode",
        "model = torch.nn.Sequential(torch.nn.BatchNorm2d(3), torch.nn.Flatten())\n"
        "predict(model, TWO.clone())\n"
        "model[0].running_mean",
        "running_mean afterwards",
    ),
    trial(
        TWO_TEXT,
        watched("eval", "torch.is_grad_enabled()"),
        "gradients recorded",
        "recorded(predict)",
    ),
    trial(
        TWO_TEXT,
        watched("eval", "torch.is_inference_mode_enabled()"),
        "inference mode during forward",
        "inference_mode(predict)",
    ),
    trial(
        TWO_TEXT,
        "model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3, 3))\n"
        "predict(model, TWO.clone())\n"
        "(torch.is_grad_enabled(), model[1].weight.requires_grad)",
        "afterwards",
        "left_behind(predict)",
    ),
    trial(
        TWO_TEXT,
        "images = TWO.clone(); predict(torch.nn.Flatten(), images); images",
        "images afterwards",
        "pictures_afterwards(predict)",
    ),
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
        weights = self.weights(logits)
        return weights / self.total(weights)

    def weights(self, logits):
        return (logits - logits.max()).exp()

    def total(self, weights):
        return weights.sum(1, keepdim=True)

    def best(self, probabilities):
        return probabilities.max(1)

    def values(self, values):
        return values

    def classes(self, classes):
        return classes

    def result(self, values, classes):
        return values, classes

    def finish(self, model):
        pass

    def predict(self, model, images):
        self.prepare(model)
        with self.guard():
            values, classes = self.best(self.probabilities(model(self.received(images))))
        self.finish(model)
        return self.result(self.values(values), self.classes(classes))


# ---- The mistakes ---------------------------------------------------------------------------

mistake = Catalogue()


@mistake(
    "another model than the argument",
    "You never call `model`, the argument. Call it, whatever it is called outside of the function: "
    "my_resnet, say, is another one.",
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
    "You return the logarithm of the probability. Leave the logarithm out: softmax, not "
    "log_softmax.",
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
    weights=lambda self, logits: (logits - logits.amax(0)).exp(),
    total=lambda self, weights: weights.sum(0),
)
mistake(
    "softmax over everything",
    "Your softmax goes over pictures and classes together. Take it over the classes only, dim=1.",
    total=lambda self, weights: weights.sum(),
)


@mistake(
    "softmax after the maximum",
    "You take the maximum of the logits first, and softmax of the maxima of all pictures. Take "
    "softmax of all logits first, over the classes (dim=1), and then the maximum.",
)
class _:
    def probabilities(self, logits):
        return logits

    def values(self, values):
        return values.softmax(0)


mistake(
    "softmax twice",
    "You apply softmax twice, which flattens the probabilities. Once is enough.",
    probabilities=lambda self, logits: logits.softmax(1).softmax(1),
)
mistake(
    "exponential not normalised",
    "You take the exponential of the logits but don't divide by their sum over the classes. "
    "softmax(dim=1) does both.",
    weights=lambda self, logits: logits.exp(),
    total=lambda self, weights: 1,
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
    weights=lambda self, logits: logits.exp(),
)
mistake(
    "percent",
    "You return percent. Return a probability between 0 and 1; show it as you like later.",
    values=lambda self, values: 100 * values,
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
    "one number unpacked",
    "You unpack a tensor that is one number, which max() and argmax() without dim return. "
    "max(dim=1) returns two tensors: the largest value of each picture, and its class.",
    best=lambda self, probabilities: tuple(probabilities.max()),
)
mistake(
    "argmax over everything",
    "Your classes are one number for the whole batch, as argmax() without dim gives. Give it "
    "dim=1: one class for each picture.",
    best=lambda self, probabilities: (probabilities.amax(1), probabilities.argmax()),
)
mistake(
    "max over everything",
    "Your probabilities are one number for the whole batch, as max() without dim gives. Give it "
    "dim=1: one for each picture.",
    best=lambda self, probabilities: (probabilities.max(), probabilities.argmax(1)),
)
for k in (2, 3, 5):
    mistake(
        f"best {k} classes",
        "You return several classes for each picture. Return the best one, shape (batch,), which "
        "max(dim=1) gives.",
        best=lambda self, probabilities, k=k: probabilities.topk(k, 1),
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
    "You keep the class axis with size 1. Return two tensors of shape (batch,): max(dim=1) without "
    "keepdim gives them, and after topk(1) squeeze(1) does.",
    best=lambda self, probabilities: probabilities.max(1, keepdim=True),
)
mistake(
    "normalised again",
    "You normalise the pictures with ImageNet's mean and standard deviation, which has been done "
    "before. Give them to the model as they are.",
    received=lambda self, images: (images - MEAN) / STD,
)
mistake(
    "first picture only",
    "You predict for the first picture only. Return one probability and one class for each.",
    received=lambda self, images: images[:1],
)


@mistake(
    "first result only",
    "You return the result for the first picture only. Return one probability and one class for "
    "each.",
)
class _:
    def values(self, values):
        return values[0]

    def classes(self, classes):
        return classes[0]


mistake(
    "squeezed",
    "For a batch of one picture your result has no batch axis, which squeeze() without a number "
    "does, for one. The shape is (batch,), here (1,).",
    result=lambda self, values, classes: (values.squeeze(), classes.squeeze()),
)
mistake(
    "lists",
    "You return lists or numbers of Python's. Return two tensors of shape (batch,), as the "
    "model's output for the whole batch gives them.",
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
    "classes as floats",
    "Your classes are floats. They are indices: return the integers that argmax or max(dim=1) "
    "gives.",
    classes=lambda self, classes: classes.float(),
)
mistake(
    "classes counted from 1",
    "You count the classes from 1. The index starts at 0, as imagenet_labels.json does.",
    classes=lambda self, classes: classes + 1,
)
mistake(
    "eval mode forgotten",
    "The model runs in whatever mode it is in. In train mode batchnorm uses the batch's "
    "statistics, and changes its running ones: before the call comes model.eval(), with its "
    "brackets.",
    prepare=lambda self, model: None,
)
mistake(
    "train mode",
    "You put the model into train mode. Call model.eval(), not model.train().",
    prepare=lambda self, model: model.train(),
)
mistake(
    "only the outermost module in eval mode",
    "Only the outermost module is in eval mode, as model.training = False makes it. model.eval() "
    "goes through all of its submodules.",
    prepare=lambda self, model: setattr(model, "training", False),
)
mistake(
    "train mode afterwards",
    "The model is in train mode afterwards, although it was in eval mode before. Leave it in eval "
    "mode, or put back the mode it was in.",
    finish=lambda self, model: model.train(),
)
mistake(
    "gradients recorded",
    "Gradients are recorded, and your result keeps the whole graph alive. Run the model inside "
    "`with torch.inference_mode():`.",
    guard=torch.enable_grad,
)
mistake(
    "no inference mode",
    "No gradients are recorded, but inference mode is off while your model runs. It saves more "
    "than no_grad does: run the model inside `with torch.inference_mode():`.",
    guard=torch.no_grad,
)
mistake(
    "detached afterwards",
    "Gradients are switched on while your model runs, although the result has none. The forward "
    "pass itself belongs inside `with torch.inference_mode():`.",
    guard=torch.enable_grad,
    values=lambda self, values: values.detach(),
)


@mistake(
    "gradients left off",
    "Gradients are still off when predict has returned, so nothing could be trained any more. Use "
    "`with torch.inference_mode():`, which switches them on again at its end.",
)
class _:
    def prepare(self, model):
        model.eval()
        torch.set_grad_enabled(False)

    def guard(self):
        return torch.no_grad()


@mistake(
    "parameters frozen",
    "The model's parameters don't require gradients afterwards, so it can't be trained further. "
    "Leave requires_grad alone: `with torch.inference_mode():` is enough.",
)
class _:
    def finish(self, model):
        model.requires_grad_(False)


MODEL_AS_IT_IS = {"prepare": lambda self, model: None, "guard": torch.enable_grad}

mistake(
    "the model run as it is",
    "The model runs in whatever mode it is in, and records gradients. Call model.eval() first, and "
    "run it inside `with torch.inference_mode():`.",
    **MODEL_AS_IT_IS,
)
mistake(
    "argmax of the model as it is",
    "The classes alone are not all: call model.eval(), run the model inside `with "
    "torch.inference_mode():`, and return (probabilities, classes), which softmax and max give.",
    **MODEL_AS_IT_IS,
    result=lambda self, values, classes: classes,
)
mistake(
    "inference_mode without brackets",
    "What follows `with` is a class without brackets. Call it: with torch.inference_mode().",
    guard=lambda self: torch.inference_mode,
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

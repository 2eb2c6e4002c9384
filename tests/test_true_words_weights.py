"""What the checks of lesson 5 say is true of code that resembles a known mistake, and is not it.

Each case is a learner's code, and a piece of what must or must not be said of it.
"""

import textwrap

import pytest
from test_checks import EXERCISES

from resnet_helpers.answers import answers_to
from resnet_helpers.answers.edits import Answer


def failures_with(exercise, code):
    """What the checks of the exercise raise."""
    names = answers_to(exercise).names
    answer = Answer(exercise, "learner's", f"{hash(code)}", textwrap.dedent(code), names)
    failures = EXERCISES[exercise].failures(answer.implementation)
    assert failures, "no check noticed it"
    return failures


def said(exercise, code):
    """All that they say of the code, without the lines to paste."""
    failures = failures_with(exercise, code)
    texts = [[*failure.rows.values(), *failure.paragraphs] for failure in failures.values()]
    return "\n".join(text for of_one in texts for text in of_one)


# ---- copy_weights ---------------------------------------------------------------------------


def copy_weights(body):
    lines = textwrap.indent(textwrap.dedent(body).strip(), "    ")
    return f"def copy_weights(my_resnet, pretrained_resnet):\n{lines}\n"


STATE_DICTS = "mine, theirs = my_resnet.state_dict(), pretrained_resnet.state_dict()\n"


def test_in_place_copying_of_unequal_numbers_says_nothing_of_strict():
    text = said(
        "copy_weights",
        copy_weights(
            STATE_DICTS + "for m, t in zip(mine.values(), theirs.values()):\n    m.copy_(t)\n"
            "return my_resnet"
        ),
    )
    assert "Nothing stops you where the numbers of entries differ" in text
    assert "strict" not in text


def test_parameters_copied_with_gradients_on_lack_no_grad_and_no_values():
    text = said(
        "copy_weights",
        copy_weights("""
            for m, t in zip(my_resnet.parameters(), pretrained_resnet.parameters()):
                m.copy_(t)
            return my_resnet
        """),
    )
    assert "Copy under torch.no_grad()" in text
    assert ".values()" not in text


@pytest.mark.parametrize("name", ["my_resnet = pretrained_resnet\nreturn my_resnet", "return mine"])
def test_a_second_name_is_no_copy(name):
    text = said("copy_weights", copy_weights(name.replace("mine", "pretrained_resnet")))
    assert "only a second name for it" in text
    assert "has the weights now" not in text


@pytest.mark.parametrize(
    "loop",
    [
        "for m, t in zip(my_resnet.parameters(), pretrained_resnet.parameters()):\n    m = t",
        STATE_DICTS + "mine.update(zip(mine, theirs.values()))",
        "pass",
    ],
)
def test_where_nothing_arrives_nothing_is_said_of_what_was_written(loop):
    lengths = "assert len(my_resnet.state_dict()) == len(pretrained_resnet.state_dict())\n"
    text = said("copy_weights", copy_weights(f"{lengths}{loop}\nreturn my_resnet"))
    assert "Nothing arrives in my_resnet" in text


def test_picking_the_entries_of_the_same_name_says_nothing_of_strict():
    text = said(
        "copy_weights",
        copy_weights(
            STATE_DICTS + "mine.update({k: v for k, v in theirs.items() if k in mine})\n"
            "my_resnet.load_state_dict(mine)\nreturn my_resnet"
        ),
    )
    assert "Only entries that have the same name in both networks are copied" in text
    assert "strict" not in text


def test_an_index_over_mine_is_no_zip():
    text = said(
        "copy_weights",
        copy_weights(
            STATE_DICTS + "values = list(theirs.values())\n"
            "my_resnet.load_state_dict({key: values[i] for i, key in enumerate(mine)})\n"
            "return my_resnet"
        ),
    )
    assert "pretrained_resnet has more entries than my_resnet" in text
    assert "zip" not in text


def test_whatever_other_network_is_returned_only_that_is_said():
    text = said(
        "copy_weights",
        copy_weights(
            STATE_DICTS + "other = torch.nn.Sequential()\nassert len(mine) == len(theirs)\n"
            "return other"
        ),
    )
    assert "you return another network" in text
    assert "copy" not in text


@pytest.mark.parametrize(
    "without_brackets", ["theirs.values", "theirs.items", "pretrained_resnet.parameters"]
)
def test_a_method_is_not_taken_for_a_dictionary_or_a_zip(without_brackets):
    text = said(
        "copy_weights",
        copy_weights(
            STATE_DICTS + f"my_resnet.load_state_dict(dict(zip(mine, {without_brackets})))\n"
            "return my_resnet"
        ),
    )
    assert "is not iterable" in text
    assert "It wants a dictionary" not in text
    assert "state_dict is a method" not in text


# ---- predict --------------------------------------------------------------------------------


def predict(*lines):
    inside = textwrap.indent("\n".join(lines), "        ")
    return (
        "def predict(model, images):\n    model.eval()\n    with torch.inference_mode():\n" + inside
    )


FOUND = "p, c = model(images).softmax(1).max(1)"


@pytest.mark.parametrize("to_float", ["c.float()", "c.double()", "1.0 * c", "c.half()"])
def test_classes_that_are_floats_should_be_integers_and_not_like_the_input(to_float):
    text = said("predict", predict(FOUND, f"return p, {to_float}"))
    assert "return the integers" in text
    assert "dtype of the input" not in text


def test_two_mistakes_in_the_classes_and_in_both_are_both_named():
    text = said("predict", predict(FOUND, "return p.squeeze(), c.squeeze().float()"))
    assert "Your classes are floats" in text
    assert "no batch axis" in text


def test_numbers_are_no_lists():
    text = said(
        "predict",
        predict("p = model(images).softmax(1)", "return p.max().item(), p.argmax().item()"),
    )
    assert "lists or numbers" in text


def test_eval_after_the_call_is_not_called_missing():
    text = said(
        "predict",
        "def predict(model, images):\n"
        "    with torch.inference_mode():\n"
        "        logits = model(images)\n"
        "        model.eval()\n"
        "        return logits.softmax(1).max(1)\n",
    )
    assert "before the call comes model.eval()" in text
    assert "You leave" not in text


def test_a_model_that_is_never_called_is_not_said_to_be_another_one():
    text = said("predict", predict("logits = images.flatten(1)", "return logits.softmax(1).max(1)"))
    assert "it was never called" in text
    assert "my_resnet" not in text


def test_argmax_alone_is_all_three_mistakes():
    text = said("predict", "def predict(model, images):\n    return model(images).argmax(1)\n")
    for words in ("model.eval()", "inference_mode", "(probabilities, classes)"):
        assert words in text


def test_frozen_parameters_are_not_said_to_record_gradients():
    text = said(
        "predict",
        "def predict(model, images):\n"
        "    model.eval().requires_grad_(False)\n"
        "    return model(images).softmax(1).max(1)\n",
    )
    assert "Gradients are switched on" in text
    assert "parameters don't require gradients afterwards" in text
    assert "Gradients are recorded" not in text


def test_two_softmaxes_over_all_and_an_overflow_are_two_mistakes():
    text = said("predict", predict("e = model(images).exp()", "p = e / e.sum()", "return p.max(1)"))
    assert "over pictures and classes together" in text
    assert "overflows" in text


# ---- named_resnet34 -------------------------------------------------------------------------

ATTRIBUTES = answers_to("named_resnet34").right_ones["as_attributes"].source
FUNCTION = answers_to("named_resnet34").right_ones["layers_by_a_function"].source


def named(source, *edits):
    for old, new in edits:
        assert source.count(old) == 1, old
        source = source.replace(old, new)
    return source


def test_a_downsample_too_many_is_named_and_not_its_block():
    text = said(
        "named_resnet34",
        named(
            ATTRIBUTES,
            (
                "self.layer3 = self.make",
                "self.layer2[1].downsample = Sequential(Conv2d(128, 128, 1), BatchNorm2d(128))\n"
                "        self.layer3 = self.make",
            ),
        ),
    )
    assert "torchvision's has no layer2.1.downsample." in text


def test_a_bias_too_few_is_named_and_not_its_layer():
    text = said("named_resnet34", named(FUNCTION, ("512, 1000", "512, 1000, bias=False")))
    assert "Yours lacks fc.bias." in text


def test_a_bias_too_many_is_named_and_not_its_layer():
    conv = "nn.Conv2d(3, 64, 7, 2, 3)"
    text = said(
        "named_resnet34",
        named(FUNCTION, ("Conv2d(3, 64, kernel_size=7, stride=2, padding=3)", conv)),
    )
    assert "torchvision's has no conv1.bias." in text


def test_what_is_missing_in_every_block_is_said_once():
    text = said(
        "named_resnet34",
        named(
            ATTRIBUTES,
            ("self.bn2 = BatchNorm2d(out_feats)", ""),
            ("self.bn2(self.conv2", "self.bn1(self.conv2"),
        ),
    )
    assert "Yours lacks bn2 in 16 blocks." in text


def test_another_number_of_classes_is_another_shape():
    text = said("named_resnet34", named(FUNCTION, ("512, 1000", "512, 100")))
    assert "Of another shape: fc.weight, fc.bias." in text
    assert "lacks" not in text


def test_a_module_too_many_at_the_end_is_no_softmax():
    text = said("named_resnet34", named(FUNCTION, ("fc=Linear", "flatten=nn.Flatten(), fc=Linear")))
    assert "torchvision's has no flatten." in text
    assert "softmax" not in text


def test_four_layers_under_any_names_are_not_counted_from_0():
    text = said("named_resnet34", named(FUNCTION, ("layer4=", "last=")))
    assert "Yours lacks layer4. torchvision's has no last." in text
    assert "from 0" not in text


def test_a_network_with_relu_in_its_forward_is_not_said_to_have_none():
    text = said(
        "named_resnet34",
        named(
            ATTRIBUTES,
            ("        self.relu = ReLU()\n", ""),
            ("x = module(x)", "x = module(x).relu() if module is self.bn1 else module(x)"),
        ),
    )
    assert "No module is called relu" in text


def test_a_downsample_in_layer1_is_not_said_to_have_a_stride():
    text = said(
        "named_resnet34",
        named(
            ATTRIBUTES,
            ("stride > 1 or in_feats != out_feats", "stride > 1 or in_feats != out_feats or plus"),
            (
                "def __init__(self, in_feats, out_feats, stride=1)",
                "def __init__(self, in_feats, out_feats, stride=1, plus=False)",
            ),
            ("*[Block(64, 64) for _ in range(3)]", "*[Block(64, 64, 1, i == 0) for i in range(3)]"),
        ),
    )
    assert "torchvision's has no layer1.0.downsample." in text
    assert "stride" not in text


def test_branches_in_sequentials_of_other_names_are_no_residual_blocks():
    other = """
class NamedResidualBlock(ResidualBlock):
    def __init__(self, *sizes):
        super().__init__(*sizes)
        self.residual, self.shortcut = self.left, self.right
        del self.left, self.right

    def forward(self, x):
        return self.relu(self.residual(x) + self.shortcut(x))

"""
    text = said("named_resnet34", other + FUNCTION)
    assert "left and right" not in text
    assert "torchvision's has no residual in 16 blocks" in text


@pytest.mark.parametrize(
    ("piece", "code"),
    [
        (
            "BatchNorm2d",
            """
class BatchNorm2d(nn.BatchNorm2d):
    def forward(self, x):
        mean, var = self.running_mean.view(1, -1, 1, 1), self.running_var.view(1, -1, 1, 1)
        weight, bias = self.weight.view(1, -1, 1, 1), self.bias.view(1, -1, 1, 1)
        return (x - mean) / (var.sqrt() + 1e-1) * weight + bias

""",
        ),
        (
            "AveragePool",
            """
class AveragePool(nn.Module):
    def forward(self, x):
        return x.amax((2, 3))

""",
        ),
        (
            "NamedSequential",
            """
class NamedSequential(Sequential):
    def __init__(self, modules):
        super().__init__(*modules.values())

""",
        ),
    ],
)
def test_an_earlier_piece_is_blamed(piece, code):
    [failure] = failures_with("named_resnet34", code + FUNCTION).values()
    assert failure.blamed == piece
    assert failure.paragraphs == [
        f"Your {piece} is at fault: with the course's the same named_resnet34 is right. Run its "
        "checks again."
    ]

"""What the checks of lesson 5 say is true of code that resembles a known mistake, and is not it.

Each case is a learner's code, and a piece of what must or must not be said of it.
"""

import textwrap

import pytest
from test_checks import EXERCISES, failures_of

from resnet_helpers.answers import answers_to
from resnet_helpers.answers.edits import Answer


def said(exercise, code):
    """All that the checks of the exercise say of the code, without the lines to paste."""
    names = answers_to(exercise).names
    answer = Answer(exercise, "learner's", f"{hash(code)}", textwrap.dedent(code), names)
    failures = failures_of(EXERCISES[exercise], answer.implementation)
    assert failures, "no check noticed it"
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

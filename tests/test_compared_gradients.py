"""first_divergence with backward=True: where gradients part though forward agrees."""

import copy

import pytest
import torch
from small_networks import LINEAR, Fn, X, mlp, noise, seeded
from torch import nn
from torch.utils.checkpoint import checkpoint

from resnet_helpers.debugging import first_divergence


class Block(nn.Module):
    """A residual block whose skip, left branch or sum may be taken out of the graph."""

    def __init__(self, spoil: str = ""):
        super().__init__()
        self.a, self.act, self.b = nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4)
        self.spoil = spoil

    def forward(self, x):
        left = self.b(self.act(self.a(x)))
        skip = x.detach() if self.spoil == "skip" else x
        left = left.detach() if self.spoil == "left" else left
        if self.spoil == "in place":
            left = left + 0 * left.sigmoid().mul_(2)  # sigmoid's backward needs what is overwritten
        return left + skip


def residual(spoil: str = "") -> nn.Module:
    return seeded(lambda: nn.Sequential(nn.Linear(4, 4), Block(), Block(spoil), nn.Linear(4, 4)))


def diverging_gradients(mine: nn.Module):
    reference = residual()
    assert first_divergence(mine, reference, X).name is None  # forward does not show it
    return first_divergence(mine, reference, X, backward=True)


def test_gradients_that_agree():
    found = diverging_gradients(residual())
    assert found.name is None
    assert found.explanation.endswith("; gradients agree too.")
    assert set(found.table["pass"]) == {"forward", "backward"}
    assert found.plot().alt


@pytest.mark.parametrize("spoil", ["skip", "left"])
def test_a_detached_branch_is_found_at_the_last_output_whose_gradient_it_lacks(spoil):
    found = diverging_gradients(residual(spoil))
    # what goes into block 2 by its skip is what block 1 puts out, which is no leaf's output
    assert found.name == {"skip": "1.b", "left": "2.b"}[spoil]
    assert found.explanation.startswith("First divergence: in backward, at `")
    assert found.table["pass"][found.first] == "backward"


@pytest.mark.parametrize("side", ["mine", "reference"])
def test_a_forgotten_requires_grad_is_found_however_small_the_gradient(side):
    models = {"mine": residual(), "reference": residual()}
    for model in models.values():
        model[3].weight.data *= 0
    models[side][2].a.weight.requires_grad_(False)
    found = first_divergence(**models, x=X, backward=True)
    assert found.name == "2.a"
    who = {"mine": "yours", "reference": "the reference"}[side]
    assert f"in {who} its requires_grad is False." in found.explanation


def test_a_weight_used_outside_the_graph_is_found():
    class Linear(nn.Linear):
        def forward(self, x):
            return nn.functional.linear(x, self.weight.data, self.bias)

    mine = residual()
    mine[3] = Linear(4, 4)
    mine[3].load_state_dict(residual()[3].state_dict())
    found = diverging_gradients(mine)
    assert found.name == "3"
    assert "No gradient reaches `weight` in yours; one does in the reference." in found.explanation


def test_an_in_place_step_that_breaks_backward_is_found():
    found = diverging_gradients(residual("in place"))
    assert found.name == "2"
    assert (
        "Its gradients cannot be computed in yours, and can in the reference" in found.explanation
    )
    assert "backward" in repr(found)


def test_the_references_own_failure_is_an_error():
    with pytest.raises(RuntimeError, match="the reference's backward failed in `2` "):
        first_divergence(residual(), residual("in place"), X, backward=True)


def test_nothing_to_differentiate():
    no_gradient = Fn(lambda self, x: x.detach())
    with pytest.raises(ValueError, match="takes a gradient"):
        first_divergence(no_gradient, no_gradient, X, backward=True)
    found = first_divergence(no_gradient, nn.Identity(), X, backward=True)
    assert found.name == ""
    assert "No gradient reaches the output in yours" in found.explanation
    assert first_divergence(nn.Identity(), nn.Identity(), X, backward=True).name is None


def test_a_detached_input_is_found():
    found = first_divergence(
        Fn(lambda self, x: self.c(x.detach()), c=LINEAR),
        Fn(lambda self, x: self.c(x), c=LINEAR),
        X,
        backward=True,
    )
    assert "No gradient reaches the input in yours" in found.explanation


def test_a_weight_that_one_model_shares_is_found():
    reference = residual()
    reference[3].weight = reference[0].weight
    mine = copy.deepcopy(reference)
    mine[3].weight = nn.Parameter(mine[0].weight.detach().clone())
    found = first_divergence(mine, reference, X, backward=True)
    assert found.name == "0"
    assert "look at what is done with `weight`" in found.explanation


def test_gradients_of_checkpointed_modules():
    inner = mlp()
    checkpointed = Fn(
        lambda self, x: checkpoint(self.inner, x, use_reentrant=False), inner=copy.deepcopy(inner)
    )
    plain = Fn(lambda self, x: self.inner(x), inner=inner)
    assert first_divergence(checkpointed, plain, X, backward=True).name is None


def test_gradients_that_are_sparse():
    model = seeded(lambda: nn.Sequential(nn.Embedding(5, 4, sparse=True), nn.Linear(4, 2)))
    x = torch.tensor([1, 2])
    assert first_divergence(model, copy.deepcopy(model), x, backward=True).name is None


def test_gradients_of_modules_that_work_in_place_and_are_called_twice():
    def model(inplace):
        act = nn.ReLU(inplace)
        twice = Fn(
            lambda self, x: self.b(self.act(self.b(self.act(x)))), act=act, b=nn.Linear(4, 4)
        )
        return seeded(lambda: nn.Sequential(nn.Linear(4, 4), twice))

    mine, reference = model(True), model(False)
    mine.load_state_dict(reference.state_dict())
    assert first_divergence(mine, reference, X, backward=True).name is None


def test_a_bias_before_a_batchnorm_has_a_gradient_of_rounding_only():
    reference = seeded(lambda: nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)))
    mine = copy.deepcopy(reference)
    mine[1].forward = lambda x: nn.functional.batch_norm(  # the same, computed in another order
        x - x.mean((0, 2, 3), keepdim=True), None, None, mine[1].weight, mine[1].bias, True
    )
    mine[1].track_running_stats = False
    found = first_divergence(mine, reference, noise(4, 3, 16, 16), backward=True)
    gradients = found.table[found.table["pass"] == "backward"]
    assert gradients.empty or (gradients["relative error"] < 1e-4).all()

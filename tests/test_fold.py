"""fold: every batchnorm that can be folded is, what is left is named, and nothing else changes."""

import copy

import pytest
import torch
import torchvision
from corpus import RIGHT
from torch import nn

from resnet_helpers import layers, solutions
from resnet_helpers.broken import broken_resnet34
from resnet_helpers.errors import InvalidArgumentError, ModelFailedError
from resnet_helpers.speed import fold
from resnet_helpers.tests.values import fill, made_up

BLOCKS = [answer for answer in RIGHT if answer.exercise == "ResidualBlock"]
X = made_up(2, 3, 8, 8)


def norms_in(model: nn.Module) -> list[str]:
    return [name for name, module in model.named_modules() if hasattr(module, "running_var")]


def small(conv: nn.Module | None = None, norm: nn.Module | None = None) -> nn.Module:
    conv = layers.Conv2d(3, 4, kernel_size=3) if conv is None else conv
    return fill(nn.Sequential(conv, norm or nn.BatchNorm2d(4), nn.ReLU())).eval()


def require_same(model: nn.Module, folded: nn.Module, x: torch.Tensor) -> None:
    with torch.no_grad():
        expected = model(x)
        largest = max(1, float(expected.abs().max()))  # of made-up weights come logits of thousands
        torch.testing.assert_close(folded(x), expected, atol=1e-4 * largest, rtol=0)


# ---- What is folded --------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [(4, 4, 1), (4, 6, 2)], ids=["identity", "projection"])
@pytest.mark.parametrize("answer", BLOCKS, ids=lambda answer: answer.style)
def test_a_block_of_every_style(answer, settings, capsys):
    block = fill(answer.implementation(*settings)).eval()
    x = made_up(2, 4, 8, 8)
    folded = fold(block, x)
    require_same(block, folded, x)
    assert norms_in(block)
    if answer.style == "OwnWeights":  # which calls F.conv2d on a parameter of its own
        assert norms_in(folded) == ["b1"]
        assert capsys.readouterr().out.startswith("Left as it is: b1, because its input is not")
    else:
        assert norms_in(folded) == []
        assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "resnet34",
    [torchvision.models.resnet34, solutions.ResNet34, solutions.named_resnet34],
    ids=["torchvision", "ours", "ours with names"],
)
def test_a_whole_resnet34(resnet34):
    model = fill(resnet34()).eval()
    folded = fold(model)
    assert norms_in(folded) == []
    require_same(model, folded, made_up(1, 3, 32, 32))


@pytest.mark.parametrize(
    "conv",
    [
        layers.Conv2d(3, 4, kernel_size=3, stride=2, padding=1),
        nn.Conv2d(3, 4, 3),
        nn.Conv2d(3, 4, (3, 2), padding="same", dilation=2, bias=False),
        nn.Conv2d(4, 4, 3, groups=2),
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "norm",
    [
        solutions.BatchNorm2d(4, eps=0.5),
        solutions.FusedBatchNorm2d(4),
        nn.BatchNorm2d(4, affine=False),
        torchvision.ops.FrozenBatchNorm2d(4),
    ],
    ids=lambda norm: type(norm).__name__,
)
def test_pairs_of_all_kinds(conv, norm):
    model, x = small(conv, norm), made_up(2, conv.in_channels, 8, 8)
    folded = fold(model, x)
    assert norms_in(folded) == []
    assert [type(module) for module in folded] == [nn.Conv2d, nn.Identity, nn.ReLU]
    require_same(model, folded, x)


def test_in_float64_and_in_channels_last():
    model = small().double().to(memory_format=torch.channels_last)
    weight = fold(model)[0].weight
    assert weight.dtype == torch.float64
    assert weight.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_on_cuda():
    model = fill(torchvision.models.resnet34()).eval().cuda()
    allowed = torch.backends.cudnn.allow_tf32
    folded = fold(model)
    assert norms_in(folded) == []
    assert {parameter.device.type for parameter in folded.parameters()} == {"cuda"}
    assert torch.backends.cudnn.allow_tf32 == allowed


def test_what_the_learner_wrote_is_used():
    calls = []

    def fold_batchnorm(conv, norm):
        calls.append((type(conv), type(norm)))
        return solutions.fold_batchnorm(conv, norm)

    fold(small(), fold_batchnorm=fold_batchnorm)
    assert calls == [(layers.Conv2d, nn.BatchNorm2d)]


# ---- What stays as it was --------------------------------------------------------------------


def test_the_model_stays_as_it_is():
    model = small()
    model[0].register_forward_hook(lambda *_: None)
    text, before = str(model), copy.deepcopy(model.state_dict())
    modules, hooks = list(model.modules()), dict(model[0]._forward_hooks)
    random_state = torch.get_rng_state()
    folded = fold(model)
    torch.testing.assert_close(model.state_dict(), before, rtol=0, atol=0)
    assert (str(model), list(model.modules())) == (text, modules)
    assert model[0]._forward_hooks == hooks
    assert torch.equal(torch.get_rng_state(), random_state)
    assert not {p.data_ptr() for p in model.parameters()} & {
        p.data_ptr() for p in folded.parameters()
    }


def test_the_folded_copy_is_an_ordinary_model_in_eval_mode():
    model = small()
    with torch.inference_mode():
        folded = fold(model)
    assert not any(module.training for module in folded.modules())
    assert all(p.is_leaf and p.grad_fn is None for p in folded.parameters())
    folded(X).sum().backward()


# ---- What is left, and why -------------------------------------------------------------------


class Parts(nn.Module):
    """Some layers, and a function that says what to do with them."""

    def __init__(self, run, **parts: nn.Module):
        super().__init__()
        self.run = run
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self, x):
        return self.run(self, x)


class BatchsOwn(nn.BatchNorm2d):
    """Normalises with the batch's statistics in eval mode too."""

    def forward(self, x):
        return nn.functional.batch_norm(x, None, None, self.weight, self.bias, True)


def conv() -> nn.Module:
    return layers.Conv2d(3, 3, kernel_size=3, padding=1)


def norm(**settings) -> nn.Module:
    return nn.BatchNorm2d(3, **settings)


def used_after(m, x):
    y = m.conv(x)
    return m.norm(y) + y


def used_before(m, x):
    y = m.conv(x)
    z = y.relu()
    return m.norm(y) + z


def returned(m, x):
    y = m.conv(x)
    return {"features": y, "logits": m.norm(y)}


LEFT = {
    "it keeps no running statistics": Parts(
        lambda m, x: m.norm(m.conv(x)), conv=conv(), norm=norm(track_running_stats=False)
    ),
    "it did not run": Parts(lambda m, x: m.conv(x), conv=conv(), norm=norm()),
    "it ran 2 times": Parts(lambda m, x: m.norm(m.norm(m.conv(x))), conv=conv(), norm=norm()),
    "in eval mode it gives something else than its running statistics say": Parts(
        lambda m, x: m.norm(m.conv(x)), conv=conv(), norm=BatchsOwn(3)
    ),
    "its input is not the output of an nn.Conv2d or Conv2d": Parts(
        lambda m, x: m.norm(m.conv(x).relu()), conv=conv(), norm=norm()
    ),
    "the output of conv, its input, is used elsewhere too": Parts(
        used_after, conv=conv(), norm=norm()
    ),
    "conv, whose output is its input, ran 2 times": Parts(
        lambda m, x: m.norm(m.conv(m.conv(x).relu())), conv=conv(), norm=norm()
    ),
    "conv gives something else than a convolution with its weight does": Parts(
        lambda m, x: m.norm(m.conv(x)),
        conv=nn.Conv2d(3, 3, 3, padding=1, padding_mode="reflect"),
        norm=norm(),
    ),
}


@pytest.mark.parametrize("reason", LEFT)
def test_each_reason_to_leave_a_batchnorm(reason, capsys):
    model = fill(LEFT[reason]).eval()
    folded = fold(model, X)
    assert capsys.readouterr().out == f"Left as it is: norm, because {reason}.\n"
    assert str(folded) == str(model)


@pytest.mark.parametrize("use", [used_before, returned])
def test_an_output_with_another_use(use, capsys):
    model = fill(Parts(use, conv=conv(), norm=norm())).eval()
    assert str(fold(model, X)) == str(model)
    assert "used elsewhere too" in capsys.readouterr().out


def test_two_batchnorms_of_one_output(capsys):
    def run(m, x):
        y = m.conv(x)
        return m.a(y) + m.b(y)

    fold(fill(Parts(run, conv=conv(), a=norm(), b=norm())).eval(), X)
    assert capsys.readouterr().out.count("used elsewhere too") == 2


def test_what_can_be_folded_beside_what_cannot(capsys):
    model = nn.Sequential(conv(), norm(), nn.ReLU(), norm(), conv(), norm())
    assert norms_in(fold(fill(model).eval(), X)) == ["3"]
    assert capsys.readouterr().out.startswith("Left as it is: 3, because")


def test_a_shape_that_is_only_read_is_no_use():
    def run(m, x):
        y = m.conv(x)
        return m.norm(y).reshape(y.shape[0], -1, *y.size()[2:])

    assert norms_in(fold(fill(Parts(run, conv=conv(), norm=norm())).eval(), X)) == []


def test_the_fourth_broken_network_keeps_the_one_that_is_broken(capsys):
    broken = broken_resnet34(4, fill(torchvision.models.resnet34()))
    name, _ = solutions.diagnoses()[4]
    assert norms_in(fold(broken)) == [name]
    assert capsys.readouterr().out.startswith(f"Left as it is: {name}, because in eval mode")


# ---- What is refused -------------------------------------------------------------------------


def refused(kind: type[Exception], *arguments, **named) -> str:
    with pytest.raises(kind) as caught:
        fold(*arguments, **named)
    return str(caught.value)


def test_train_mode():
    model = small()
    message = refused(InvalidArgumentError, model.train())
    assert message.startswith("The model is in train mode")
    assert message.endswith("call model.eval() first.")
    model.eval()
    model[1].train()
    assert refused(InvalidArgumentError, model).startswith("1 is in train mode")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_dtype_that_rounds_too_much(dtype):
    message = refused(InvalidArgumentError, small().to(dtype))
    assert message.startswith(f"0.weight is in {dtype}, whose rounding")


def test_a_class():
    assert "is a class" in refused(InvalidArgumentError, solutions.ResNet34)


def test_a_folding_that_is_wrong():
    def without_bias(conv, norm):
        folded = solutions.fold_batchnorm(conv, norm)
        nn.init.zeros_(folded.bias)
        return folded

    message = refused(ModelFailedError, small(), fold_batchnorm=without_bias)
    assert message.startswith("The folded copy gives something else than the model: a difference")


def test_layers_in_a_plain_list_beside_their_names():
    class InAList(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm = conv(), norm()
            self.steps = [self.conv, self.norm]

        def forward(self, x):
            for step in self.steps:
                x = step(x)
            return x

    message = refused(ModelFailedError, fill(InAList()).eval())
    assert message.startswith("conv cannot be replaced")


def test_noise_that_does_not_suit_the_model():
    model = fill(nn.Sequential(nn.Conv2d(1, 3, 3), norm())).eval()
    assert refused(ModelFailedError, model).endswith("pass that: fold(model, x).)")
    assert norms_in(fold(model, made_up(2, 1, 8, 8))) == []


def test_a_model_that_gives_nan():
    model = small()
    nn.init.constant_(model[0].weight, torch.nan)
    assert refused(ModelFailedError, model).startswith("The model gives a NaN or an infinity")


def test_a_model_that_cannot_be_copied():
    model = small()
    model.kept = X * model[1].weight.mean()
    assert refused(ModelFailedError, model).startswith("The model cannot be copied: ")

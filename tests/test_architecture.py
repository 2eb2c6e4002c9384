"""Any model is drawn with all of its parameters, or refused in one sentence."""

import html
import re
from xml.etree import ElementTree

import pytest
import torch
import torchvision
from torch import nn
from torch.nn.utils import prune
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet
from torchvision.ops import FrozenBatchNorm2d

from resnet_helpers import layers, solutions
from resnet_helpers.errors import CourseError
from resnet_helpers.figures.architecture import MOST_HEIGHT, architecture
from resnet_helpers.figures.degradation import small_network
from resnet_helpers.figures.network import read_network
from resnet_helpers.solutions import ResNet34


def torchvisions(name: str, **settings) -> nn.Module:
    """A model without values: shapes are all that is drawn."""
    with torch.device("meta"):
        return getattr(torchvision.models, name)(weights=None, **settings)


def with_module(path: str, module: nn.Module, of="resnet18") -> nn.Module:
    model = torchvisions(of) if of == "resnet18" else ResNet34()
    parent, _, child = path.rpartition(".")
    model.get_submodule(parent)._modules[child] = module
    return model


def basic(*n_blocks: int, **settings) -> ResNet:
    with torch.device("meta"):
        return ResNet(BasicBlock, list(n_blocks), **settings)


def named(class_name: str, base: type) -> type:
    return type(class_name, (base,), {})


def same_padding() -> nn.Module:
    model = torchvisions("resnet18")
    for module in model.modules():
        if isinstance(module, nn.Conv2d) and module.stride == (1, 1):
            module.padding = "same" if module.kernel_size == (3, 3) else "valid"
    return model


def for_small_pictures() -> nn.Module:
    model = torchvisions("resnet18", num_classes=10)
    model.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    model.maxpool = nn.Identity()
    return model


def pruned() -> nn.Module:
    model = ResNet34((1, 1), (8, 8), (1, 1))
    prune.l1_unstructured(model.in_layers[0], "weight", 0.5)
    return model


def one_block_everywhere() -> nn.Module:
    model = ResNet34()
    blocks = model.residual_layers[0].blocks
    blocks[2] = blocks[1]
    return model


def tied_weights() -> nn.Module:
    model = ResNet34()
    blocks = model.residual_layers[0].blocks
    blocks[2].left[0].weight = blocks[1].left[0].weight
    return model


def registered_twice() -> nn.Module:
    model = ResNet34()
    for group in model.residual_layers:
        for block in group.blocks:
            block.first_conv = block.left[0]
    return model


def groups_in_a_list() -> nn.Module:
    model = ResNet34()
    groups = model.residual_layers
    del model.residual_layers
    model.residual_layers = list(groups)
    return model


class PreActivation(nn.Module):
    def __init__(self, in_feats: int, out_feats: int, stride=1):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(in_feats)
        self.conv1 = nn.Conv2d(in_feats, out_feats, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_feats)
        self.conv2 = nn.Conv2d(out_feats, out_feats, 3, padding=1, bias=False)


def pre_activation() -> nn.Module:
    blocks = PreActivation(16, 16), PreActivation(16, 32, 2), nn.BatchNorm2d(32)
    pool = nn.AdaptiveAvgPool2d(1), nn.Flatten()
    return nn.Sequential(nn.Conv2d(3, 16, 3, bias=False), *blocks, *pool, nn.Linear(32, 10))


def keeps_its_parent() -> nn.Module:
    model = ResNet34((1,), (8,), (1,))
    model.in_layers.parent = model
    return model


class NotSetUp(nn.Module):
    def __init__(self):
        pass


def averaged_shortcut() -> nn.Module:
    return nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(64, 128, 1), nn.BatchNorm2d(128))


class OwnConv(nn.Module):
    """A convolution that says nothing of itself."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(64, 64, 3, 3))


DRAWN = {
    "resnet18": lambda: torchvisions("resnet18"),
    "resnet34": lambda: torchvisions("resnet34"),
    "the course's": ResNet34,
    "the bonus's": solutions.named_resnet34,
    "ten layers": lambda: basic(1, 1, 1, 1),
    "a hundred blocks": lambda: basic(3, 94, 2, 1),
    "wider": lambda: basic(2, 2, 2, 2, width_per_group=64, num_classes=7),
    "one group": lambda: ResNet34((2,), (32,), (1,)),
    "one block": lambda: ResNet34((1,), (32,), (1,)),
    "groups of one width": lambda: ResNet34((2, 3, 1), (16, 16, 16), (1, 2, 1)),
    "six groups": lambda: ResNet34((1,) * 6, (8, 16, 24, 32, 40, 48), (1,) + (2,) * 5),
    "flat": lambda: small_network(20, skip=True, seed=0),
    "padding by name": same_padding,
    "for small pictures": for_small_pictures,
    "frozen": lambda: torchvisions("resnet18", norm_layer=FrozenBatchNorm2d),
    "biases": lambda: with_module("layer1.0.conv1", nn.Conv2d(64, 64, 3, padding=1)),
    "dropout": lambda: with_module("fc", nn.Sequential(nn.Dropout(), nn.Linear(512, 10))),
    "pruned": pruned,
    "compiled": lambda: torch.compile(torchvisions("resnet18")),
    "compiled in part": lambda: with_module(
        "layer1.0.conv1", torch.compile(nn.Conv2d(64, 64, 3, padding=1, bias=False))
    ),
    "parallel": lambda: nn.DataParallel(ResNet34()),
    "half": lambda: ResNet34().half(),
    "in a list": lambda: nn.ModuleList([torchvisions("resnet18")]),
    "registered twice": registered_twice,
    "a convolution of one's own": lambda: with_module(
        "residual_layers.0.blocks.0.left.0", OwnConv(), of="the course's"
    ),
    "a batchnorm by another name": lambda: with_module(
        "residual_layers.0.blocks.0.left.1", named("BN", solutions.BatchNorm2d)(64), "the course's"
    ),
    "a batchnorm of nothing": lambda: with_module(
        "layer1.0.bn1", nn.BatchNorm2d(64, affine=False, track_running_stats=False)
    ),
    "a batchnorm missing": lambda: with_module("layer1.0.bn1", nn.Identity()),
    "an empty right branch": lambda: with_module(
        "residual_layers.0.blocks.1.right", layers.Sequential(), "the course's"
    ),
    "a convolution on every right": lambda: with_module(
        "layer1.1.downsample", nn.Conv2d(64, 64, 1)
    ),
}


@pytest.mark.parametrize("name", DRAWN)
def test_what_is_drawn_has_all_of_the_models_parameters(name):
    model = DRAWN[name]()
    network = read_network(model)
    n_parameters = sum(parameter.numel() for parameter in model.parameters())
    drawing = architecture(model)
    assert f"{network.name}: {n_parameters:,} parameters" in texts(drawing)
    boxes = [
        int(n.replace(",", "")) for n in re.findall(r"([\d,]+) parameters</title>", drawing.svg)
    ]
    assert boxes  # hovering tells them
    in_groups = sum(block.parameters for block in network.blocks)
    rest = sum(layer.parameters for layer in (network.stem, network.linear))
    rest += network.stem.norm.parameters if network.stem.norm else 0
    assert in_groups + rest == n_parameters


@pytest.mark.parametrize("name", DRAWN)
def test_nothing_lies_outside_the_page_or_is_higher_than_a_screen(name):
    drawing = architecture(DRAWN[name]())
    root = ElementTree.fromstring(drawing.svg)
    _, _, width, height = map(float, root.get("viewBox").split())
    shown_width = float(re.search(r"max-width: (\d+)px", drawing._repr_html_())[1])
    assert shown_width * height / width <= MOST_HEIGHT < 500
    for box in svg_elements(drawing, "rect"):
        x, y, w, h = (float(box.get(name, 0)) for name in ("x", "y", "width", "height"))
        assert w > 0
        assert x >= 0
        assert y >= 0
        assert x + w <= width
        assert y + h <= height
    assert all(0 < float(text.get("y")) < height for text in svg_elements(drawing, "text"))


REFUSED = {
    "resnet50": (lambda: torchvisions("resnet50"), "not the two convolutions of one block"),
    "resnet101": (lambda: torchvisions("resnet101"), "found 1, 33 and 1"),
    "wide": (lambda: torchvisions("wide_resnet50_2"), "not the two convolutions of one block"),
    "resnext": (lambda: torchvisions("resnext50_32x4d"), "groups 32, a ResNet's has 1"),
    "two bottlenecks a group": (lambda: ResNet(Bottleneck, [2] * 4), "5 convolutions of 1×1"),
    "vgg11": (lambda: torchvisions("vgg11"), "one linear layer; found 1, 7 and 3"),
    "vgg16_bn": (lambda: torchvisions("vgg16_bn"), "one linear layer; found 1, 12 and 3"),
    "densenet": (lambda: torchvisions("densenet121"), "not the two convolutions of one block"),
    "efficientnet": (lambda: torchvisions("efficientnet_b0"), "groups 32"),
    "efficientnet_v2": (lambda: torchvisions("efficientnet_v2_s"), "groups"),
    "mobilenet": (lambda: torchvisions("mobilenet_v2"), "groups 32"),
    "regnet": (lambda: torchvision.models.regnet_x_400mf(weights=None), "groups"),
    "convnext": (lambda: torchvisions("convnext_tiny"), "(LayerNorm2d) has parameters"),
    "swin": (lambda: torchvisions("swin_t"), "(LayerNorm) has parameters"),
    "vit": (lambda: torchvisions("vit_b_16"), "VisionTransformer has parameters"),
    "inception": (lambda: torchvisions("inception_v3", init_weights=False), "kernel [1, 7]"),
    "googlenet": (lambda: torchvisions("googlenet", init_weights=False), "5 of them"),
    "squeezenet": (lambda: torchvisions("squeezenet1_0"), "and 0 of them"),
    "transformer": (lambda: nn.Transformer(8, 2, 1, 1, 8), "MultiheadAttention"),
    "pre-activation": (pre_activation, "`1.bn1` (BatchNorm) is not defined after a convolution"),
    "group norm": (
        lambda: torchvisions("resnet18", norm_layer=lambda feats: nn.GroupNorm(8, feats)),
        "`bn1` (GroupNorm) has parameters",
    ),
    "one block everywhere": (
        one_block_everywhere,
        "holds one and the same module twice, as 1 and 2",
    ),
    "tied weights": (tied_weights, "some are shared"),
    "groups in a list": (groups_in_a_list, "are your groups in a plain list?"),
    "lazy linear": (lambda: with_module("fc", nn.LazyLinear(10)), "`fc.weight` has no weights yet"),
    "lazy convolution": (lambda: nn.LazyConv2d(3, 3), "has no weights yet"),
    "None": (lambda: None, "model is of type NoneType"),
    "a class": (
        lambda: ResNet34,
        "model is a class, ResNet34: make a model of it first, ResNet34(…).",
    ),
    "a function": (lambda: torchvision.models.resnet18, "model is of type function"),
    "a state dict": (lambda: ResNet34((1,), (8,), (1,)).state_dict(), "is of type OrderedDict"),
    "a name": (lambda: "resnet34", "model is of type str"),
    "a tensor": (lambda: torch.zeros(3), "model is of type Tensor"),
    "a scripted model": (lambda: torch.jit.script(nn.Conv2d(3, 3, 3)), "is scripted"),
    "no super().__init__()": (NotSetUp, "NotSetUp is not set up: call super().__init__()"),
    "a circle": (keeps_its_parent, "a module of it holds itself, or one that holds it"),
    "a ReLU": (nn.ReLU, "found 0, 0 and 0 of them"),
    "nothing": (nn.Sequential, "found 0, 0 and 0 of them"),
    "two linear layers": (
        lambda: with_module("fc", nn.Sequential(nn.Linear(512, 9), nn.Linear(9, 9))),
        "found 1, 16 and 2",
    ),
    "a pool in a block": (
        lambda: with_module("layer2.0.downsample", averaged_shortcut()),
        "`layer2.0.downsample.0` (AvgPool2d) has no place in one",
    ),
    "a padding layer": (lambda: with_module("relu", nn.ZeroPad2d(1)), "(ZeroPad2d) has no place"),
    "an average of four": (
        lambda: with_module("avgpool", nn.AdaptiveAvgPool2d(2)),
        "output_size 2",
    ),
    "a max at the end": (
        lambda: with_module("avgpool", nn.AdaptiveMaxPool2d(1)),
        "(AdaptiveMaxPool2d) has no place in one",
    ),
    "rounding up": (
        lambda: with_module("maxpool", nn.MaxPool2d(3, 2, ceil_mode=True)),
        "ceil_mode",
    ),
}
CONVS = {
    "dilation (2, 2)": nn.Conv2d(64, 64, 3, padding=2, dilation=2),
    "groups 4": nn.Conv2d(64, 64, 3, padding=1, groups=4),
    "transposed True": nn.ConvTranspose2d(64, 64, 3, padding=1),
    "the kernel [3, 1]": nn.Conv2d(64, 64, (3, 1), padding=1),
    "the stride (2, 1)": nn.Conv2d(64, 64, 3, stride=(2, 1), padding=1),
    "the padding same": nn.Conv2d(64, 64, 4, padding="same"),
    "the stride 0": layers.Conv2d(64, 64, 3, stride=0),
}
REFUSED |= {
    words: (lambda conv=conv: with_module("layer1.0.conv1", conv), f"`layer1.0.conv1` has {words}")
    for words, conv in CONVS.items()
}


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated", "ignore:enable_nested")
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_such_resnet_is_refused_in_one_sentence(name):
    make, words = REFUSED[name]
    model = make()
    with pytest.raises(ValueError, match=re.escape(words)) as raised:
        architecture(model)
    assert isinstance(raised.value, CourseError)
    (line,) = raised.value._render_traceback_()
    assert line.endswith(".")
    assert len(line) < 320
    assert "\n" not in line


def test_a_resnet18_is_compared_with_the_papers_resnet18():
    drawing = architecture(torchvisions("resnet18"))
    assert "those of the paper's ResNet18" in drawing.alt
    assert "Three nested drawings. ResNet18: " in drawing.alt
    wrong = architecture(basic(2, 2, 2, 3))
    assert "group 1: 2 blocks, paper 3" in wrong.alt  # all others with ResNet34


def test_groups_are_told_by_the_modules_that_hold_them_else_by_their_channels():
    def n_blocks(model: nn.Module) -> list[int]:
        return [len(group) for group in read_network(model).groups]

    assert n_blocks(ResNet34((2, 3, 1), (16, 16, 16), (1, 2, 1))) == [2, 3, 1]
    assert n_blocks(small_network(20, skip=True, seed=0)) == [3, 3, 3]
    assert n_blocks(basic(1, 1, 1, 1)) == [1, 1, 1, 1]


def test_one_relu_beside_the_convolutions_serves_as_both_even_in_a_group_of_one_block():
    network = read_network(basic(1, 1, 1, 1))
    assert network.not_found == []
    assert [relu.name for relu in network.blocks[0].relus] == ["layer1.0.relu"] * 2


def test_what_has_no_place_in_the_drawing_is_named_below_it():
    model = with_module("fc", nn.Sequential(nn.Dropout(), nn.Linear(512, 1000)))
    model.relu = nn.SiLU()
    alt = architecture(model).alt
    assert "Not drawn: relu (SiLU), fc.0 (Dropout)." in alt
    assert "Not found as modules: the first ReLU." in alt


def test_without_a_max_pool_the_shapes_are_said_to_be_the_papers():
    drawing = architecture(for_small_pictures())
    assert "The shapes are those with the paper's max pool." in drawing.alt
    assert "max pool, 4 BlockGroups" not in drawing.alt


def test_a_batchnorm_that_is_missing_is_missed_where_it_is():
    assert architecture(DRAWN["a batchnorm missing"]()).alt.endswith(
        "layer1.0.conv1: no batchnorm of its own"
    )


def test_a_group_of_many_blocks_shows_those_around_the_wrong_one():
    model = basic(3, 4, 60, 3)
    model.layer3[50].conv1.padding = (2, 2)
    shown = texts(architecture(model))
    assert "BlockGroup 3" in shown
    assert "ResidualBlock 51 of group 3" in shown
    assert "60 ResidualBlocks" in shown
    assert any(text.startswith("46 more, then 256 ×") for text in shown)
    assert any(text.endswith(", then 6 more") for text in shown)


EVIL = "<img src=x onerror=alert(1)>"


def test_names_of_modules_and_classes_are_text():
    model = ResNet34((1, 1), (8, 8), (1, 1))
    model._modules = {
        EVIL if name == "in_layers" else name: m for name, m in model._modules.items()
    }
    model._modules["drop"] = named(EVIL, nn.Dropout)()
    drawing = architecture(model)
    hovers = [title.text for title in svg_elements(drawing, "title")]
    assert any(hover.startswith(f"{EVIL}.0\n") for hover in hovers)
    assert f"Not drawn: drop ({EVIL})." in texts(drawing)
    assert not svg_elements(drawing, "img")
    assert EVIL not in drawing._repr_html_()
    assert html.escape(EVIL) in drawing._repr_html_()


def test_a_name_that_xml_cannot_hold_does_not_break_the_drawing():
    model = ResNet34((1,), (8,), (1,))
    model._modules["a\x00\udc80b"] = nn.Dropout()
    assert "Not drawn: a��b (Dropout)." in texts(architecture(model))
    assert architecture(model)._repr_html_().encode()


def svg_elements(drawing, name: str) -> list[ElementTree.Element]:
    return ElementTree.fromstring(drawing.svg).findall(f".//{{http://www.w3.org/2000/svg}}{name}")


def texts(drawing) -> list[str]:
    return [text.text for text in svg_elements(drawing, "text")]

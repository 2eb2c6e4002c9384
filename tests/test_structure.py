"""What a check says of a module's layers: in the learner's own names, also for unknown mistakes."""

import pytest
import torch
from torch import nn

import resnet_helpers.tests as checks
from resnet_helpers.layers import Conv2d, Linear, ReLU, Sequential
from resnet_helpers.solutions import AveragePool, BatchNorm2d, BlockGroup, ResidualBlock
from resnet_helpers.tests.failure import CheckFailure
from resnet_helpers.tests.structure import Rows, Traced, Values, Wiring, filled, traced
from resnet_helpers.tests.values import made_up


class Branches(nn.Module):
    """Three layers under names of choice, in an order of choice."""

    def __init__(self, **layers: nn.Module):
        super().__init__()
        for name, layer in layers.items():
            self.add_module(name, layer)


# --- Rows ---------------------------------------------------------------------------------------


def remark(expected: nn.Module, got: nn.Module) -> str:
    return Rows.of(expected).difference("", Rows.of(got))[2]


def test_names_make_no_difference():
    mine, reference = Branches(a=Linear(2, 3)), Branches(left=nn.Linear(2, 3))
    assert Rows.of(mine) == Rows.of(reference)
    assert Rows.of(mine) != Rows.of(Branches(a=Linear(2, 3, bias=False)))


def test_the_first_differing_row_is_shown_with_the_learners_name():
    reference, mine = Branches(a=Linear(2, 3), b=Linear(3, 4)), Branches(x=Linear(2, 3))
    expected, got, _ = Rows.of(reference).difference("", Rows.of(mine))
    assert (expected, got) == ("4 entries in the state dict", "2 entries in the state dict")
    mine = Branches(x=Linear(2, 3), y=Linear(3, 5))
    expected, got, _ = Rows.of(reference).difference("", Rows.of(mine))
    assert expected == "4 entries in the state dict; entry 2: (4, 3)"
    assert got == "4 entries in the state dict; entry 2: (5, 3), your y.weight"


def test_a_wrong_order_is_said_in_the_learners_names():
    big, small = Conv2d(4, 8, 3), Conv2d(4, 8, 1)
    assert remark(Branches(left=big, right=small), Branches(skip=small, main=big)) == (
        "Your `skip.weight` (8, 4, 1, 1) stands where the reference has "
        "left branch, weight (8, 4, 3, 3): your `skip` is declared before your `main`."
    )


def test_a_missing_and_an_extra_layer_are_named():
    one, two = Branches(a=Linear(2, 3)), Branches(a=Linear(2, 3), b=Linear(3, 4))
    assert remark(two, one) == "Missing after your `a.bias`: the reference's `b` (2 entries)."
    assert remark(one, two) == "You have too many entries: `b` (2 entries)."


def test_nothing_registered_has_its_own_sentence():
    assert remark(Branches(a=Linear(2, 3)), Branches()).startswith("Nothing is registered.")


def test_modules_in_a_plain_list_are_found_there():
    hidden, empty = Branches(), Branches()
    hidden.layers = [nn.ReLU(), Linear(2, 3)]
    assert remark(Branches(a=Linear(2, 3)), hidden).startswith(
        "There are modules in the plain list self.layers, where nn.Module does not see them"
    )
    assert Rows.of(hidden) != Rows.of(empty)


def test_a_module_used_twice_equals_only_one_that_is_shared_too():
    norm = BatchNorm2d(4)
    shared, separate = Sequential(norm, norm), Sequential(BatchNorm2d(4), BatchNorm2d(4))
    assert Rows.of(shared) != Rows.of(separate)
    assert Rows.of(shared) == Rows.of(Branches(a=norm, b=norm))
    assert remark(separate, Branches(bn1=norm, bn2=norm)) == (
        "Your `bn2` is the same object as your `bn1`: make a new one for each."
    )


def test_a_layer_under_two_names_is_named():
    conv = Conv2d(4, 8, 3)
    assert remark(Branches(a=conv), Branches(conv1=conv, left=Sequential(conv))) == (
        "Your `left.0` is your `conv1` under another name, so the state dict has its entries "
        "again. Register each layer once."
    )


def test_a_plain_list_beside_registered_layers_is_found_where_entries_are_missing():
    hidden = Branches(a=Linear(2, 3))
    hidden.more = [Linear(3, 4)]
    assert "plain list self.more" in remark(Branches(a=Linear(2, 3), b=Linear(3, 4)), hidden)
    assert "plain list" not in remark(Branches(a=Linear(2, 4)), hidden)


# --- Wiring -------------------------------------------------------------------------------------


class Wired(nn.Module):
    """Two convolutions and a batchnorm, and a forward of choice."""

    def __init__(self, forward, **settings):
        super().__init__()
        self.one = nn.Conv2d(3, 3, 3, padding=1, bias=False, **settings)
        self.two = nn.Conv2d(3, 3, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(3)
        self.rule = forward

    def forward(self, x):
        return self.rule(self, x)


def wired(forward, **settings):
    return Wiring.of(Wired(forward, **settings), made_up(2, 3, 4, 4))


def in_a_row(self, x):
    return self.norm(self.two(self.one(x)))


def for_nothing(self, x):
    self.two(x)
    return self.norm(self.one(x))


def test_what_is_wired_alike_is_equal_whatever_it_computes_beside():
    assert wired(in_a_row) == wired(lambda self, x: in_a_row(self, x).relu() + 1)
    assert wired(lambda self, x: self.one(x) + self.two(x)) == wired(
        lambda self, x: self.two(x) + self.one(x)
    )


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(lambda self, x: self.norm(self.one(x)), id="a layer left out"),
        pytest.param(for_nothing, id="a result dropped"),
        pytest.param(lambda self, x: self.norm(self.one(self.two(x))), id="another order"),
        pytest.param(lambda self, x: self.norm(self.one(x) + self.two(x)), id="side by side"),
        pytest.param(lambda self, x: in_a_row(self, self.norm(x)), id="a layer called again"),
    ],
)
def test_what_is_wired_otherwise_is_not(other):
    assert wired(in_a_row) != wired(other)


def test_a_layer_called_for_nothing_has_as_much_effect_as_one_left_out():
    assert wired(for_nothing) == wired(lambda self, x: self.norm(self.one(x)))


def test_layers_of_other_settings_are_not_wired_alike():
    assert wired(in_a_row) != wired(in_a_row, stride=2)


def test_where_forward_raises_only_the_settings_are_known():
    fails = wired(lambda self, x: 1 / 0)
    assert fails == wired(in_a_row)
    assert fails != wired(in_a_row, stride=2)


def test_the_weights_are_as_before():
    module, filled_only = Wired(in_a_row), filled(Wired(in_a_row))
    Wiring.of(module, made_up(2, 3, 4, 4))
    for name, entry in filled_only.state_dict().items():
        assert torch.equal(module.state_dict()[name], entry), name


# --- Values -------------------------------------------------------------------------------------


def test_values_compare_by_order_and_name_the_learners_entry():
    reference = Values.of([("left.weight", torch.zeros(2)), ("left.bias", torch.ones(1))])
    assert reference == Values.of([("a", torch.zeros(2)), ("b", torch.ones(1))])
    mine = Values.of([("a", torch.zeros(2)), ("b", None)])
    assert reference != mine
    expected, got, _ = reference.difference("gradient of", mine)
    assert expected.startswith("gradient of b = [1]")
    assert "None" in got


# --- Traced -------------------------------------------------------------------------------------


class Chain(nn.Module):
    """Two layers, and a forward of choice."""

    def __init__(self, forward, second=None):
        super().__init__()
        self.first = nn.Linear(1, 1)
        self.second = second or nn.Linear(1, 1)
        self.rule = forward
        for parameter in self.parameters():
            nn.init.ones_(parameter)

    def forward(self, x):
        return self.rule(self, x)


RIGHT = Chain(lambda self, x: self.second(self.first(x).relu()))
X = torch.tensor([[-3.0]])


def parting(wrong: Chain) -> str:
    return traced(RIGHT, X).difference("output", traced(wrong, X))[2]


def test_the_first_layer_with_a_wrong_input_is_named():
    assert parting(Chain(lambda self, x: self.second(self.first(x)))).startswith(
        "The first wrong step is before your `second`: it gets input = [[-2]] instead of "
        "input = [[0]], while `first` before it is right."
    )


def test_a_layer_that_returns_something_else_is_shown():
    wrong = Chain(RIGHT.rule, second=nn.Sequential(nn.Linear(1, 1)))
    assert traced(wrong, X) == traced(RIGHT, X)
    wrong = Chain(RIGHT.rule, second=nn.PReLU())
    assert parting(wrong).startswith(
        "Your `second` gets the right input and returns something else. It is PReLU("
    )


def test_a_layer_in_another_mode_is_not_blamed_for_its_settings():
    right, wrong = (Chain(RIGHT.rule, second=nn.BatchNorm1d(1)) for _ in range(2))
    wrong.second.eval()
    x = torch.tensor([[1.0], [5.0]])
    assert (
        traced(right, x)
        .difference("output", traced(wrong, x))[2]
        .startswith(
            "Your `second` gets the right input and returns something else. It is in eval mode: "
            "leave the mode to whoever uses the network."
        )
    )


def test_a_layer_of_the_right_settings_is_itself_to_blame():
    class BatchNorm2d(nn.BatchNorm2d):  # with the reference's name and settings
        def forward(self, x):
            return 3 * super().forward(x)

        def extra_repr(self):
            raise NotImplementedError()

    right = Chain(RIGHT.rule, second=nn.BatchNorm2d(1)).eval()
    wrong = Chain(RIGHT.rule, second=BatchNorm2d(1)).eval()
    x = torch.ones(1, 1, 1, 1)
    assert (
        traced(right, x)
        .difference("output", traced(wrong, x))[2]
        .startswith(
            "Your `second` gets the right input and returns something else. Its settings are "
            "right, so the mistake is in BatchNorm2d itself: run its own check again (lesson 1)."
        )
    )


def test_layers_called_too_often_or_never_are_named():
    assert parting(Chain(lambda self, x: self.first(self.first(x)))).startswith(
        "Your forward calls `first` 2 times."
    )
    assert parting(Chain(lambda self, x: self.first(x).relu())).startswith(
        "Your forward never calls `second`."
    )


def test_if_all_layers_are_right_the_rest_is_to_blame():
    wrong = Chain(lambda self, x: 2 * self.second(self.first(x).relu()))
    assert parting(wrong).startswith("Each of your layers with weights gets and returns what it")


def test_layers_that_cannot_be_paired_are_left_out_of_it():
    wrong = Chain(lambda self, x: self.first(x), second=nn.ReLU())
    assert parting(wrong) == ""


def test_layers_may_be_called_by_keyword():
    keyword = Chain(lambda self, x: self.second(input=self.first(input=x).relu()))
    assert traced(keyword, X) == traced(RIGHT, X)
    assert len(traced(keyword, X).calls) == 2


def test_tracing_leaves_no_hook_behind():
    def fail(self, x):
        raise ValueError(self.first(x))

    for module in (RIGHT, failing := Chain(fail)):
        try:
            traced(module, X)
        except ValueError:
            assert module is failing
        assert not any(child._forward_hooks for child in module.modules())


def test_what_is_no_tensor_is_not_traced():
    assert traced(Chain(lambda self, x: None), X) is None
    assert isinstance(traced(RIGHT, X), Traced)


# --- Lines to try -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ResidualBlock", "BlockGroup", "ResNet34"])
def test_lines_to_try_run_with_nothing_but_torch(name):
    [exercise] = [e for e in checks.EXERCISES if e.name == name]
    n_shown = 0
    for trial in exercise.trials:
        lines = exercise.to_try(trial, exercise.reference).splitlines()
        if lines:
            names = {"torch": torch, name: exercise.reference}
            exec("\n".join(lines[:-1]), names)
            assert eval(lines[-1], names) is not None, trial.tried
            n_shown += 1
    assert n_shown >= 4


# --- Mistakes that are not in the catalogue -----------------------------------------------------


def residual_block(
    norm=BatchNorm2d, activation=ReLU, second=None, right=None, forward=None
) -> type[nn.Module]:
    """A ResidualBlock with a part of it replaced."""

    class MyBlock(nn.Module):
        def __init__(self, in_feats, out_feats, first_stride=1):
            super().__init__()
            self.main = Sequential(
                Conv2d(in_feats, out_feats, 3, first_stride, 1),
                norm(out_feats),
                activation(),
                second(out_feats) if second else Conv2d(out_feats, out_feats, 3, 1, 1),
                norm(out_feats),
            )
            self.skip = nn.Identity()
            if first_stride != 1 or in_feats != out_feats:
                conv = Conv2d(in_feats, out_feats, 1, first_stride)
                self.skip = Sequential(conv, norm(out_feats))
                if right:
                    self.skip = right(in_feats, out_feats, first_stride)

        def forward(self, x):
            return forward(self, x) if forward else torch.relu(self.main(x) + self.skip(x))

    return MyBlock


def block_group(make) -> type[nn.Module]:
    """A BlockGroup of the modules that `make` makes."""

    class MyGroup(nn.Module):
        def __init__(self, n_blocks, in_feats, out_feats, first_stride=1):
            super().__init__()
            self.layers = Sequential(*make(n_blocks, in_feats, out_feats, first_stride))

        def forward(self, x):
            return self.layers(x)

    return MyGroup


def resnet(stem=None, head=None, forward=None) -> type[nn.Module]:
    """A ResNet34 with a part of it replaced."""

    class MyResNet(nn.Module):
        def __init__(
            self,
            n_blocks_per_group=(3, 4, 6, 3),
            out_features_per_group=(64, 128, 256, 512),
            first_strides_per_group=(1, 2, 2, 2),
            n_classes=1000,
        ):
            super().__init__()
            self.stem = nn.Sequential(
                stem or nn.Conv2d(3, 64, 7, 2, 3, bias=False),
                nn.BatchNorm2d(64),
                nn.ReLU(),
                nn.MaxPool2d(3, 2, 1),
            )
            in_features = (64, *out_features_per_group[:-1])
            settings = (n_blocks_per_group, in_features, out_features_per_group)
            self.groups = Sequential(*map(BlockGroup, *settings, first_strides_per_group))
            feats = out_features_per_group[-1]
            self.head = Sequential(
                AveragePool(), *(head(feats) if head else ()), Linear(feats, n_classes)
            )

        def forward(self, x):
            return forward(self, x) if forward else self.head(self.groups(self.stem(x)))

    return MyResNet


def pooled_skip(in_feats, out_feats, stride):
    conv, norm = Conv2d(in_feats, out_feats, 1), BatchNorm2d(out_feats)
    return Sequential(nn.AvgPool2d(stride, stride, ceil_mode=True), conv, norm)


UNKNOWN = [
    (
        "dilated second convolution",
        checks.test_residual_block,
        residual_block(second=lambda n: nn.Conv2d(n, n, 3, 1, 2, dilation=2, bias=False)),
        ["`main.3` gets the right input and returns something else", "dilation=(2, 2)"],
    ),
    (
        "Keras's eps",
        checks.test_residual_block,
        residual_block(norm=lambda n: nn.BatchNorm2d(n, eps=1e-3)),
        ["`main.1` gets the right input and returns something else", "eps=0.001", "eps=1e-05"],
    ),
    (
        "another momentum",
        checks.test_residual_block,
        residual_block(norm=lambda n: nn.BatchNorm2d(n, momentum=0.01)),
        ["train mode", "buffer main.1.running_mean"],
    ),
    (
        "GroupNorm",
        checks.test_residual_block,
        residual_block(norm=lambda n: nn.GroupNorm(1, n)),
        ["Missing after your `main.1.bias`: the reference's 3 entries, `left.1.running_mean`"],
    ),
    (
        "Softplus",
        checks.test_residual_block,
        residual_block(activation=nn.Softplus),
        ["before your `main.3`: it gets input = [[[[0.31", "instead of input = [[[[0, 0]]]]"],
    ),
    (
        "average pool in the right branch",
        checks.test_residual_block,
        residual_block(right=pooled_skip),
        ["before your `skip.1`: it gets input of shape (1, 1, 1, 2)", "(1, 1, 1, 4)"],
    ),
    (
        "left branch halved",
        checks.test_residual_block,
        residual_block(forward=lambda self, x: torch.relu(self.main(x) / 2 + self.skip(x))),
        ["Each of your layers with weights gets and returns what it should: look at what else"],
    ),
    (
        "second convolution never called",
        checks.test_residual_block,
        residual_block(
            forward=lambda self, x: torch.relu(
                self.main[4](self.main[2](self.main[1](self.main[0](x)))) + self.skip(x)
            )
        ),
        ["Your forward never calls `main.3`."],
    ),
    (
        "stride in the second block",
        checks.test_block_group,
        block_group(
            lambda n, i, o, s: [
                *(ResidualBlock(i if k == 0 else o, o, s if k == 1 else 1) for k in range(n))
            ]
        ),
        ["You have too many entries: `layers.1.right` (6 entries)."],
    ),
    (
        "a learner's own block without its final ReLU",
        checks.test_block_group,
        block_group(
            lambda n, i, o, s: [
                residual_block(forward=lambda self, x: self.main(x) + self.skip(x))(*settings)
                for settings in [(i, o, s), *[(o, o)] * (n - 1)]
            ]
        ),
        ["before your `layers.1.main.0`", "while `layers.0.main.4` before it is right"],
    ),
    (
        "5x5 stem",
        checks.test_resnet34,
        resnet(stem=nn.Conv2d(3, 64, 5, 2, 2, bias=False)),
        ["Your `stem.0.weight` (64, 3, 5, 5) stands where the reference has"],
    ),
    (
        "batchnorm in the head",
        checks.test_resnet34,
        resnet(head=lambda feats: [nn.BatchNorm1d(feats)]),
        ["You have too many entries: `head.1` (5 entries)."],
    ),
    (
        "pictures divided by 255",
        checks.test_resnet34,
        resnet(forward=lambda self, x: self.head(self.groups(self.stem(x / 255)))),
        ["The first wrong step is before your `stem.0`"],
    ),
]


@pytest.mark.parametrize(
    ("check", "wrong", "phrases"), [case[1:] for case in UNKNOWN], ids=[case[0] for case in UNKNOWN]
)
def test_the_message_leads_to_a_mistake_that_is_not_in_the_catalogue(check, wrong, phrases):
    with pytest.raises(CheckFailure) as caught:
        check(wrong)
    assert caught.value.hints == []
    for phrase in phrases:
        assert phrase in str(caught.value)


TWO_AT_ONCE = [
    (
        checks.test_residual_block,
        residual_block(
            activation=nn.Identity, forward=lambda self, x: torch.relu(self.main(x) * self.skip(x))
        ),
        {"middle ReLU missing", "branches multiplied"},
    ),
    (
        checks.test_residual_block,
        residual_block(
            right=lambda i, o, s: Conv2d(i, o, 1, s),
            forward=lambda self, x: self.main(x) + self.skip(x),
        ),
        {"batchnorm missing in the right branch", "final ReLU missing"},
    ),
    (
        checks.test_block_group,
        block_group(
            lambda n, i, o, s: [ResidualBlock(i, o), *(ResidualBlock(o, o) for _ in range(n))]
        ),
        {"first_stride ignored", "one block too many"},
    ),
    (
        checks.test_resnet34,
        resnet(
            stem=nn.Conv2d(3, 64, 7, 2, 3),
            forward=lambda self, x: self.head(self.groups(self.stem(x))).softmax(1),
        ),
        {"stem convolution with bias", "softmax at the end"},
    ),
]


@pytest.mark.parametrize(("check", "wrong", "names"), TWO_AT_ONCE)
def test_two_mistakes_at_once_are_both_named(check, wrong, names):
    with pytest.raises(CheckFailure) as caught:
        check(wrong)
    (exercise,) = (e for e in checks.EXERCISES if check.__name__ in e.checks)
    hints = {mistake.name: mistake.hint for mistake in exercise.mistakes}
    assert set(caught.value.hints) == {hints[name] for name in names}


def test_the_parts_replaced_are_the_only_mistakes():
    checks.test_residual_block(residual_block())
    checks.test_block_group(
        block_group(
            lambda n, i, o, s: [
                ResidualBlock(i, o, s),
                *(ResidualBlock(o, o) for _ in range(n - 1)),
            ]
        )
    )
    checks.test_resnet34(resnet())


# ---- What is kept ---------------------------------------------------------------------------


def test_an_outcome_shows_its_layers_and_keeps_no_weights():
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4, affine=False))
    kept = traced(model.eval(), torch.ones(1, 3, 2, 2)).layers
    assert list(map(repr, kept.values())) == list(map(repr, model))
    weights = [entry for layer in kept.values() for entry in layer.state_dict().values()]
    assert weights
    assert all(entry.is_meta for entry in weights)

"""print_param_count: totals, aligned rows, and one sentence about the first mismatch."""

import re
from collections import OrderedDict

import IPython.display
import pytest
import torch
from torch import nn
from torchvision import models

from resnet_helpers import param_count, solutions
from resnet_helpers.param_count import Entry, print_param_count


def block(*order: str) -> nn.Module:
    """A residual block of PyTorch's layers, 4 -> 8 channels, its branches in the given order."""
    branches = {
        "left": nn.Sequential(nn.Conv2d(4, 8, 3, bias=False), nn.BatchNorm2d(8)),
        "right": nn.Sequential(nn.Conv2d(4, 8, 1, bias=False), nn.BatchNorm2d(8)),
        "out": nn.Linear(8, 2),
    }
    return nn.Sequential(OrderedDict((name, branches[name]) for name in order))


@pytest.fixture
def explain(capsys):
    """The frame, and the sentence printed last, on one line."""

    def explain(*given: nn.Module, use_state_dict=True) -> tuple:
        frame = print_param_count(*given, display_df=False, use_state_dict=use_state_dict)
        sentence = re.search(r"^(row \d+:|All rows match).*", capsys.readouterr().out, re.M | re.S)
        return frame, " ".join(sentence[0].split())

    return explain


@pytest.fixture
def displayed(monkeypatch):
    """What print_param_count displays: a list of bundles."""
    bundles = []
    monkeypatch.setattr(IPython.display, "display", lambda bundle, raw: bundles.append(bundle))
    return bundles


def n_gaps(frame) -> list[int]:
    """The number of empty rows of each model."""
    return [frame[title, "name"].isna().sum() for title in frame.columns.levels[0]]


# --- The whole output -------------------------------------------------------------------------


def test_resnet34_against_torchvision(capsys):
    with torch.device("meta"):
        mine, reference = solutions.ResNet34(), models.resnet34()
    frame = print_param_count(mine, reference, display_df=False)
    assert capsys.readouterr().out == (
        "ResNet34: 21,797,672 parameters\n"
        "ResNet: 21,797,672 parameters\n"
        "All counts match.\n"
        "The rows include buffers, which the totals leave out.\n"
        "All rows match: the same shapes in the same order.\n"
    )
    assert len(frame) == len(reference.state_dict()) == 218
    assert list(frame.columns) == [
        (title, field) for title in ("ResNet34", "ResNet") for field in ("name", "shape", "count")
    ]
    assert list(frame["ResNet", "name"]) == list(reference.state_dict())
    assert frame.loc[0, "ResNet34"].tolist() == ["in_layers.0.weight", (64, 3, 7, 7), 9408]
    assert frame.loc[5, "ResNet"].tolist() == ["bn1.num_batches_tracked", (), 1]


def test_parameters_only(capsys):
    model = nn.BatchNorm2d(4)
    frame = print_param_count(model, display_df=False, use_state_dict=False)
    assert capsys.readouterr().out == "BatchNorm2d: 8 parameters\n"
    assert list(frame["BatchNorm2d", "name"]) == ["weight", "bias"]


def test_no_models(capsys):
    assert print_param_count(display_df=False).empty
    assert capsys.readouterr().out == "No models, so nothing to count.\n"


def test_a_model_with_nothing_in_it(explain):
    frame, sentence = explain(nn.ReLU(), nn.Linear(2, 3))
    assert frame["ReLU", "name"].isna().all()
    assert sentence == (
        "row 0: yours has nothing for `Linear`'s 2 rows, `weight` (3, 2) to `bias` (3,)"
    )
    assert explain(nn.ReLU(), nn.Flatten())[1] == (
        "All rows match: the same shapes in the same order."
    )


def test_three_models_of_different_length(explain, capsys):
    frame, sentence = explain(nn.Linear(2, 3), nn.Linear(2, 3, bias=False), nn.Linear(2, 3))
    titles = ["Linear", "Linear (2)", "Linear (3)"]
    assert list(dict.fromkeys(frame.columns.get_level_values(0))) == titles
    assert n_gaps(frame) == [0, 1, 0]
    assert sentence == "row 1: `Linear (2)`'s has nothing for your `bias` (3,)"
    print_param_count(nn.Linear(2, 3), nn.Linear(2, 4), display_df=False)
    assert "Linear: 9 parameters\nLinear (2): 12 parameters\nThe counts do not match." in (
        capsys.readouterr().out
    )


# --- Alignment and the sentence ---------------------------------------------------------------


def test_swapped_branches(explain):
    frame, sentence = explain(block("right", "left", "out"), block("left", "right", "out"))
    assert sentence == (
        "row 0: yours is `right.0.weight` (8, 4, 1, 1), `Sequential (2)`'s is "
        "`left.0.weight` (8, 4, 3, 3): your `right` is declared before your `left`"
    )
    assert n_gaps(frame) == [0, 0]  # side by side, as copying in order would take them


@pytest.mark.parametrize(("use_state_dict", "row"), [(True, 42), (False, 21)])
def test_swapped_branches_of_resnet34(explain, monkeypatch, use_state_dict, row):
    class RightFirst(solutions.ResidualBlock):
        def __init__(self, *args):
            super().__init__(*args)
            left = self.left
            del self.left
            self.left = left

    monkeypatch.setattr(solutions, "ResidualBlock", RightFirst)
    with torch.device("meta"):
        mine, reference = solutions.ResNet34(), models.resnet34()
    frame, sentence = explain(mine, reference, use_state_dict=use_state_dict)
    assert sentence == (
        f"row {row}: yours is `residual_layers.1.blocks.0.right.0.weight` (128, 64, 1, 1), "
        "torchvision's is `layer2.0.conv1.weight` (128, 64, 3, 3): "
        "your `right` is declared before your `left`"
    )
    assert n_gaps(frame) == [0, 0]


def test_a_module_that_comes_too_early_or_too_late(explain):
    right = block("left", "right", "out")
    early = explain(block("out", "left", "right"), right)[1]
    assert early.endswith(": your `out` is declared before your `left`")
    late = explain(right, block("out", "left", "right"))[1]
    assert late.endswith(": your `left` is declared before your `out`")


def test_a_swap_behind_a_first_row_that_agrees(explain):
    def model(*order):
        branches = {
            "a": nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 3)),
            "b": nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 4)),
        }
        return nn.Sequential(OrderedDict((name, branches[name]) for name in order))

    sentence = explain(model("b", "a"), model("a", "b"))[1]
    assert sentence.startswith("row 2: yours is `b.1.weight` (4, 2)")
    assert sentence.endswith(": your `b` is declared before your `a`")


def test_swapped_inside_a_sequential(explain):
    mine = nn.Sequential(nn.BatchNorm2d(4), nn.Conv2d(4, 4, 3, bias=False))
    reference = nn.Sequential(nn.Conv2d(4, 4, 3, bias=False), nn.BatchNorm2d(4))
    assert explain(mine, reference)[1].endswith(": your `0` belongs after your `1`")


def test_swapped_parameters_of_equal_shape(explain):
    class BiasFirst(nn.Module):
        def __init__(self):
            super().__init__()
            self.bias = nn.Parameter(torch.zeros(4))
            self.weight = nn.Parameter(torch.ones(4))

    sentence = explain(BiasFirst(), nn.BatchNorm2d(4), use_state_dict=False)[1]
    assert sentence.endswith("is `weight` (4,): your `bias` is declared before your `weight`")


def test_a_long_sentence_is_not_cut_within_a_word(capsys):
    print_param_count(block("right", "left"), block("left", "right"), display_df=False)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100
    assert lines[-1].endswith("your `left`")


def test_other_names_for_parameters_are_no_mismatch(explain):
    class GammaBeta(nn.Module):
        def __init__(self):
            super().__init__()
            self.gamma = nn.Parameter(torch.ones(4))
            self.beta = nn.Parameter(torch.zeros(4))

    mine = nn.Sequential(nn.Conv2d(4, 4, 3, bias=False), GammaBeta())
    reference = nn.Sequential(nn.Conv2d(4, 4, 3, bias=False), nn.BatchNorm2d(4))
    assert explain(mine, reference, use_state_dict=False)[1].startswith("All rows match")


def test_a_missing_module_leaves_the_rest_aligned(explain):
    mine = nn.Sequential(nn.Conv2d(4, 4, 3, bias=False), nn.Conv2d(4, 4, 3, bias=False))
    reference = nn.Sequential(mine[0], nn.BatchNorm2d(4), mine[1], nn.Linear(4, 2))
    frame, sentence = explain(mine, reference)
    assert sentence == "row 1: yours has nothing for `Sequential (2)`'s `1` (5 rows)"
    assert frame.loc[6, ("Sequential", "name")] == "1.weight"
    assert frame.loc[6, ("Sequential (2)", "name")] == "2.weight"


def test_extra_biases_leave_the_rest_aligned(explain):
    def model(bias: bool) -> nn.Module:
        layers = [(nn.Conv2d(4, 4, 3, bias=bias), nn.BatchNorm2d(4)) for _ in range(5)]
        return nn.Sequential(*(layer for pair in layers for layer in pair))

    frame, sentence = explain(model(bias=True), model(bias=False))
    assert sentence == "row 1: `Sequential (2)`'s has nothing for your `0.bias` (4,)"
    assert n_gaps(frame) == [0, 5]
    matched = frame[frame["Sequential (2)", "name"].notna()]
    assert (matched["Sequential", "name"] == matched["Sequential (2)", "name"]).all()


def widths(n: int, kinds: int, seed: int) -> list[int]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(kinds, (n,), generator=generator).tolist()


# two lists of n widths that differ nearly everywhere
UNLIKE = {
    "of four kinds": lambda n: (widths(n, 4, seed=0), widths(n, 4, seed=1)),
    "of many kinds": lambda n: (widths(n, 900, seed=0), widths(n, 900, seed=1)),
    "alternating": lambda n: ([0, 1] * (n // 2), [1, 0] * (n // 2)),
    "every seventh": lambda n: ([0] * n, [int(k % 7 == 3) for k in range(n)]),
    "reversed": lambda n: (list(range(n)), list(range(n))[::-1]),
    "nothing in common": lambda n: ([0] * n, [1] * n),
    "the first": lambda n: ([1] + [0] * n, [0] * n),
}
# the names of n rows: one after another, or in four groups of blocks of ten
NAMES = {
    "flat": lambda n: [f"{k}.weight" for k in range(n + 1)],
    "nested": lambda n: [f"layer{4 * k // n}.{k // 10}.{k % 10}.weight" for k in range(n + 1)],
}


@pytest.mark.parametrize("names", NAMES)
@pytest.mark.parametrize("unlike", UNLIKE)
def test_twice_as_many_rows_are_about_twice_the_work(unlike, names, monkeypatch):
    work = [0]

    def counted(function):
        def call(*args):
            work[0] += 1
            return function(*args)

        return call

    monkeypatch.setattr(param_count.Entry, "matches", counted(param_count.Entry.matches))
    monkeypatch.setattr(param_count.Matching, "n_from", counted(param_count.Matching.n_from))
    done = []
    for n in (1000, 2000):
        sides = [
            [Entry(name, (w,), w) for name, w in zip(NAMES[names](n), side, strict=False)]
            for side in UNLIKE[unlike](n)
        ]
        work[0] = 0
        param_count._aligned(sides)
        done.append(work[0])
    assert done[1] < 2.5 * done[0]
    assert done[1] < 30 * 2000


def test_models_that_differ_nearly_everywhere_are_aligned(explain):
    sizes = torch.randint(1, 9, (2, 201), generator=torch.Generator().manual_seed(0)).tolist()
    with torch.device("meta"):
        models = [nn.Sequential(*map(nn.Linear, side, side[1:])) for side in sizes]
    frame, _ = explain(*models)
    matched = frame.dropna()
    assert (matched["Sequential", "shape"] == matched["Sequential (2)", "shape"]).sum() > 50


@pytest.mark.parametrize("seed", range(5))
def test_as_many_rows_find_a_partner_as_can(seed):
    """Against the textbook's table of the longest common subsequence."""
    sides = [widths(30, 3, seed), widths(25, 3, seed + 100)]
    mine, theirs = ([Entry(f"{k}.weight", (w,), w) for k, w in enumerate(side)] for side in sides)
    longest = {}
    for i in range(30, -1, -1):
        for j in range(25, -1, -1):
            if i == 30 or j == 25:
                longest[i, j] = 0
            elif sides[0][i] == sides[1][j]:
                longest[i, j] = 1 + longest[i + 1, j + 1]
            else:
                longest[i, j] = max(longest[i + 1, j], longest[i, j + 1])
    matching = param_count.Matching(mine, theirs)
    assert {place: matching.n_from(*place) for place in longest} == longest


def test_rows_of_one_shape_under_unlike_names_stand_side_by_side(explain):
    class Odd(nn.Module):
        def __init__(self, *names: str):
            super().__init__()
            for name in names:
                self.register_parameter(name, nn.Parameter(torch.zeros(3)))

    frame, sentence = explain(Odd("gamma", "weight"), Odd("gamma", "bias"))
    assert n_gaps(frame) == [0, 0]
    assert sentence.startswith("row 1: yours is `weight` (3,), `Odd (2)`'s is `bias` (3,)")


def test_of_equal_blocks_the_last_is_missing(explain):
    mine, reference = (nn.Sequential(*(nn.Linear(4, 4) for _ in range(n))) for n in (2, 3))
    assert explain(mine, reference)[1] == (
        "row 4: yours has nothing for `Sequential (2)`'s `2` (2 rows)"
    )


def test_a_gap_that_is_only_a_part_of_a_module(explain):
    mine = nn.ModuleDict({"a": nn.ModuleList([nn.Linear(4, 4)])})
    reference = nn.ModuleDict({"a": nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 2)])})
    assert explain(mine, reference)[1].endswith("nothing for `ModuleDict (2)`'s `a.1` (2 rows)")
    reference["a"].append(nn.Linear(2, 3))
    assert explain(mine, reference)[1].endswith(
        "nothing for `ModuleDict (2)`'s 4 rows, `a.1.weight` (2, 4) to `a.2.bias` (3,)"
    )


def test_a_wrong_size(explain):
    assert explain(nn.Linear(2, 3), nn.Linear(2, 4))[1] == (
        "row 0: yours is `weight` (3, 2), `Linear (2)`'s is `weight` (4, 2)"
    )


# --- Unusual parameters -----------------------------------------------------------------------


def test_shared_parameters_count_once_and_are_marked(capsys):
    model = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False))
    model[1].weight = model[0].weight
    for use_state_dict in (True, False):
        frame = print_param_count(model, display_df=False, use_state_dict=use_state_dict)
        assert list(frame["Sequential", "name"]) == ["0.weight", "1.weight (shared with 0.weight)"]
        assert capsys.readouterr().out == "Sequential: 9 parameters\n"


def test_lazy_parameters(capsys):
    model = nn.Sequential(nn.Linear(3, 3), nn.LazyLinear(4))
    frame = print_param_count(model, display_df=False)
    assert capsys.readouterr().out == "Sequential: 12 parameters, not counting 2 uninitialized\n"
    assert frame.loc[2, ("Sequential", "shape")] == "uninitialized"
    assert frame["Sequential", "count"].isna().tolist() == [False, False, True, True]
    assert isinstance(model[1].weight, nn.UninitializedParameter)


def test_a_state_dict_entry_that_is_no_tensor(explain):
    class WithExtraState(nn.Linear):
        def get_extra_state(self):
            return {"version": 1}

    assert explain(WithExtraState(2, 3), nn.Linear(2, 3))[1].startswith("All rows match")


# --- The table --------------------------------------------------------------------------------


def test_displays_one_table_and_returns_nothing(displayed):
    assert print_param_count(block("right", "left"), block("left", "right")) is None
    (bundle,) = displayed
    assert bundle["text/html"].count("<table") == 1
    assert "right.0.weight" in bundle["text/html"]
    assert "right.0.weight" in bundle["text/plain"]
    assert "max-height" in bundle["text/html"]
    assert "sticky" in bundle["text/html"]


def test_the_html_is_the_same_at_every_run_and_differs_between_tables(displayed):
    for _ in range(2):
        print_param_count(block("right", "left"), block("left", "right"))
    print_param_count(block("left", "right"), block("left", "right"))
    first, again, other = (bundle["text/html"] for bundle in displayed)
    assert first == again
    table_id, other_id = (html.partition('<table id="')[2][:10] for html in (first, other))
    assert table_id != other_id  # or the one's colours would show in the other


def test_only_mismatches_are_marked_and_only_the_first_is_filled(displayed):
    print_param_count(nn.Sequential(nn.Linear(2, 3), nn.Linear(5, 1)), nn.Linear(2, 3))
    html = displayed[0]["text/html"]
    assert [f"≠ {row}" in html for row in range(4)] == [False, False, True, True]
    assert html.count("background-color: #b71c1c") == 1


def test_displays_without_models_or_parameters(displayed):
    print_param_count()
    print_param_count(nn.ReLU(), nn.LazyLinear(2))
    assert len(displayed) == 2


def test_text_on_coloured_cells_is_legible(displayed):
    def luminance(colour: str) -> float:
        rgb = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        rgb = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in rgb]
        return 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2]

    sizes = (1, 10, 64, 512, 1000, 50_000, 2_359_296)
    with torch.device("meta"):
        print_param_count(nn.ParameterList(torch.empty(size) for size in sizes))
    html = displayed[0]["text/html"]
    colours = re.findall(r"background-color: (#\w{6});\s*color: (#\w{6})", html)
    assert len(colours) == len(sizes)
    for both in colours:
        dark, bright = sorted(map(luminance, both))
        assert (bright + 0.05) / (dark + 0.05) >= 4.5  # WCAG's threshold for normal text

"""print_param_count: the parameters of several models side by side, and where they first differ.

Two models are aligned row by row, so that one missing row shows as one gap and does not put
every row after it out of step.
"""

import hashlib
import math
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, islice, pairwise, takewhile, zip_longest
from textwrap import fill
from typing import TYPE_CHECKING

from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from resnet_helpers.debugging.calls import check_is_module

if TYPE_CHECKING:  # pandas takes longer to import than the rest of this module to run
    import pandas as pd

# PyTorch's own last names: two of them that differ are no match, even where the shapes agree.
# Any other name ("gamma") says nothing, and the shape decides.
KINDS = {"weight", "bias", "running_mean", "running_var", "num_batches_tracked"}


@dataclass(frozen=True)
class Entry:
    """One parameter or buffer; a lazy one that has not been initialised has no shape yet."""

    name: str
    shape: tuple[int, ...] | str
    count: int | None
    shared_with: str = ""

    @cached_property
    def kind(self) -> str:
        last = self.name.rpartition(".")[2]
        return last if last in KINDS else ""

    @cached_property
    def path(self) -> tuple[str, ...]:
        return tuple(self.name.split("."))

    @property
    def label(self) -> str:
        return f"{self.name} (shared with {self.shared_with})" if self.shared_with else self.name

    def matches(self, other: "Entry") -> bool:
        same_kind = self.kind == other.kind or not self.kind or not other.kind
        return self.shape == other.shape and same_kind

    def __str__(self) -> str:
        return f"`{self.name}` {self.shape}"


TABLE_STYLES = [
    {"selector": "", "props": "border-collapse: collapse"},
    {
        "selector": "th, td",
        "props": "white-space: nowrap; padding: 2px 5px; font-size: 12px; text-align: left",
    },
    # the header stays in view, on the theme's background: JupyterLab's, VS Code's or Colab's
    {
        "selector": "thead",
        "props": "position: sticky; top: 0; z-index: 1; background: var(--jp-layout-color1, "
        "var(--vscode-editor-background, var(--colab-primary-surface-color, Canvas)))",
    },
]
WIDTH = 100  # of the sentence: a notebook would cut its line in the middle of a word
WHOLE_WORDS = {"break_long_words": False, "break_on_hyphens": False}
MISMATCH = "border: 2px solid #d32f2f"
FIRST_MISMATCH = "background-color: #b71c1c; color: #ffffff; font-weight: bold"

NEIGHBOURS = 20  # modules that one declared too early is looked for behind

Row = tuple[Entry | None, ...]  # one entry a model, None where a model has no partner


def print_param_count(
    *models: nn.Module, display_df=True, use_state_dict=True
) -> "pd.DataFrame | None":
    """Print each model's total of parameters, and show all names, shapes and counts side by side.

    The first model is taken as yours, the others as what it should look like. Rows are aligned by
    shape and by kind of entry (weight, running_mean, ...), not by name. The first mismatch is
    highlighted, and one sentence says what it is.

    Args:
        models: any number of models.
        display_df: show the table, coloured by the logarithm of the counts; if False, return it.
        use_state_dict: make a row of each entry of state_dict(), buffers such as running_mean
            included; if False, of each entry of named_parameters(). The totals count parameters
            only, and a shared one once.

    Returns:
        None, or, if display_df is False, a plain frame with the columns name, shape and count
        for each model. Row numbers start at 0.

    Raises:
        InvalidArgumentError: a ValueError: one of them is no model, but a class, for instance.
    """
    for number, model in enumerate(models, start=1):
        check_is_module(model, f"argument {number}")
    titles = _titles(models)
    rows = _aligned([entries_of(model, use_state_dict) for model in models])
    _print_totals(models, titles, use_state_dict)
    frame = _frame(rows, titles)
    if display_df:
        from IPython.display import display

        bundle = {"text/plain": repr(frame), "text/html": _html(frame, rows)}
        display(bundle, raw=True)
    if len(models) > 1:
        print(fill(_explanation(rows, _owners(models, titles)), WIDTH, **WHOLE_WORDS))
    return None if display_df else frame


def first_mismatch(mine: list[Entry], reference: list[Entry]) -> str:
    """What is missing, too many, of another shape or out of order in mine, if shapes differ."""
    rows = _aligned([mine, reference])
    r = _mismatches(rows)[0]
    my_entry, other = rows[r]
    if other is None:
        return f"You have too many entries: {_gap(rows, r, 0, 1, 'entries')}."
    if my_entry is None:
        before = f" after your `{rows[r - 1][0].name}`" if r else " at the start"
        return f"Missing{before}: the reference's {_gap(rows, r, 1, 0, 'entries')}."
    sentence = f"Your {my_entry} stands where the reference has {other}"
    swap = _find_swap(
        mine, reference, mine.index(my_entry), reference.index(other), Matching(mine, reference)
    )
    return f"{sentence}: {swap}." if swap else f"{sentence}."


# --- Counting -----------------------------------------------------------------------------


def _titles(models: tuple[nn.Module, ...]) -> list[str]:
    """The class names, told apart: ResNet, ResNet (2)."""
    seen: Counter[str] = Counter()
    titles = []
    for model in models:
        name = type(model).__name__
        seen[name] += 1
        titles.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return titles


def entries_of(model: nn.Module, use_state_dict=True) -> list[Entry]:
    """The entries of state_dict(), or of named_parameters()."""
    if use_state_dict:
        tensors = model.state_dict(keep_vars=True)  # the parameters themselves, not copies
        tensors = {name: t for name, t in tensors.items() if isinstance(t, Tensor)}
    else:
        tensors = dict(model.named_parameters(remove_duplicate=False))
    first_names: dict[int, str] = {}
    entries = []
    for name, tensor in tensors.items():
        shape = "uninitialized" if is_lazy(tensor) else tuple(tensor.shape)
        count = None if is_lazy(tensor) else tensor.numel()
        first_name = first_names.setdefault(id(tensor), name)
        shared_with = first_name if first_name != name else ""
        entries.append(Entry(name, shape, count, shared_with))
    return entries


def _print_totals(models: tuple[nn.Module, ...], titles: list[str], use_state_dict: bool) -> None:
    if not models:
        print("No models, so nothing to count.")
        return
    totals = []
    for model, title in zip(models, titles, strict=True):
        parameters = list(model.parameters())  # lists a shared parameter once
        lazy = [p for p in parameters if is_lazy(p)]
        totals.append(sum(p.numel() for p in parameters if not is_lazy(p)))
        note = f", not counting {len(lazy)} uninitialized" if lazy else ""
        print(f"{title}: {totals[-1]:,} parameters{note}")
    if len(models) > 1:
        print("All counts match." if len(set(totals)) == 1 else "The counts do not match.")
    if use_state_dict and any(True for model in models for _ in model.buffers()):
        print("The rows include buffers, which the totals leave out.")


# --- Aligning -----------------------------------------------------------------------------


def _aligned(columns: list[list[Entry]]) -> list[Row]:
    """Put partners into one row, taking in one model after another."""
    rows: list[Row] = [(entry,) for entry in columns[0]] if columns else []
    for n_done, column in enumerate(columns[1:], start=1):
        # a row stands for itself by its first entry
        so_far = [next(filter(None, row)) for row in rows]
        rows = [
            (
                *(rows[i] if i is not None else (None,) * n_done),
                column[j] if j is not None else None,
            )
            for i, j in _pairs(so_far, column)
        ]
    return rows


def _pairs(mine: list[Entry], theirs: list[Entry]) -> list[tuple[int | None, int | None]]:
    """Which index of mine goes with which of theirs; None where there is no partner.

    Both lists are walked down together. Where two rows do not match, either two neighbours have
    changed places, or one side has rows that the other lacks, down to where the two agree again.
    """
    pairs = []
    matching = Matching(mine, theirs)
    i = j = 0
    while i < len(mine) and j < len(theirs):
        if mine[i].matches(theirs[j]):
            n_mine = n_theirs = 1
        elif swap := _find_swap(mine, theirs, i, j, matching):
            n_mine = n_theirs = swap.end - i  # side by side, as copying in order would take them
        else:
            n_mine, n_theirs = matching.gap(i, j)
        pairs += zip_longest(range(i, i + n_mine), range(j, j + n_theirs))
        i += n_mine
        j += n_theirs
    # one of the two has come to its end, so what is left has no partner
    return [*pairs, *zip_longest(range(i, len(mine)), range(j, len(theirs)))]


def _keys(mine: list[Entry], theirs: list[Entry]) -> list[list[tuple]]:
    """What stands for each row when the two lists are aligned: its shape, and its kind if told."""
    telling = all(entry.kind for entry in (*mine, *theirs))
    return [[(e.shape, e.kind if telling else "") for e in side] for side in (mine, theirs)]


class Matching:
    """How many rows of two lists find a partner if nothing but gaps is assumed.

    The length of the longest common subsequence, of any two ends of the lists, by the bits of large
    numbers: after each of their rows from the last on, bit k is 0 where one more of my last k + 1
    rows has found a partner than of my last k (Hyyrö 2004). A thousand rows take milliseconds.
    """

    def __init__(self, mine: list[Entry], theirs: list[Entry]):
        self.mine, self.theirs = _keys(mine, theirs)
        places: Counter[tuple] = Counter()
        for k, key in enumerate(reversed(self.mine)):
            places[key] |= 1 << k
        everywhere = (1 << len(mine)) - 1
        self.single = [everywhere]  # after none of their rows, after their last, their last two, …
        for key in reversed(self.theirs):
            single = self.single[-1]
            matched = single & places[key]
            self.single.append(((single + matched) | (single - matched)) & everywhere)

    def n_from(self, i: int, j: int) -> int:
        """Of mine[i:] and theirs[j:]."""
        n_mine = len(self.mine) - i
        single = self.single[len(self.theirs) - j] & ((1 << n_mine) - 1)
        return n_mine - single.bit_count()

    def gap(self, i: int, j: int) -> tuple[int, int]:
        """How many rows of each from i and j on find none, down to the first two that match."""
        if self.mine[i] == self.theirs[j]:
            return 1, 1  # of one shape, and no partners by their names only: side by side
        n, end_i, end_j = self.n_from(i, j), i, j
        while n == 0 or not (
            self.mine[end_i] == self.theirs[end_j] and self.n_from(end_i + 1, end_j + 1) == n - 1
        ):
            if end_i < len(self.mine) and self.n_from(end_i + 1, end_j) == n:
                end_i += 1
            elif end_j < len(self.theirs):
                end_j += 1
            else:
                break
        return end_i - i, end_j - j


@dataclass(frozen=True)
class Swap:
    """Two neighbouring runs of my rows that the other model has in the opposite order."""

    first: str  # the module (or parameter) that my first run belongs to
    second: str
    end: int  # the index after the last row of the second run

    def __str__(self) -> str:
        first, second = self.first.rpartition(".")[2], self.second.rpartition(".")[2]
        if first.isdigit():  # in a Sequential, "0 is declared before 1" would say nothing
            return f"your `{self.first}` belongs after your `{self.second}`"
        return f"your `{first}` is declared before your `{second}`"


def _find_swap(
    mine: list[Entry], theirs: list[Entry], i: int, j: int, matching: Matching
) -> Swap | None:
    """The swap that explains why mine[i] does not match theirs[j], if there is one.

    Tried at each level of the name, from the outermost: does the run of rows that mine[i] is in
    belong after one of the runs that follow it under the same parent?
    """
    for depth in range(len(mine[i].path)):
        start, *ends = _runs(mine, i, depth)
        their_start = j - (i - start)
        if their_start < 0:
            continue
        for n, middle in enumerate(ends[:-1], start=1):
            for previous, end in pairwise(ends[n - 1 :]):
                if not _match(mine, theirs, range(previous, end), their_start - middle):
                    break  # nor will it with more rows
                runs = (start, middle, end)
                if _swapping_explains(mine, theirs, runs, their_start, matching):
                    modules = (mine[row].path[: depth + 1] for row in (start, middle))
                    return Swap(*map(".".join, modules), end)
    return None


def _runs(entries: list[Entry], i: int, depth: int) -> list[int]:
    """Where the run of rows of one child begins and ends, and where those after it end.

    At depth 1 and for a row of layer1.0.conv1 the child is layer1.0, and those after it are the
    other children of layer1 that follow: the next NEIGHBOURS of them.
    """
    parent, child = entries[i].path[:depth], entries[i].path[: depth + 1]
    start = i
    while start > 0 and entries[start - 1].path[: depth + 1] == child:
        start -= 1
    bounds = [start]
    siblings = takewhile(lambda entry: entry.path[:depth] == parent, entries[start:])
    runs = groupby(siblings, key=lambda entry: entry.path[: depth + 1])
    for _, run in islice(runs, 1 + NEIGHBOURS):
        bounds.append(bounds[-1] + len(list(run)))
    return bounds


def _match(mine: list[Entry], theirs: list[Entry], rows: range, shift: int) -> bool:
    """Do these rows of mine match those of theirs that are `shift` further down?"""
    return rows.stop + shift <= len(theirs) and all(
        mine[row].matches(theirs[row + shift]) for row in rows
    )


def _swapping_explains(
    mine: list[Entry],
    theirs: list[Entry],
    runs: tuple[int, int, int],
    their_start: int,
    matching: Matching,
) -> bool:
    """Do the rows match once mine[start:middle] and mine[middle:end] have changed places?

    That those of mine[middle:end] do is known. And does that explain more rows than a gap would?
    Without a batchnorm before it, a convolution and the next batchnorm look like a swapped pair
    too.
    """
    start, middle, end = runs
    their_end = their_start + end - start
    if not _match(mine, theirs, range(start, middle), their_end - middle):
        return False
    n_with_swap = end - start + matching.n_from(end, their_end)
    return n_with_swap > matching.n_from(start, their_start)


# --- Explaining ---------------------------------------------------------------------------


def _mismatches(rows: list[Row]) -> list[int]:
    return [
        r
        for r, (first, *others) in enumerate(rows)
        if first is None or not all(entry and first.matches(entry) for entry in others)
    ]


def _owners(models: tuple[nn.Module, ...], titles: list[str]) -> list[str]:
    """How a sentence calls each model: yours, torchvision's, `ResNet (2)`'s."""
    packages = [type(model).__module__.partition(".")[0] for model in models]
    owners = [
        "torchvision's" if package == "torchvision" else f"`{title}`'s"
        for package, title in zip(packages, titles, strict=True)
    ]
    return ["yours", *owners[1:]]


def _explanation(rows: list[Row], owners: list[str]) -> str:
    """One sentence about the first mismatch."""
    mismatches = _mismatches(rows)
    if not mismatches:
        return "All rows match: the same shapes in the same order."
    r = mismatches[0]
    mine, *others = rows[r]
    if mine is None:
        column = next(c for c, entry in enumerate(others, start=1) if entry)
        return f"row {r}: yours has nothing for {owners[column]} {_gap(rows, r, column, 0)}"
    column = next(c for c, e in enumerate(others, start=1) if e is None or not mine.matches(e))
    other = rows[r][column]
    if other is None:
        return f"row {r}: {owners[column]} has nothing for your {_gap(rows, r, 0, column)}"
    sentence = f"row {r}: yours is {mine}, {owners[column]} is {other}"
    my_entries, other_entries = ([row[c] for row in rows if row[c]] for c in (0, column))
    i, j = my_entries.index(mine), other_entries.index(other)
    swap = _find_swap(my_entries, other_entries, i, j, Matching(my_entries, other_entries))
    return f"{sentence}: {swap}" if swap else sentence


def _gap(rows: list[Row], r: int, present: int, absent: int, unit="rows") -> str:
    """The run of entries from row r on that one model has and the other has not."""
    run = takewhile(lambda row: row[present] and not row[absent], rows[r:])
    entries = [row[present] for row in run]
    if len(entries) == 1:
        return str(entries[0])
    ends = (entry.path for entry in (entries[0], entries[-1]))
    module = ".".join(a for a, _ in takewhile(lambda ab: ab[0] == ab[1], zip(*ends, strict=False)))
    column = [row[present] for row in rows if row[present]]
    if entries == [entry for entry in column if entry.name.startswith(f"{module}.")]:
        return f"`{module}` ({len(entries)} {unit})"
    return f"{len(entries)} {unit}, {entries[0]} to {entries[-1]}"


# --- Showing ------------------------------------------------------------------------------


def _frame(rows: list[Row], titles: list[str]) -> "pd.DataFrame":
    import pandas as pd

    columns = {}
    for c, title in enumerate(titles):
        entries = [row[c] for row in rows]
        columns[title, "name"] = pd.Series([e and e.label for e in entries], dtype=object)
        columns[title, "shape"] = pd.Series([e and e.shape for e in entries], dtype=object)
        columns[title, "count"] = pd.Series([e and e.count for e in entries], dtype="Int64")
    return pd.DataFrame(columns)


def _html(frame: "pd.DataFrame", rows: list[Row]) -> str:
    """The frame as HTML that scrolls, the same characters at every run."""
    from pandas.io.formats.style import Styler

    mismatches = _mismatches(rows)
    marks = dict.fromkeys(mismatches, MISMATCH) | dict.fromkeys(mismatches[:1], FIRST_MISMATCH)
    # The id ties the colours to this table's cells: a fixed one would colour every table on the
    # page alike, a random one (pandas' default) would make each run differ.
    table_id = hashlib.sha256(repr(rows).encode()).hexdigest()[:8]
    styler = Styler(frame, uuid=table_id, cell_ids=False)
    counts = [column for column in frame.columns if column[1] == "count"]
    largest = max((entry.count or 0 for row in rows for entry in row if entry), default=0)
    for column in counts:
        logs = frame[column][frame[column] > 0].astype(float).map(math.log)
        styler.background_gradient(
            "viridis",  # from dark (1) to bright (the largest count)
            gmap=logs.to_frame(),
            vmin=0,
            vmax=max(math.log(max(largest, 1)), 1),
            subset=(logs.index, [column]),
            axis=None,
            text_color_threshold=0.179,  # above it black has more contrast than white
        )
    others = [column for column in frame.columns if column[1] != "count"]
    styler.apply(lambda column: [marks.get(r, "") for r in frame.index], subset=others)
    # names are text: without escaping, pandas' Styler would take <img src=…> for a picture
    styler.format(escape="html", na_rep="", thousands=",")
    styler.format_index(lambda r: f"≠ {r}" if r in marks else r)
    styler.format_index(escape="html", axis="columns")
    styler.set_table_styles(TABLE_STYLES)
    html = styler.to_html().replace("color: #f1f1f1", "color: #ffffff")  # legible: pandas' is not
    return f'<div style="max-height: 32em; overflow: auto">{html}</div>'

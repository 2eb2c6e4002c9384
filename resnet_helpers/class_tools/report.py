"""The page on what a class got wrong: per exercise who passed, and which mistakes the others made.

All that comes from what was handed in, names of files and messages, is text here and never markup.
"""

import html
from collections import Counter
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

import pandas as pd

from resnet_helpers.class_tools.findings import BEST_FIRST, FAILED, PASSED, Finding
from resnet_helpers.figures import style

UNNAMED = "(no known mistake)"
MOST_SHOWN = 5  # unnamed failures of an exercise whose messages are shown
GROUPS = {  # what is drawn of each exercise
    "passed": (style.GREEN, ""),
    "failed, mistake named": (style.ORANGE, "//"),
    "failed, mistake not known": (style.VERMILION, "xx"),
    "not written or not run": ("#d0d0d0", ".."),
}


@dataclass(frozen=True)
class Report:
    """What became of a class: all findings, and the words for what they were read from."""

    findings: list[Finding]
    read_from: str
    names: bool = False

    @cached_property
    def exercises(self) -> list[str]:
        """The exercises that anybody's work has, in the order of the course."""
        from resnet_helpers.tests import EXERCISES

        order = [exercise.name for exercise in EXERCISES]
        found = dict.fromkeys(finding.exercise for finding in self.findings)
        return sorted(found, key=lambda name: order.index(name) if name in order else len(order))

    def of(self, exercise: str) -> list[Finding]:
        """The findings on one exercise."""
        return [finding for finding in self.findings if finding.exercise == exercise]

    def counts(self, exercise: str) -> dict[str, int]:
        """How many learners are in each of the groups that are drawn."""
        found = self.of(exercise)
        failed = [finding for finding in found if finding.state == FAILED]
        named = sum(bool(finding.mistakes) for finding in failed)
        passed = sum(finding.state == PASSED for finding in found)
        rest = len(found) - passed - len(failed)
        return dict(zip(GROUPS, (passed, named, len(failed) - named, rest), strict=True))

    def table(self) -> pd.DataFrame:
        """A row for each exercise and mistake: how many learners made it, and their names if asked.

        Columns: exercise, learners, passed, mistake, count, and with names who.
        """
        rows = []
        for exercise in self.exercises:
            found = self.of(exercise)
            who: dict[str, list[str]] = {}
            for finding in found:
                if finding.state == FAILED:
                    for mistake in finding.mistakes or (UNNAMED,):
                        who.setdefault(mistake, []).append(finding.learner)
            passed = sum(finding.state == PASSED for finding in found)
            for mistake in sorted(who, key=lambda m: (m == UNNAMED, -len(who[m]), m)) or [""]:
                row = [exercise, len(found), passed, mistake, len(who.get(mistake, []))]
                rows.append(
                    [*row, ", ".join(sorted(who.get(mistake, [])))][: 6 if self.names else 5]
                )
        columns = ["exercise", "learners", "passed", "mistake", "count"] + ["who"] * self.names
        return pd.DataFrame(rows, columns=columns)

    @style.styled
    def plot(self) -> style.Picture:
        """A bar for each exercise, divided by what became of it."""
        counts = {exercise: self.counts(exercise) for exercise in self.exercises}
        height = 1.6 + 0.4 * len(counts)
        figure, [[axes]] = style.new_figure("What became of each exercise", height=height)
        for group, (colour, hatch) in GROUPS.items():
            lefts = [self._before(counts[exercise], group) for exercise in counts]
            widths = [counts[exercise][group] for exercise in counts]
            axes.barh(
                list(counts),
                widths,
                left=lefts,
                color=colour,
                hatch=hatch,
                edgecolor="white",
                label=group,
            )
        axes.invert_yaxis()
        axes.set_xlabel("learners")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(visible=False, axis="y")
        figure.legend(loc="outside lower center", ncols=2)
        alt = "; ".join(
            f"{exercise}: {', '.join(f'{n} {group}' for group, n in of.items() if n)}"
            for exercise, of in counts.items()
        )
        return style.Picture(figure, f"What became of each exercise. {alt}.")

    @staticmethod
    def _before(counts: dict[str, int], group: str) -> int:
        """How many learners stand in the groups that are drawn before this one."""
        names = list(GROUPS)
        return sum(counts[name] for name in names[: names.index(group)])

    def page(self) -> str:
        """The page, whole: it needs no other file and no network."""
        sections = "".join(self._section(exercise) for exercise in self.exercises)
        return PAGE.format(
            read_from=html.escape(self.read_from),
            date=date.today().isoformat(),
            plot=self.plot().html() if self.exercises else "<p>No exercise was found.</p>",
            sections=sections,
        )

    def _section(self, exercise: str) -> str:
        found, counts = self.of(exercise), self.counts(exercise)
        mistakes = Counter(mistake for finding in found for mistake in finding.mistakes)
        rows = "".join(
            f"<tr><td>{count}</td><td>{html.escape(mistake)}</td>{self._who(found, mistake)}</tr>"
            for mistake, count in mistakes.most_common()
        )
        states = Counter(finding.state for finding in found)
        summary = ", ".join(f"{states[state]} {state}" for state in BEST_FIRST if states[state])
        named = f"<table><tr><th>learners</th><th>mistake</th>{self._who_head()}</tr>{rows}</table>"
        unnamed = [finding.unnamed for finding in found if finding.unnamed]
        return (
            f"<h2>{html.escape(exercise)}</h2><p>{summary}.</p>"
            + (named if rows else "")
            + (self._unnamed(unnamed) if counts["failed, mistake not known"] else "")
        )

    def _unnamed(self, messages: list[str]) -> str:
        """The failures that name no known mistake, the most frequent first."""
        ranked = Counter(messages).most_common(MOST_SHOWN)
        shown = "".join(f"<p>{count} ×</p><pre>{html.escape(text)}</pre>" for text, count in ranked)
        return (
            f"<details><summary>{len(messages)} failed with no known mistake: what the checks said"
            f"</summary>{shown}</details>"
        )

    def _who_head(self) -> str:
        return "<th>who</th>" if self.names else ""

    def _who(self, found: list[Finding], mistake: str) -> str:
        if not self.names:
            return ""
        who = sorted(finding.learner for finding in found if mistake in finding.mistakes)
        return f"<td>{html.escape(', '.join(who))}</td>"

    def write(self, page: Path) -> Path:
        """Write the page, and its table beside it as CSV; the table's path."""
        page.write_text(self.page(), encoding="utf-8")
        table = page.with_suffix(".csv")
        self.table().to_csv(table, index=False)
        return table


PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>What the class got wrong</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 18px/1.5 sans-serif; max-width: 1020px; margin: 1em auto; padding: 0 1em }}
img {{ max-width: 100%; height: auto }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ text-align: left; vertical-align: top; padding: 0.3em 1em 0.3em 0;
  border-bottom: 1px solid #8888 }}
pre {{ white-space: pre-wrap; overflow-wrap: anywhere }}
</style>
</head>
<body>
<h1>What the class got wrong</h1>
<p>Read from {read_from}, {date}. A learner who made two mistakes counts in two rows.</p>
{plot}
{sections}
</body>
</html>
"""

"""Answers written by people who had seen neither the checks nor their catalogue, with verdicts.

In `fresh_answers/` there is a file for each exercise. A block begins with a line such as

    ### RIGHT functional batchnorm
    ### WRONG eps outside the root -> named; eps outside the root
    ### WRONG return forgotten -> named; hint
    ### WRONG clamps its output -> generic; remark

First comes what the writer meant, before any panel was seen. After the arrow stands how the panel
was judged by hand: named (its words say the mistake, or one of two), generic (true, no more) or
accepted; and then what the check says: the names of mistakes, "blamed" and an earlier piece, a
"hint" or a "remark" without a name in the catalogue, or "passed".
"""

import linecache
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import einops
import jaxtyping
import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from resnet_helpers import layers, solutions

FOLDER = Path(__file__).with_name("fresh_answers")
HEADING = re.compile(r"^### (RIGHT|WRONG) (.*?)(?: -> (.*))?$", re.MULTILINE)

SCOPE = {
    **{name: getattr(layers, name) for name in ("Conv2d", "Linear", "ReLU", "MaxPool2d")},
    **{name: value for name, value in vars(solutions).items() if not name.startswith("_")},
    **{name: getattr(einops, name) for name in ("rearrange", "reduce", "repeat", "einsum")},
    **{name: getattr(jaxtyping, name) for name in ("Float", "Int", "Bool")},
    **{"Sequential": layers.Sequential, "torch": torch, "nn": nn, "F": nn.functional},
    **{"Tensor": Tensor, "OrderedDict": OrderedDict, "RemovableHandle": RemovableHandle},
    **{"Callable": Callable, "Iterable": Iterable, "Iterator": Iterator, "Sequence": Sequence},
    **{"Any": Any, "einops": einops, "jaxtyping": jaxtyping},
}


@dataclass(frozen=True)
class FreshAnswer:
    exercise: str
    is_right: bool
    meant: str
    verdict: str
    source: str

    def implementation(self) -> Any:
        file = f"<fresh {self.exercise}: {self.meant}>"
        linecache.cache[file] = (len(self.source), None, self.source.splitlines(True), file)
        names = {**SCOPE, "__name__": "__main__"}
        exec(compile(self.source, file, "exec"), names)
        return names[self.exercise]


def fresh_answers(folder: Path = FOLDER) -> list[FreshAnswer]:
    found = []
    for file in sorted(folder.glob("*.py")):
        text = file.read_text(encoding="utf-8")
        headings = list(HEADING.finditer(text))
        ends = [heading.start() for heading in headings[1:]] + [len(text)]
        for heading, end in zip(headings, ends, strict=True):
            kind, meant, verdict = heading.groups()
            source = text[heading.end() : end].strip() + "\n"
            found.append(FreshAnswer(file.stem, kind == "RIGHT", meant, verdict or "", source))
    return found

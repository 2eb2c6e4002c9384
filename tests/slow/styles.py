"""Ways of writing the pieces: what a learner types, cell by cell, and a question to the result.

Run as a script this is one of the two processes of test_my_work_styles.py.
"""

import os
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

IMPORTS = """
import einops
import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor, nn
from resnet_helpers import my_work
from resnet_helpers.layers import Conv2d, Linear, ReLU, Sequential
"""


@dataclass(frozen=True)
class Style:
    """`cells` define `piece`; `answer` is an expression in it, the same before and after."""

    title: str
    piece: str
    answer: str
    cells: tuple[str, ...]


STYLES: list[Style] = []


def style(title: str, piece: str, answer: str, *cells: str) -> None:
    STYLES.append(Style(title, piece, answer, tuple(textwrap.dedent(c).strip() for c in cells)))


# ---- Decorators -------------------------------------------------------------------------------

PREDICT = "[t.tolist() for t in piece(torch.nn.Flatten(), torch.eye(3).view(3, 3, 1, 1))]"
POOL = "piece()(torch.arange(24.).view(2, 3, 2, 2)).tolist()"

style(
    "predict under inference_mode",
    "predict",
    PREDICT + " + [piece(torch.nn.Flatten(), torch.ones(2, 3, 1, 1))[0].is_inference()]",
    """
    @torch.inference_mode()
    def predict(model, images):
        model.eval()
        return model(images).softmax(dim=1).max(dim=1)
    """,
)
style(
    "predict under no_grad",
    "predict",
    PREDICT,
    """
    @torch.no_grad()
    def predict(model: nn.Module, images: Float[Tensor, "b c h w"]) -> tuple[Tensor, Tensor]:
        model.eval()
        with torch.inference_mode():
            return model(images).softmax(dim=1).max(dim=1)
    """,
)
style(
    "a decorator of one's own, with wraps",
    "twice",
    "piece(3)",
    """
    import functools

    def doubled(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            return 2 * function(*args, **kwargs)
        return wrapper
    """,
    """
    @doubled
    def twice(x):
        return x + 1
    """,
)
style(
    "a decorator of one's own, without wraps",
    "twice",
    "piece(3)",
    """
    def times(n):
        def decorate(function):
            return lambda x: n * function(x)
        return decorate
    """,
    """
    @times(7)
    def twice(x):
        return x + 1
    """,
)
style(
    "jaxtyped",
    "AveragePool",
    POOL,
    """
    from jaxtyping import jaxtyped

    class AveragePool(nn.Module):
        @jaxtyped(typechecker=None)
        def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c"]:
            return x.mean(dim=(2, 3))
    """,
)
style(
    "a class whose only method is decorated",
    "NanModule",
    "piece()(torch.ones(2, 2)).isnan().all().item()",
    """
    class NanModule(nn.Module):
        @torch.no_grad()
        def forward(self, x):
            return F.relu(torch.full_like(x, torch.nan))
    """,
)
style(
    "a class with a static method only",
    "Shapes",
    "piece.of(torch.ones(2, 3))",
    """
    class Shapes:
        @staticmethod
        def of(x):
            return tuple(x.shape)
    """,
)
style(
    "class methods and properties",
    "Scale",
    "(piece.of(4).double, piece.of(2).cached)",
    """
    from functools import cached_property

    class Scale:
        @classmethod
        def of(cls, factor):
            self = cls()
            self.factor = factor
            return self

        @property
        def double(self):
            return 2 * self.factor

        @cached_property
        def cached(self):
            return rearrange(torch.ones(2, 1), "a b -> (a b)").tolist() * self.factor
    """,
)
style(
    "a context manager",
    "evaluating",
    "[m.training for m in [torch.nn.ReLU()] for _ in [piece(m).__enter__()]]",
    """
    from contextlib import contextmanager

    @contextmanager
    def evaluating(module):
        was = module.training
        module.eval()
        try:
            yield module
        finally:
            module.train(was)
    """,
)
style(
    "a cached helper",
    "count",
    "piece(10)",
    """
    from functools import lru_cache

    @lru_cache(maxsize=None)
    def fibonacci(n):
        return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)
    """,
    "def count(n):\n    return fibonacci(n)",
    "count(20)",
)
style(
    "a class decorator of one's own",
    "Block",
    "(piece.name, piece()(torch.ones(1)).item())",
    "def named(cls):\n    cls.name = cls.__name__.lower()\n    return cls",
    "@named\nclass Block(nn.Module):\n    def forward(self, x): return x + 1",
)
style(
    "a compiled function",
    "shifted",
    "piece(torch.ones(2)).tolist()",
    "@torch.compile(backend='eager')\ndef shifted(x):\n    return x + 1",
    "shifted(torch.ones(2))",
)

# ---- Classes ----------------------------------------------------------------------------------

style(
    "a class without a method",
    "BatchNorm2d",
    "piece(3)(torch.arange(24.).view(2, 3, 2, 2)).sum().item()",
    'class BatchNorm2d(nn.BatchNorm2d):\n    "PyTorch\'s own."',
)
style(
    "a dataclass",
    "Setting",
    "(piece(3), piece(1) == piece(1, [2]), piece.__doc__ is not None)",
    """
    from dataclasses import dataclass, field

    @dataclass(order=True)
    class Setting:
        width: int
        sizes: list[int] = field(default_factory=lambda: [2])
    """,
)
style(
    "a frozen dataclass as a helper",
    "area",
    "piece(2)",
    """
    from dataclasses import dataclass

    @dataclass(frozen=True)
    class Size:
        height: int
        width: int = 3
    """,
    "def area(h, size=Size(1)):\n    return Size(h).height * size.width",
)
style(
    "a named tuple, written as a call",
    "shape",
    "piece(torch.ones(2, 5))",
    "from collections import namedtuple\nShape = namedtuple('Shape', 'rows columns')",
    "def shape(x):\n    return Shape(*x.shape)",
)
style(
    "typing.NamedTuple and an Enum",
    "mode",
    "(piece(True).mode.name, piece(False).mode.value)",
    """
    from enum import Enum, auto
    from typing import NamedTuple

    class Mode(Enum):
        TRAIN = auto()
        EVAL = auto()

    class State(NamedTuple):
        mode: Mode
        step: int = 0
    """,
    "def mode(training):\n    return State(Mode.TRAIN if training else Mode.EVAL)",
)
style(
    "a generic class with a TypeVar",
    "Box",
    "piece(3).get()",
    """
    from typing import Generic, TypeVar
    T = TypeVar("T", bound=int)

    class Box(Generic[T]):
        def __init__(self, x: T):
            self.x = x

        def get(self) -> T:
            return self.x
    """,
)
style(
    "an abstract base",
    "Square",
    "piece().area(3)",
    """
    import abc

    class Shape(abc.ABC):
        @abc.abstractmethod
        def area(self, x): ...
    """,
    "class Square(Shape):\n    def area(self, x): return x * x",
)
style(
    "a metaclass, slots and dunder methods",
    "Point",
    "(piece(1, 2) + piece(3, 4)).x, piece.registered",
    """
    class Meta(type):
        @property
        def registered(cls):
            return cls.__name__

    class Point(metaclass=Meta):
        __slots__ = ("x", "y")

        def __init__(self, x, y):
            self.x, self.y = x, y

        def __add__(self, other):
            return Point(self.x + other.x, self.y + other.y)
    """,
)
style(
    "a class within a class, and class attributes",
    "Outer",
    "(piece().inner(), piece.SIZES, piece.double(4))",
    """
    class Outer:
        SIZES = [64, 128]
        double = staticmethod(lambda x: 2 * x)

        class Inner:
            def value(self): return Outer.SIZES[0]

        def inner(self):
            return self.Inner().value()
    """,
)
style(
    "derived from one's own base, from another cell",
    "Named",
    "str(piece(3))",
    """
    class Base(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.width = width
    """,
    """
    class Named(Base):
        def extra_repr(self): return f"width={self.width}"
    """,
)
style(
    "another name for a class",
    "AveragePool",
    POOL,
    "class MyPool(nn.Module):\n    def forward(self, x): return x.mean((2, 3))",
    "AveragePool = MyPool",
)
style(
    "batchnorm line by line, under the stub's annotations",
    "BatchNorm2d",
    "piece(2)(torch.arange(8.).view(2, 2, 1, 2)).tolist()",
    '''
    class BatchNorm2d(nn.Module):
        """Batch normalisation of images."""

        weight: Float[nn.Parameter, "channels"]
        running_mean: Float[Tensor, "channels"]
        num_batches_tracked: Int[Tensor, ""]

        def __init__(self, num_features: int, eps=1e-05, momentum=0.1):
            super().__init__()
            self.num_features = num_features
            self.eps = eps
            self.momentum = momentum
            self.weight = nn.Parameter(torch.ones(num_features))
            self.bias = nn.Parameter(torch.zeros(num_features))
            self.register_buffer("running_mean", torch.zeros(num_features))
            self.register_buffer("running_var", torch.ones(num_features))
            self.register_buffer("num_batches_tracked", torch.tensor(0))

        def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
            if self.training:
                mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
                n = x.numel() // x.shape[1]
                if n == 1:
                    raise ValueError("more than 1 value per channel, please")
                with torch.no_grad():
                    self.running_mean.lerp_(mean, self.momentum)
                    self.running_var.lerp_(var * n / (n - 1), self.momentum)
                    self.num_batches_tracked += 1
            else:
                mean, var = self.running_mean, self.running_var
            mean, var, w, b = (
                rearrange(v, "c -> 1 c 1 1") for v in (mean, var, self.weight, self.bias)
            )
            return (x - mean) / (var + self.eps).sqrt() * w + b

        def extra_repr(self) -> str:
            return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"
    ''',
)

# ---- Names ------------------------------------------------------------------------------------

style(
    "an import within a function",
    "root",
    "piece(9)",
    "def root(x):\n    import math\n    from math import floor as down\n"
    "    return down(math.sqrt(x))",
)
style(
    "names bound by match and except",
    "read",
    "(piece({'k': 2}), piece([1, 2, 3]), piece('x'))",
    """
    def read(x):
        match x:
            case {"k": value}:
                return value
            case [first, *rest]:
                return first, rest
        try:
            return int(x)
        except ValueError as problem:
            return str(problem)
    """,
)
style(
    "a local variable called like a global of another method",
    "Two",
    "(piece().one(3), piece().two(3))",
    "factor = 5",
    """
    class Two:
        def one(self, x):
            factor = 2
            return factor * x

        def two(self, x):
            return factor * x
    """,
)
style(
    "walrus, comprehensions and nested functions",
    "pairs",
    "piece(4)",
    "offset = 10",
    """
    def pairs(n):
        total = 0
        def add(x):
            nonlocal total
            total += x
            return total
        return [(y, add(i)) for i in range(n) if (y := i + offset) % 2]
    """,
)
style(
    "definitions under if, with a text in several lines",
    "greet",
    "piece()",
    '''
    if torch.__version__ > "0":
        def greet():
            """Say it.

              With margins.
            """
            return """one
        two
          three"""
    else:
        def greet():
            return "no"
    ''',
)
style(
    "defined in a loop and in a with statement",
    "chosen",
    "piece(2)",
    """
    with torch.no_grad():
        for _ in range(2):
            def chosen(x):
                return x ** 3
    """,
)
style(
    "constants, one of them computed",
    "widths",
    "piece()",
    "WIDTH = 3; DEPTH = WIDTH * 2",
    "SIZES = [WIDTH * i for i in range(DEPTH)]\nNAME, FLAG = 'a', True",
    "def widths():\n    return SIZES, NAME, FLAG, DEPTH",
)
style(
    "a constant that changed since",
    "scaled",
    "piece(2)",
    "FACTOR = 3",
    "FACTOR += 4",
    "def scaled(x):\n    return FACTOR * x",
)
style(
    "a tensor and a layer as constants",
    "normalise",
    "piece(torch.ones(3)).tolist()",
    "MEAN = torch.tensor([0.1, 0.2, 0.3])\nrelu = ReLU()\nKIND = torch.float32",
    "def normalise(x):\n    return relu(x.to(KIND) - MEAN)",
)
style(
    "a table of functions",
    "apply",
    "(piece('relu', torch.tensor([-1.0, 2.0])).tolist(), piece('half', 4))",
    "def half(x):\n    return x / 2",
    "TABLE = {'relu': F.relu, 'half': half, 'double': lambda x: 2 * x}",
    "def apply(name, x):\n    return TABLE[name](x)",
)
style(
    "a lambda",
    "AveragePooled",
    "piece(torch.ones(1, 2, 3, 3)).tolist()",
    "AveragePooled = lambda x: x.mean(dim=(2, 3))",
)
style(
    "a partial",
    "reshaped",
    "tuple(piece(torch.ones(3)).shape)",
    "from functools import partial\nper_channel = partial(torch.reshape, shape=(1, -1, 1, 1))",
    "def reshaped(x):\n    return per_channel(x)",
)
style(
    "two lambdas on a line",
    "second",
    "piece()",
    "first = lambda: 1; second = lambda: first() + 1",
)
style(
    "a pattern, an array and a table that fills itself",
    "found",
    "(piece('a1'), len(piece('a1')[2]))",
    """
    import re
    from collections import defaultdict
    import numpy as np
    DIGIT = re.compile(r"\\d")
    WEIGHTS = np.array([1.0, 2.0])
    seen = defaultdict(list)
    """,
    "def found(text):\n    seen[text].append(1)\n"
    "    return DIGIT.findall(text), WEIGHTS.tolist(), list(seen)",
    "found('a1')",
)
style(
    "made by a function",
    "add_three",
    "piece(4)",
    "def adder(n):\n    def add(x):\n        return x + n\n    return add",
    "add_three = adder(3)",
)
style(
    "functions that use each other",
    "even",
    "(piece(4), piece(5))",
    "def even(n):\n    return n == 0 or odd(n - 1)",
    "def odd(n):\n    return n != 0 and even(n - 1)",
)
style(
    "a helper that changed, saved before",
    "tripled",
    "piece(2)",
    "def helper(x):\n    return 2 * x",
    "def tripled(x):\n    return helper(x)",
    "my_work.save(tripled)",
    "def helper(x):\n    return 3 * x",
)
style(
    "a piece of the same text, whose helper's helper changed",
    "outer",
    "piece()",
    "def inner():\n    return 1",
    "def middle():\n    return inner()",
    "def outer():\n    return middle()",
    "my_work.save(outer)",
    "def inner():\n    return 2",
)
style(
    "a name of Python's own, taken",
    "total",
    "piece([1, 2])",
    "def sum(xs):\n    return 100",
    "def total(xs):\n    return sum(xs)",
)
style(
    "a default that is a function, a class and a list",
    "call",
    "(piece(-1.0)[:2], piece(-1.0)[2] - piece(-1.0)[2])",
    "def call(x, f=F.relu, kind=nn.ReLU, seen=[]):\n    seen.append(x)\n"
    "    return f(torch.tensor(x)).item(), kind.__name__, len(seen)",
    "call(1.0)",
)
style(
    "a counter",
    "counted",
    "(piece(), piece())",
    "count = 0",
    "def counted():\n    global count\n    count += 1\n    return count",
)
style(
    "coroutines and generators",
    "collect",
    "piece(3)",
    """
    import asyncio

    async def numbers(n):
        for i in range(n):
            await asyncio.sleep(0)
            yield i

    async def gather(n):
        return [i async for i in numbers(n)]

    def collect(n):
        coroutine = gather(n)
        try:
            while True:
                coroutine.send(None)
        except StopIteration as done:
            return done.value
    """,
)

# ---- Imports ----------------------------------------------------------------------------------

style(
    "imports under other names",
    "mixed",
    "piece()",
    "import collections as c\nfrom math import pi as half_turn, sqrt as root\nimport os.path",
    "def mixed():\n    return c.Counter('aab'), half_turn, root(4), os.path.join('a', 'b')",
)
style(
    "a module within a package",
    "parse",
    "piece('<a b=\"1\"/>')",
    "import xml.etree.ElementTree\nimport concurrent.futures",
    "def parse(text):\n    with concurrent.futures.ThreadPoolExecutor(1) as pool:\n"
    "        return pool.submit(xml.etree.ElementTree.fromstring, text).result().attrib",
)
style(
    "everything from a module",
    "stars",
    "piece(2.0)",
    "from math import *",
    "def stars(x):\n    return sqrt(x) * pi",
)
style(
    "imported where it can be",
    "optional",
    "piece()",
    "try:\n    import nowhere_to_be_found as json\nexcept ImportError:\n    import json",
    "def optional():\n    return json.dumps([1])",
)
style(
    "annotations of the future",
    "Later",
    "piece().me().__class__.__name__",
    """
    from __future__ import annotations

    class Later:
        def me(self) -> Later:
            def inner(x: Unheard) -> Of: return x
            return inner(self)
    """,
)
style(
    "an alias for a type",
    "typed",
    "piece(torch.ones(2)).tolist()",
    "Vector = Float[Tensor, 'channels']\nNumber = int | float",
    "def typed(x: Vector, y: Number = 2) -> Vector:\n    z: Number = 3\n    return x * y * z",
)

# ---- Cells ------------------------------------------------------------------------------------

style(
    "a cell under %%time",
    "AveragePool",
    POOL,
    "%%time\nclass AveragePool(nn.Module):\n    def forward(self, x):\n"
    "        return einops.reduce(x, 'b c h w -> b c', 'mean')",
)
style(
    "a function under %%time within %%capture",
    "timed",
    "piece()",
    "%%capture\n%time LIMIT = 5",
    "%%time\n!true\ndef timed():\n    return LIMIT",
)
style(
    "a cell with line magics and shell commands",
    "listed",
    "piece()",
    "%config InlineBackend.figure_format = 'retina'\n!true\nfiles = !echo a\n"
    "def listed():\n    found = !echo b\n    return list(found)",
)
style(
    "display within a function",
    "show",
    "piece(3)",
    "def show(x):\n    if x < 0:\n        display(x)\n    return x",
)
style(
    "a line of odd characters",
    "odd",
    "piece()",
    "def before():\n    return 'a\\u2028b\u2028c\x0cd\x85e'",
    "my_work.save(before)",
    "def odd():\n    return 'ü→\u2028', before()",
)
style(
    "comments, backslashes and raw strings",
    "path",
    "piece()",
    r"""
    # what stands above
    def path():  # trailing
        # within
        a = r"\d\n" + \
            "\\"
        b = f"{a!r:>10}{'x' * 2}"
        return a, b  # the end
    """,
)

# ---- Whole lessons ------------------------------------------------------------------------------

style(
    "the NaN hunt, with what its functions share",
    "add_hook",
    "[piece(m), len(piece.__globals__['handles']), len(m._forward_hooks)]"
    " if (m := torch.nn.ReLU()) else 0",
    "from torch.utils.hooks import RemovableHandle",
    "def hook_check_for_nan_output(module: nn.Module, inputs: tuple, output: object) -> None:\n"
    "    outputs = output if isinstance(output, (tuple, list)) else (output,)\n"
    "    for tensor in outputs:\n"
    "        if isinstance(tensor, Tensor) and tensor.isnan().any():\n"
    "            raise ValueError(f'NaN in the output of {module}')",
    "handles: dict[nn.Module, RemovableHandle] = {}  # which module has our hook",
    "def add_hook(module):\n    if module not in handles:\n"
    "        handles[module] = module.register_forward_hook(hook_check_for_nan_output)",
    "def remove_hooks(module):\n    if module in handles:\n        handles.pop(module).remove()",
    "my_work.save(add_hook, remove_hooks)",
)
style(
    "a block on the reference's batchnorm",
    "ResidualBlock",
    "tuple(piece(3, 4, 2)(torch.ones(2, 3, 4, 4)).shape)",
    "BatchNorm2d = my_work.use('BatchNorm2d')",
    """
    class ResidualBlock(nn.Module):
        def __init__(self, in_feats: int, out_feats: int, first_stride=1):
            super().__init__()
            self.left = Sequential(
                Conv2d(in_feats, out_feats, kernel_size=3, stride=first_stride, padding=1),
                BatchNorm2d(out_feats),
                ReLU(),
                Conv2d(out_feats, out_feats, kernel_size=3, padding=1),
                BatchNorm2d(out_feats),
            )
            self.right = nn.Identity()
            if first_stride != 1 or in_feats != out_feats:
                self.right = Sequential(
                    Conv2d(in_feats, out_feats, kernel_size=1, stride=first_stride),
                    BatchNorm2d(out_feats),
                )
            self.relu = ReLU()

        def forward(self, x):
            return self.relu(self.left(x) + self.right(x))
    """,
)


# ---- The two processes ------------------------------------------------------------------------


def save_all(folder: Path) -> None:
    """Type each style into a notebook of its own, and save; print what its answer is here."""
    from IPython.core.interactiveshell import InteractiveShell

    for number, each in enumerate(STYLES):
        os.environ["RESNET_HELPERS_WORK"] = str(folder / str(number))
        Path(os.environ["RESNET_HELPERS_WORK"]).mkdir()
        shell = InteractiveShell()
        result = None
        for cell in (IMPORTS, *each.cells, f"my_work.save({each.piece})"):
            result = shell.run_cell(cell, store_history=True)
            if not result.success:
                break
        answer = result.error_before_exec or result.error_in_exec
        if answer is None:
            with_answer = shell.user_ns | {"piece": shell.user_ns[each.piece]}
            answer = eval(each.answer, with_answer)
        (folder / str(number) / "here").write_text(repr(answer), encoding="utf-8")


def use_all(folder: Path) -> None:
    """Take each piece from its file, and write down what its answer is now."""
    import torch
    from IPython.core.interactiveshell import InteractiveShell

    from resnet_helpers import my_work

    InteractiveShell.instance()
    for number, each in enumerate(STYLES):
        os.environ["RESNET_HELPERS_WORK"] = str(folder / str(number))
        try:
            piece = my_work.use(each.piece)
            answer = eval(each.answer, {"piece": piece, "torch": torch})
            if piece.__module__ != "my_resnet" and "my_resnet" not in sys.modules:
                answer = "the reference"
        except Exception as error:
            answer = error
        (folder / str(number) / "there").write_text(repr(answer), encoding="utf-8")


if __name__ == "__main__":
    {"save": save_all, "use": use_all}[sys.argv[1]](Path(sys.argv[2]))

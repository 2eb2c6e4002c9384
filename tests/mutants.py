"""Every small change to the reference answers, and whether the checks notice it.

    python tests/mutants.py            all definitions of solutions.py
    python tests/mutants.py predict    only those named

A mutant is solutions.py with one operator, constant, axis, argument, condition or statement of one
definition changed. It runs through the trials of that definition's exercise, as a learner's answer
would; it is rejected if any of them comes out wrong.
"""

import ast
import copy
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import resnet_helpers.tests as checks
from resnet_helpers import solutions
from resnet_helpers.tests.outcomes import same

MODULE = ast.parse(Path(solutions.__file__).read_text(encoding="utf-8"))

# ---- What survives, and why -----------------------------------------------------------------

# Whoever survives does what the original does: (definition, a part of the change, why).
EQUIVALENT = (
    ("NamedSequential", "modules[-1]", "there is only one module in this branch"),
    ("BatchNorm2d", "values_per_channel <= 1", "there are no fewer than 1"),
    ("BatchNorm2d", "dim=(2, 0, 3)", "the order of the axes does not matter"),
    ("BatchNorm2d", "dim=(0, 3, 2)", "the order of the axes does not matter"),
    (
        "BatchNorm2d",
        "-> per_channel = (self.num_features, 1, 1)",
        "broadcasting adds an axis in front",
    ),
    ("AveragePool", "dim=(3, 2)", "the order of the axes does not matter"),
    ("ResidualBlock", "first_stride <= 1", "there are no strides below 1"),
    ("NamedResidualBlock", "first_stride > 1", "there are no strides below 1"),
    (
        "ResNet34",
        "MaxPool2d(kernel_size=3, stride=2, padding=1), ReLU())",
        "the maximum and ReLU commute: neither changes the order of values",
    ),
    ("copy_weights", "-> pass", "without the assertion, zip's strict=True raises"),
    ("copy_weights", "-> assert", "what the assertion lets pass, zip's strict=True does not"),
    ("copy_weights", "zip(my_entries, ", "a dictionary's items are its keys"),
    ("copy_weights", "pretrained_entries.values())))", "the assertion compares the lengths"),
    ("copy_weights", "strict=False", "the assertion compares the lengths"),
    ("hook_check_for_nan_output", "(list, tuple)", "isinstance takes them in any order"),
    ("first_divergence", "-> if True", "without no_grad it takes more memory"),
    ("first_divergence", "enable_grad", "without no_grad it takes more memory"),
    ("first_divergence", "outputs_in_order(reference))", "strict=False is zip's default"),
    ("first_divergence", "allclose(output, my_output", "without rtol it is symmetric"),
    ("first_divergence", "return None -> pass", "a function returns None at its end"),
    ("recalibrate", "-> if True", "without no_grad it takes more memory"),
    ("recalibrate", "enable_grad", "without no_grad it takes more memory"),
    ("freeze", "mode=False", "the mode is not read"),
    ("ratio", "start - clock()", "both times are negative then, and the signs cancel"),
    ("FusedBatchNorm2d", "values_per_channel <= 1", "there are no fewer than 1"),
    ("FusedBatchNorm2d", "dim=(2, 0, 3)", "the order of the axes does not matter"),
    ("FusedBatchNorm2d", "dim=(0, 3, 2)", "the order of the axes does not matter"),
    (
        "FusedBatchNorm2d",
        "-> per_channel = (self.num_features, 1, 1)",
        "broadcasting adds an axis in front",
    ),
    ("FusedBatchNorm2d", "scale.view(per_channel), x)", "the factors of a product commute"),
    ("fold_batchnorm", "-> if True", "nn.Parameter cuts its tensor off from the graph"),
    ("fold_batchnorm", "enable_grad", "nn.Parameter cuts its tensor off from the graph"),
    ("fold_batchnorm", "-> if norm.bias", "weight and bias are None in the same batchnorms"),
    ("fold_batchnorm", "-> if norm.weight", "weight and bias are None in the same batchnorms"),
    ("fold_batchnorm", "conv.groups)", "on the CPU it has values, which are replaced"),
)

# Whoever survives differs where the exercise does not say what should happen.
UNASKED = (
    ("NamedSequential", "len(modules) >= 1", "an OrderedDict with more beside it is not allowed"),
    ("ResNet34", "strict=False", "the sequences are of one length"),
    ("ResNet34", "first_strides_per_group)", "the sequences are of one length"),
    ("freeze", "return batchnorm -> pass", "model.train() does not use what train() returns"),
    ("freeze", "train = stay_in_eval_mode", "model.train() does not use what train() returns"),
)

# ---- What is changed into what --------------------------------------------------------------

OPERATORS = {
    ast.Add: (ast.Sub, ast.Mult),
    ast.Sub: (ast.Add, ast.Mult),
    ast.Mult: (ast.Div, ast.Add),
    ast.Div: (ast.Mult, ast.Sub),
    ast.FloorDiv: (ast.Mult, ast.Mod),
}
COMPARISONS = {
    ast.Eq: (ast.NotEq, ast.LtE, ast.GtE),
    ast.NotEq: (ast.Eq, ast.Lt, ast.Gt),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
NAMES = {
    old: new
    for pair in (
        "mean var", "running_mean running_var", "weight bias", "in_feats out_feats", "left right",
        "conv1 conv2", "bn1 bn2", "my_entries pretrained_entries", "my_resnet pretrained_resnet",
        "keys values", "mine reference", "my_name name", "my_output output", "inputs output",
        "any all", "max min", "eval train", "isnan isinf", "softmax log_softmax", "zeros ones",
        "Parameter Buffer", "eps momentum", "modules children", "inference_mode enable_grad",
        "no_grad enable_grad", "in_layers out_layers",
    )
    for old, new in (pair.split(), pair.split()[::-1])
}  # fmt: skip


def changed(node: ast.AST) -> Iterator[ast.AST | None]:
    """What a node can be changed into; None stands for leaving it out of the list it is in."""
    match node:
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value)):
            yield from (ast.Constant(value + 1), ast.Constant(value - 1))
        case ast.Constant(value=float(value)):
            yield from (ast.Constant(value + 1), ast.Constant(value * 2), ast.Constant(value / 2))
        case ast.Constant(value=str(value)):
            yield ast.Constant(value + "x")
        case ast.BinOp(left, operator, right):
            yield from (left, right)
            if not isinstance(operator, (ast.Add, ast.Mult)):
                yield ast.BinOp(right, operator, left)
            for other in OPERATORS.get(type(operator), ()):
                yield ast.BinOp(left, other(), right)
        case ast.AugAssign(target, operator, value):
            for other in OPERATORS.get(type(operator), ()):
                yield ast.AugAssign(target, other(), value)
        case ast.BoolOp(operator, values):
            yield from values
            yield ast.BoolOp(ast.Or() if isinstance(operator, ast.And) else ast.And(), values)
        case ast.UnaryOp(operand=operand):
            yield operand
        case ast.Compare(left, [operator], [right]):
            for other in COMPARISONS.get(type(operator), ()):
                yield ast.Compare(left, [other()], [right])
        case ast.Call(function, arguments, keywords):
            if isinstance(function, ast.Attribute):
                yield function.value  # x.clone() -> x
            if arguments and not isinstance(arguments[0], ast.Starred):
                yield arguments[0]  # relu(x) -> x
            for i in range(len(arguments) - 1):
                yield ast.Call(function, swapped(arguments, i), keywords)
        case ast.Tuple(elements, context) if isinstance(context, ast.Load):
            for i in range(len(elements) - 1):
                yield ast.Tuple(swapped(elements, i), context)
        case ast.Slice():
            yield ast.Slice()
        case ast.Name(name, context) if name in NAMES:
            yield ast.Name(NAMES[name], context)
        case ast.Attribute(value, name, context) if name in NAMES:
            yield ast.Attribute(value, NAMES[name], context)
        case ast.If(test, body, otherwise):
            yield from (ast.If(other, body, otherwise) for other in other_conditions(test))
        case ast.IfExp(test, body, otherwise):
            yield from (ast.IfExp(other, body, otherwise) for other in other_conditions(test))
        case ast.With(_, body):
            yield ast.If(ast.Constant(True), body, [])  # the block without its context
        case ast.Try(body, [], [], final):
            yield ast.If(ast.Constant(True), [*body, *final], [])  # no finally
        case ast.FormattedValue():
            yield ast.Constant("")


def other_conditions(test: ast.expr) -> list[ast.expr]:
    """Conditions to have instead of another one."""
    return [ast.UnaryOp(ast.Not(), test), ast.Constant(True), ast.Constant(False)]


def swapped(nodes: list[ast.AST], i: int) -> list[ast.AST]:
    """The nodes with number i and the next one swapped."""
    return [*nodes[:i], nodes[i + 1], nodes[i], *nodes[i + 2 :]]


# ---- Mutants --------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Mutant:
    """A definition with a change in one line. `tree` is the whole of solutions.py with it."""

    definition: str
    line: str
    new_line: str
    tree: ast.Module

    def __str__(self) -> str:
        return f"{self.definition}: {self.line} -> {self.new_line}"


def mutants(definition: str) -> Iterator[Mutant]:
    """All mutants of a definition, each once."""
    position = next(i for i, n in enumerate(MODULE.body) if getattr(n, "name", "") == definition)
    original = MODULE.body[position]
    seen = {ast.unparse(original)}
    for path in paths(original):
        *_, (field, _) = path
        node = at(original, path)
        alternatives = list(changed(node))
        if isinstance(node, ast.stmt) and not isinstance(node, ast.FunctionDef):
            alternatives.append(ast.Pass())
        elif field in ("args", "keywords", "elts") and not isinstance(
            node, (ast.arguments, ast.arg)
        ):
            alternatives.append(None)  # left out
        for alternative in alternatives:
            mutated = copy.deepcopy(original)
            replace(mutated, path, copy.deepcopy(alternative))
            text = ast.unparse(ast.fix_missing_locations(mutated))
            if text not in seen:
                seen.add(text)
                tree = ast.Module([*MODULE.body], type_ignores=[])
                tree.body[position] = mutated
                yield Mutant(definition, *difference(ast.unparse(original), text), tree)


def paths(node: ast.AST, path=()) -> Iterator[tuple]:
    """The way to every node that may be changed: (field, index in it or None) at each level."""
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "ctx", "decorator_list", "bases"):
            continue
        if field == "msg" or (field == "exc" and not holds_module(value)):
            continue  # an error's wording is free
        children = enumerate(value) if isinstance(value, list) else [(None, value)]
        for index, child in children:
            if not isinstance(child, ast.AST) or is_docstring(child) or is_declaration(child):
                continue
            if isinstance(node, ast.JoinedStr) and isinstance(child, ast.Constant):
                continue  # as is the text between the values that are shown
            yield (*path, (field, index))
            yield from paths(child, (*path, (field, index)))


def holds_module(error: ast.AST | None) -> bool:
    """Whether an error's message shows the module, as the exercise asks for."""
    return error is not None and any(isinstance(n, ast.FormattedValue) for n in ast.walk(error))


def is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def is_declaration(node: ast.AST) -> bool:
    """Whether it only says what type a name has."""
    return isinstance(node, ast.AnnAssign) and node.value is None


def at(node: ast.AST, path: tuple) -> ast.AST:
    """The node at the end of a path."""
    for field, index in path:
        node = getattr(node, field) if index is None else getattr(node, field)[index]
    return node


def replace(tree: ast.AST, path: tuple, node: ast.AST | None) -> None:
    """Put another node at the end of a path, or take the one there out of its list."""
    *way, (field, index) = path
    parent = at(tree, tuple(way))
    if index is None:
        setattr(parent, field, node)
    elif node is None:
        del getattr(parent, field)[index]
    else:
        getattr(parent, field)[index] = node


def difference(old: str, new: str) -> tuple[str, str]:
    """The lines in which two texts differ, without those that they share at the ends."""
    a, b = ([line.strip() for line in text.splitlines()] for text in (old, new))
    while a and b and a[0] == b[0]:
        a, b = a[1:], b[1:]
    while a and b and a[-1] == b[-1]:
        a, b = a[:-1], b[:-1]
    return " | ".join(a), " | ".join(b)


# ---- Running them ---------------------------------------------------------------------------

# by which exercises a definition is judged, and what of the module they look at
JUDGES = {
    exercise.reference.__name__: [(exercise, exercise.reference.__name__)]
    for exercise in checks.EXERCISES
}
JUDGES["NamedResidualBlock"] = [
    (checks.RESIDUAL_BLOCK, "NamedResidualBlock"),
    (checks.NAMED_RESNET34, "named_resnet34"),
]
JUDGES["FusedBatchNorm2d"].append((checks.BATCHNORM2D, "FusedBatchNorm2d"))
EXPECTED = {exercise.name: exercise.outcomes(exercise.reference) for exercise in checks.EXERCISES}
DEFINITIONS = [node.name for node in MODULE.body if getattr(node, "name", "") in JUDGES]


def namespace(mutant: Mutant) -> dict:
    """What solutions.py defines with the change in it."""
    names = {"__name__": "mutant"}
    exec(compile(mutant.tree, "mutant.py", "exec"), names)
    return names


def is_rejected(mutant: Mutant) -> bool:
    """Whether a trial of its exercise comes out wrong, or the definition doesn't even run."""
    try:
        names = namespace(mutant)
    except Exception:
        return True
    for exercise, name in JUDGES[mutant.definition]:
        outcomes, expected = exercise.outcomes(names[name]), EXPECTED[exercise.name]
        for trial in sorted(exercise.trials, key=lambda trial: trial.slow):
            if not same(outcomes[trial], expected[trial]):
                return True
    return False


@cache
def survivors(definition: str) -> tuple[list[Mutant], int]:
    """The mutants of a definition that no check rejects, and how many mutants there are."""
    everyone = list(mutants(definition))
    return [mutant for mutant in everyone if not is_rejected(mutant)], len(everyone)


def reasons(mutant: Mutant, table: tuple) -> list[str]:
    """The reasons that a table gives for this mutant's survival."""
    return [why for name, part, why in table if name == mutant.definition and part in str(mutant)]


def main() -> None:
    """Print the survivors with the reasons, and what share of the others was rejected."""
    n_mutants = n_equivalent = n_survivors = 0
    for definition in sys.argv[1:] or DEFINITIONS:
        alive, total = survivors(definition)
        print(f"{definition}: {total - len(alive)} of {total} rejected")
        for mutant in alive:
            equivalent = reasons(mutant, EQUIVALENT)
            why = (*equivalent, *reasons(mutant, UNASKED), "NO REASON")[0]
            print(f"    {mutant.line}\n    -> {mutant.new_line}\n       {why}")
            n_equivalent += bool(equivalent)
        n_mutants += total
        n_survivors += len(alive)
    share = (n_mutants - n_survivors) / (n_mutants - n_equivalent)
    print(
        f"{n_mutants} mutants, {n_equivalent} of which do the same as the original; of the others "
        f"{share:.1%} are rejected"
    )


if __name__ == "__main__":
    main()

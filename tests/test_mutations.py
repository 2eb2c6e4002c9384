"""The checks notice nearly every small change to the reference answers."""

import ast

import mutants
import pytest

import resnet_helpers.tests as checks
from resnet_helpers.tests.failure import CheckFailure


def changes_of(definition):
    return {(mutant.line, mutant.new_line) for mutant in mutants.mutants(definition)}


# ---- The mutants ----------------------------------------------------------------------------


def test_every_kind_of_thing_is_changed():
    assert changes_of("AveragePool") == {
        ("return x.mean(dim=(2, 3))", f"{new}")
        for new in (
            "pass",
            "return x",
            "return x.mean()",
            "return x.var(dim=(2, 3))",
            "return x.mean(dim=(3, 2))",
            "return x.mean(dim=(1, 3))",
            "return x.mean(dim=(3, 3))",
            "return x.mean(dim=(2, 2))",
            "return x.mean(dim=(2, 4))",
            "return x.mean(dim=(2,))",
            "return x.mean(dim=(3,))",
        )
    }
    conditions = {new for line, new in changes_of("remove_hooks") if line.startswith("if ")}
    assert conditions == {
        "if module not in handles:",
        "if not module in handles:",
        "if True:",
        "if False:",
        "pass",
    }
    assert {
        "self.running_mean = (m - 1) * self.running_mean + m * mean",  # sides swapped
        "self.running_mean = (1 - m) * self.running_mean",  # left out
        "self.running_var = (1 - m) * self.running_mean + m * unbiased_var",  # another name
        "self.num_batches_tracked -= 1",
        "self.num_batches_tracked += 2",
    } <= {new for _, new in changes_of("BatchNorm2d")}


def test_all_definitions_of_the_solutions_are_judged_by_a_check():
    names = {n.name for n in mutants.MODULE.body if isinstance(n, (ast.ClassDef, ast.FunctionDef))}
    in_words = {"diagnoses", "run_diagnoses"}  # nothing is computed there
    assert names - in_words == set(mutants.DEFINITIONS)


@pytest.mark.parametrize("definition", mutants.DEFINITIONS)
def test_the_original_is_not_rejected(definition):
    assert not mutants.is_rejected(mutants.Mutant(definition, "", "", mutants.MODULE))


@pytest.mark.parametrize("definition", ["AveragePool", "predict", "remove_hooks"])
def test_rejected_mutants_are_those_whose_check_fails(definition):
    [(exercise, name)] = mutants.JUDGES[definition]
    for mutant in mutants.mutants(definition):
        failed = False
        for check in exercise.checks:
            try:
                getattr(checks, check)(mutants.namespace(mutant)[name])
            except CheckFailure:
                failed = True
        assert failed == mutants.is_rejected(mutant), mutant

"""What survives of all small changes to the reference answers is explained."""

import mutants
import pytest


@pytest.mark.parametrize("definition", mutants.DEFINITIONS)
def test_every_survivor_is_explained_once(definition):
    alive, _ = mutants.survivors(definition)
    tables = mutants.EQUIVALENT + mutants.UNASKED
    assert {str(mutant): len(mutants.reasons(mutant, tables)) for mutant in alive} == {
        str(mutant): 1 for mutant in alive
    }


@pytest.mark.parametrize("explanation", mutants.EQUIVALENT + mutants.UNASKED, ids=" ".join)
def test_every_explanation_explains_a_survivor(explanation):
    alive, _ = mutants.survivors(explanation[0])
    assert any(mutants.reasons(mutant, (explanation,)) for mutant in alive)


def test_98_percent_of_the_mutants_that_do_something_else_are_rejected():
    results = [mutants.survivors(definition) for definition in mutants.DEFINITIONS]
    alive = [mutant for found, _ in results for mutant in found]
    total = sum(number for _, number in results)
    equivalent = sum(bool(mutants.reasons(mutant, mutants.EQUIVALENT)) for mutant in alive)
    assert total > 1000
    assert equivalent < 0.03 * total
    assert (total - len(alive)) / (total - equivalent) >= 0.98

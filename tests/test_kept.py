"""The weights that `train` keeps are no worse than the last, by what the family reports."""

import pytest

import genai_basics as gb
from benchmarks.monitors import REPORTED
from genai_basics.recipes import RECIPES
from genai_basics.runs.run_files import restore

NOISE = 1.1  # two evaluations of equally good weights differ by about a tenth


def test_every_generative_model_is_compared():
    assert set(REPORTED) == {name for name, recipe in RECIPES.items() if "samples" in recipe.can}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "measure"), REPORTED.items())
def test_what_is_kept_is_no_worse_than_the_last_weights(name, measure, tmp_path):
    run = gb.train(name, minutes=0.2, audit=False, out=tmp_path / "run")
    part = run.data().test
    kept = run.model.report(part.x, part.y)[0][measure]
    restore(run.folder / "checkpoints" / "last.npz", weights=run.model.variables)
    last = run.model.report(part.x, part.y)[0][measure]
    assert kept <= NOISE * last

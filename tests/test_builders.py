"""Builders' arguments: what is valid works from training to sampling, the rest is named."""

import pytest

from benchmarks.reliability.builders import survey


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mlp", "cnn", "autoencoder", "vae", "gan", "diffusion"])
def test_arguments_work_to_the_end_or_are_refused_by_name(name):
    found, wrong = survey(name, 20)
    assert found["built"] > 2
    assert found["refused"] > 2
    assert not wrong

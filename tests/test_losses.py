"""Adversarial losses against numbers computed by hand from their formulas."""

import math

import keras
import numpy as np
import pytest
from keras import ops

from genai_basics.backend import gradients
from genai_basics.losses import adversarial_losses, gradient_penalty, r1_penalty

REAL, FAKE = np.array([[2.0], [-1.0]], "float32"), np.array([[0.5], [-3.0]], "float32")


def softplus(x):
    return math.log1p(math.exp(x))


EXPECTED = {  # name: (discriminator, generator)
    "non_saturating": (
        (softplus(-2) + softplus(1)) / 2 + (softplus(0.5) + softplus(-3)) / 2,
        (softplus(-0.5) + softplus(3)) / 2,
    ),
    "hinge": ((0 + 2) / 2 + (1.5 + 0) / 2, 1.25),
    "least_squares": (((1 + 4) / 2 + (0.25 + 9) / 2) / 2, (0.25 + 16) / 2 / 2),
    "wasserstein": (-1.25 - 0.5, 1.25),
    # The means are 0.5 and -1.25, so real scores are 3.25 and 0.25 above the generated ones,
    # and those 0.0 and -3.5 above the real ones.
    "relativistic": (
        (softplus(-3.25) + softplus(-0.25)) / 2 + (softplus(0.0) + softplus(-3.5)) / 2,
        (softplus(3.25) + softplus(0.25)) / 2 + (softplus(0.0) + softplus(3.5)) / 2,
    ),
}


def total(sides):
    """The mean loss of real examples plus the mean loss of generated ones."""
    return sum(float(ops.mean(side)) for side in sides if side is not None)


@pytest.mark.parametrize("name", EXPECTED)
def test_losses_have_the_papers_signs_and_scales(name):
    losses, expected = adversarial_losses(name), EXPECTED[name]
    assert total(losses.discriminator(REAL, FAKE)) == pytest.approx(expected[0], rel=1e-6)
    assert total(losses.generator(REAL, FAKE)) == pytest.approx(expected[1], rel=1e-6)
    assert all(side.shape == (2, 1) for side in losses.discriminator(REAL, FAKE))


@pytest.mark.parametrize("name", EXPECTED)
def test_generator_gains_where_its_scores_rise(name):
    losses = adversarial_losses(name)
    assert total(losses.generator(REAL, FAKE + 0.1)) < total(losses.generator(REAL, FAKE))


@pytest.mark.parametrize("name", EXPECTED)
def test_only_relative_losses_of_the_generator_depend_on_real_scores(name):
    losses = adversarial_losses(name)
    changed = total(losses.generator(REAL + 1.0, FAKE)) != total(losses.generator(REAL, FAKE))
    assert changed == (losses.middle is None) == (name == "relativistic")


def test_a_number_added_to_all_scores_does_not_change_a_relativistic_loss():
    losses = adversarial_losses("relativistic")
    for player in (losses.discriminator, losses.generator):
        assert total(player(REAL + 7.0, FAKE + 7.0)) == pytest.approx(total(player(REAL, FAKE)))


def test_a_loss_is_a_name_a_pair_or_one_function_that_the_players_swap():
    pair = adversarial_losses("hinge")[:2]
    assert adversarial_losses(pair)[:2] == pair
    losses = adversarial_losses(lambda real, fake: (-real, 2.0 * fake))
    assert total(losses.discriminator(REAL, FAKE)) == -0.5 - 2.5
    assert total(losses.generator(REAL, FAKE)) == 2.0 * 0.5 + 1.25
    for wrong in ((1, 2), pair[:1]):
        with pytest.raises(ValueError, match=r"a pair of functions.*Received: loss="):
            adversarial_losses(wrong)


def test_unknown_loss_lists_the_known():
    with pytest.raises(ValueError, match=r'"hinge".*"wasserstein".*Received: loss=\'minimax\''):
        adversarial_losses("minimax")


def test_gradient_penalty_of_a_linear_score():
    """D(x) = 3 x_1 + 4 x_2 has a slope of 5 everywhere: (5 - 1)^2 = 16."""
    weights = np.array([[3.0], [4.0]], "float32")
    x = np.random.default_rng(0).normal(size=(6, 2)).astype("float32")
    epsilon = np.linspace(0, 1, 6).astype("float32")
    penalty = gradient_penalty(lambda x: ops.matmul(x, weights), x, -x, epsilon)
    assert float(penalty) == pytest.approx(16.0, rel=1e-5)


def test_gradient_penalty_counts_slopes_below_one_too():
    weights = np.array([[0.5]], "float32")
    x = np.ones((4, 1), "float32")
    penalty = gradient_penalty(lambda x: ops.matmul(x, weights), x, x, np.zeros(4, "float32"))
    assert float(penalty) == pytest.approx(0.25, rel=1e-5)  # two-sided


def test_penalties_against_finite_differences():
    network = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(8, "tanh"), keras.layers.Dense(1)]
    )
    rng = np.random.default_rng(1)
    real, fake = (rng.normal(size=(5, 3)).astype("float32") for _ in range(2))
    epsilon = rng.uniform(size=5).astype("float32")

    def slopes(x, h=1e-2):
        columns = []
        for axis in range(3):
            step = np.zeros(3, "float32")
            step[axis] = h
            difference = network(x + step) - network(x - step)
            columns.append(ops.convert_to_numpy(difference)[:, 0] / (2 * h))
        return np.stack(columns, axis=1)

    middle = epsilon[:, None] * real + (1 - epsilon[:, None]) * fake
    expected = np.mean((np.linalg.norm(slopes(middle), axis=1) - 1) ** 2)
    assert float(gradient_penalty(network, real, fake, epsilon)) == pytest.approx(
        expected, rel=1e-2
    )
    expected = np.mean(np.square(slopes(real)).sum(axis=1)) / 2
    assert float(r1_penalty(network, real)) == pytest.approx(expected, rel=1e-2)


def test_penalty_has_a_gradient_of_its_own():
    """R1 of D(x) = w x is w^2 / 2, whose slope in w is w."""
    w = ops.convert_to_tensor(np.array([[3.0]], "float32"))
    x = np.ones((4, 1), "float32")
    value, slope = gradients(lambda w: r1_penalty(lambda x: ops.matmul(x, w), ops.array(x)), w)
    assert float(value) == pytest.approx(4.5)
    assert float(slope[0, 0]) == pytest.approx(3.0)

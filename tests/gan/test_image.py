"""The GAN for images and vectors: its two players, its training step, its samples."""

import itertools
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops

import genai_basics as gb
from genai_basics import metrics
from genai_basics.gan.players import Unmoved
from genai_basics.layers import great_circles
from genai_basics.losses import ADVERSARIAL_LOSSES, r1_penalty
from genai_basics.metrics.features import FeatureStatistics
from genai_basics.metrics.intervals import share_interval


@pytest.fixture(scope="module")
def digits():
    return gb.load_data("digits")


@pytest.fixture(scope="module")
def trained(digits):
    """A conditional GAN after short training, with its history."""
    keras.utils.set_random_seed(0)
    gan = gb.build_gan((8, 8, 1), num_classes=10, seed=0)
    gan.compile()
    history = gan.fit(digits.train.x, digits.train.y, epochs=30, verbose=0)
    return gan, history.history


def tiny(**options):
    gan = gb.build_gan(
        **{"input_shape": (4,), "latent_dim": 2, "hidden_units": (8,), "seed": 0} | options
    )
    gan.compile(run_eagerly=True)
    gan.build_optimizers()
    return gan


def vectors(n=16, d=4):
    return np.random.default_rng(0).normal(size=(n, d)).astype("float32")


def values(variables):
    return [np.asarray(ops.convert_to_numpy(v)) for v in variables]


def same(before, after):
    return all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def with_batch_statistics():
    """A GAN with batch normalization in both networks."""
    normalize = keras.layers.BatchNormalization
    generator = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(8), normalize(), keras.layers.Dense(4)]
    )
    discriminator = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(8), normalize(), keras.layers.Dense(1)]
    )
    gan = gb.GAN(generator, discriminator, discriminator_steps=3, seed=0)
    return gan


@pytest.mark.parametrize("player", ["generator", "discriminator"])
def test_a_players_step_leaves_the_other_alone(player):
    gan = with_batch_statistics()
    still = keras.optimizers.SGD(0.0)
    moving = keras.optimizers.SGD(0.1)
    gan.compile(
        g_optimizer=moving if player == "generator" else still,
        d_optimizer=moving if player == "discriminator" else still,
        run_eagerly=True,
    )
    players = {"generator": gan.generator, "discriminator": gan.discriminator}
    other = players[{"generator": "discriminator", "discriminator": "generator"}[player]]
    mine, others = (values(p.trainable_variables) for p in (players[player], other))
    gan.fit(vectors(), batch_size=16, verbose=0)
    assert same(others, values(other.trainable_variables))
    assert not same(mine, values(players[player].trainable_variables))


def test_batch_statistics_move_with_their_own_players_step_only():
    gan = with_batch_statistics()
    players = {"generator": gan.generator, "discriminator": gan.discriminator}
    before = {name: values(player.non_trainable_weights) for name, player in players.items()}
    with Unmoved(gan.discriminator):
        gan.loss_terms(vectors(), training=True, player="generator")
    assert same(before["discriminator"], values(gan.discriminator.non_trainable_weights))
    assert not same(before["generator"], values(gan.generator.non_trainable_weights))
    before = values(gan.generator.non_trainable_weights)
    with Unmoved(gan.generator):
        fake = gan.generate_batch(vectors(16, 2), training=True)
    gan.loss_terms(vectors(), training=True, fake=fake)
    assert same(before, values(gan.generator.non_trainable_weights))


@pytest.mark.parametrize("steps", [1, 3])
def test_one_forward_pass_of_the_generator_a_step(steps, monkeypatch):
    gan, calls = tiny(discriminator_steps=steps), []
    usual = gan.generate_batch
    monkeypatch.setattr(gan, "generate_batch", lambda *a, **k: calls.append(1) or usual(*a, **k))
    gan.train_step((ops.convert_to_tensor(vectors()),))
    assert len(calls) == steps


def mean_of(sides):
    """The mean loss of real examples plus the mean loss of fakes."""
    return sum(float(ops.mean(side)) for side in sides if side is not None)


@pytest.mark.parametrize("loss", ADVERSARIAL_LOSSES)
def test_real_examples_under_other_labels_are_fakes_to_the_discriminator(loss):
    gan = tiny(num_classes=3, loss=loss)
    gan.penalty = "none"
    x, fake = ops.convert_to_tensor(vectors(16)), ops.convert_to_tensor(3.0 * vectors(16))
    y = np.arange(16) % 3
    label = gan.one_hot(y)
    wrong = gan.other_labels(label)
    assert ops.convert_to_numpy(ops.sum(wrong, axis=1)).tolist() == [1.0] * 16
    assert float(ops.max(wrong * label)) == 0.0
    gan.other_labels = lambda label: ops.roll(label, 1, axis=1)
    real_score, fake_score = gan.score(x, label), gan.score(fake, label)
    wrong_score = gan.score(x[::4], ops.roll(label[::4], 1, axis=1))
    discriminator, generator, _ = gan.players_losses
    terms = gan.loss_terms(x, y, training=True, fake=fake)
    assert all(term.shape == (16,) for term in terms.values())
    expected = discriminator(real_score, ops.concatenate([fake_score, wrong_score]))
    assert mean_of([terms["d_loss"]]) == pytest.approx(mean_of(expected), rel=1e-5)
    terms = gan.loss_terms(x, y, fake=fake)
    expected = discriminator(real_score, fake_score)
    assert mean_of([terms["d_loss"]]) == pytest.approx(mean_of(expected), rel=1e-5)
    expected = generator(real_score, fake_score)
    for found in (terms, gan.loss_terms(x, y, fake=fake, player="generator")):
        assert mean_of([found["loss"]]) == pytest.approx(mean_of(expected), rel=1e-5)


def test_losses_of_single_examples():
    gan = tiny()
    x, fake = ops.convert_to_tensor(vectors(8)), ops.convert_to_tensor(3.0 * vectors(8))
    terms = gan.loss_terms(x, fake=fake)
    real, fake = (ops.convert_to_numpy(gan.score(side))[:, 0] for side in (x, fake))
    np.testing.assert_allclose(terms["loss"], np.log1p(np.exp(-fake)), rtol=1e-5)
    d_loss = np.log1p(np.exp(-real)) + np.log1p(np.exp(fake))
    np.testing.assert_allclose(terms["d_loss"], d_loss, rtol=1e-5)
    np.testing.assert_array_equal(terms["real_accuracy"], real > 0)
    np.testing.assert_array_equal(terms["fake_accuracy"], fake < 0)


@keras.saving.register_keras_serializable(package="tests")
def cubic(real, fake):
    return (1.0 - real) ** 2, (1.0 + fake) ** 2


@pytest.mark.parametrize("loss", [cubic, (cubic, cubic)])
def test_a_loss_of_ones_own_trains_and_is_saved(loss, tmp_path):
    gan = tiny(loss=loss)
    history = gan.fit(vectors(64), batch_size=16, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    gan.save(tmp_path / "gan.keras")
    again = keras.models.load_model(tmp_path / "gan.keras")
    x, fake = vectors(8), 2.0 * vectors(8)
    for name, term in gan.loss_terms(x, fake=fake).items():
        np.testing.assert_allclose(again.loss_terms(x, fake=fake)[name], term, rtol=1e-6)


def test_r1_counts_the_data_and_r2_the_samples_too():
    x, fake = ops.convert_to_tensor(vectors(16)), ops.convert_to_tensor(3.0 * vectors(16))
    penalty = {}
    for name in ("r1", "r1_r2"):
        gan = tiny(penalty=name)
        penalty[name] = float(gan.slope_penalty(x, fake))
        of_data, of_samples = (float(r1_penalty(gan.score, side[::4])) for side in (x, fake))
    assert penalty["r1"] == pytest.approx(of_data, rel=1e-5)
    assert penalty["r1_r2"] == pytest.approx(of_data + of_samples, rel=1e-5)


@pytest.mark.parametrize(
    "options",
    [
        {"loss": loss, "penalty": penalty, "spectral_normalization": spectral}
        for (loss, penalty), spectral in itertools.product(
            [
                ("non_saturating", None),
                ("hinge", "r1"),
                ("least_squares", "r1_r2"),
                ("wasserstein", None),
                ("relativistic", "r1_r2"),
            ],
            [False, True],
        )
    ],
)
def test_every_loss_trains_every_weight(options):
    gan = tiny(num_classes=3, **options)
    before = {v.path: np.array(ops.convert_to_numpy(v)) for v in gan.trainable_variables}
    logs = gan.fit(vectors(32), np.arange(32) % 3, batch_size=16, verbose=0).history
    assert all(np.isfinite(value).all() for value in logs.values())
    still = [v.path for v in gan.trainable_variables if np.array_equal(before[v.path], v.numpy())]
    # Adding a constant to all scores changes neither Wasserstein's difference of means nor a
    # relativistic loss.
    assert [path for path in still if not path.endswith("score/bias")] == []


def test_wasserstein_has_a_penalty_unless_it_is_bounded_already():
    assert gb.build_gan((4,), loss="wasserstein").penalty == "gradient"
    assert gb.build_gan((4,), loss="wasserstein", spectral_normalization=True).penalty == "none"
    assert gb.build_gan((4,)).penalty == "none"


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((8, 8, 3), {"network": "conv"}),
        ((17, 30, 1), {}),
        ((64, 64, 3), {"filters": (4, 8)}),
        ((128, 128, 1), {"filters": (4,)}),
        ((5,), {}),
    ],
)
def test_networks_fit_pictures_of_all_sizes(shape, options):
    gan = gb.build_gan(shape, num_classes=2, seed=0, **options)
    assert gan.sample(2, seed=0).shape == (2, *shape)
    assert gan.discriminator.output.shape == (None, 1)


@pytest.mark.slow
def test_short_training_obeys_labels(trained, digits):
    gan, history = trained
    metrics, intervals = gan.report(digits.test.x, digits.test.y)
    assert metrics["label_obedience"] > 0.8
    assert (
        intervals["label_obedience"][0]
        < metrics["label_obedience"]
        < intervals["label_obedience"][1]
    )
    assert metrics["frechet_distance"] < 40
    assert 0.6 < metrics["diversity"] < 1.4
    assert sum(v for k, v in metrics.items() if k.startswith("share_")) == pytest.approx(1.0)
    assert np.isfinite(history["loss"]).all()


@pytest.mark.slow
def test_same_seed_same_samples_in_a_new_process(trained, tmp_path):
    gan, _ = trained
    gan.save(tmp_path / "gan.keras")
    np.save(tmp_path / "z.npy", gan.sample(20, seed=7, labels=[3, 5], truncation=1.5))
    code = (
        "import keras, numpy as np, genai_basics\n"
        f"gan = keras.models.load_model(r'{tmp_path}/gan.keras')\n"
        f"expected = np.load(r'{tmp_path}/z.npy')\n"
        "assert (gan.sample(20, seed=7, labels=[3, 5], truncation=1.5) == expected).all()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)


@pytest.mark.slow
def test_training_goes_on_after_loading_without_a_jump(digits, tmp_path):
    x, y = digits.train.x[:256], digits.train.y[:256]

    def build():
        gan = gb.build_gan((8, 8, 1), 4, num_classes=10, hidden_units=(16,), seed=3)
        gan.compile()
        return gan

    whole = build().fit(x, y, epochs=4, batch_size=64, verbose=0).history
    half = build()
    half.adapted.assign(0.0)
    progress = gb.model.Progress(epochs=4)
    half.fit(x, y, epochs=2, batch_size=64, verbose=0, callbacks=[progress])
    half.save(tmp_path / "gan.keras")
    again = keras.models.load_model(tmp_path / "gan.keras")
    assert [int(o.iterations) for o, _ in again.players()] == [8, 8]
    rest = again.fit(x, y, epochs=4, initial_epoch=2, batch_size=64, verbose=0).history
    for name in ("loss", "d_loss"):
        np.testing.assert_allclose(rest[name], whole[name][2:], rtol=1e-4)


def test_compile_takes_two_optimizers_and_keeps_them(tmp_path):
    gan = tiny()
    gan.compile(g_optimizer=keras.optimizers.Adam(1e-3), d_optimizer=keras.optimizers.SGD(1e-2))
    gan.fit(vectors(), verbose=0)
    gan.save(tmp_path / "gan.keras")
    again = keras.models.load_model(tmp_path / "gan.keras")
    assert isinstance(again.d_optimizer, keras.optimizers.SGD)
    assert float(again.optimizer.learning_rate) == pytest.approx(1e-3)
    assert float(again.d_optimizer.learning_rate) == pytest.approx(1e-2)
    with pytest.raises(ValueError, match="`g_optimizer` or `optimizer`"):
        gan.compile(g_optimizer="adam", optimizer="adam")
    with pytest.raises(ValueError, match="choose it by `loss` of build_gan"):
        gan.compile(loss="mse")


@pytest.mark.slow
def test_truncation_makes_samples_more_alike(trained):
    gan, _ = trained
    wide = gan.sample(200, seed=0, labels=[3]).astype("float32")
    narrow = gan.sample(200, seed=0, labels=[3], truncation=0.3).astype("float32")
    assert narrow.var(axis=0).sum() < 0.5 * wide.var(axis=0).sum()
    with pytest.raises(ValueError, match="truncation=0"):
        gan.sample(1, truncation=0)


@pytest.mark.slow
def test_walks_go_in_small_steps(trained):
    gan, _ = trained
    walk = gan.sample(32, seed=0, interpolate=16, labels=[4]).astype("float32")
    steps = np.abs(np.diff(walk, axis=0)).mean(axis=(1, 2, 3))
    apart = np.abs(walk[0] - walk[16]).mean()
    assert walk.shape == (32, 8, 8, 1)
    assert steps.max() < apart


def test_great_circles_keep_the_length():
    corners = np.array([[3.0, 0.0], [0.0, 3.0], [-3.0, 0.0]])
    points = great_circles(corners, 4)
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 3.0)
    np.testing.assert_allclose(points[[0, 4]], corners[:2], atol=1e-12)


def test_feature_statistics_are_the_frechet_distance():
    rng = np.random.default_rng(0)
    real = rng.normal(size=(500, 6)).astype("float32")
    fake = (rng.normal(size=(500, 6)) * 1.5 + 0.3).astype("float32")
    statistics = FeatureStatistics(6)
    for start in range(0, 500, 100):
        statistics.update_state(real[start : start + 100], fake[start : start + 100])
    assert statistics.distance() == pytest.approx(metrics.frechet_distance(real, fake), rel=0.01)


@pytest.mark.slow
def test_validation_measures_the_averaged_generator(trained, digits):
    gan, _ = trained
    first = gan.evaluate(digits.test.x, digits.test.y, verbose=0, return_dict=True)
    again = gan.evaluate(digits.test.x, digits.test.y, verbose=0, return_dict=True)
    assert first == again  # noise with a fixed seed
    assert first["frechet_distance"] > 0
    listed = gan.evaluate(digits.test.x, digits.test.y, verbose=0)
    assert listed == list(first.values())


def test_features_can_be_handed_in(digits):
    features = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten()])
    gan = gb.build_gan((8, 8, 1), 2, hidden_units=(8,), features=features, seed=0)
    gan.compile()
    gan.fit(digits.train.x[:128], verbose=0)
    assert gan.features_of(digits.test.x[:5]).shape == (5, 64)
    np.testing.assert_allclose(
        gan.features_of(digits.test.x[:5]), digits.test.x[:5].reshape(5, -1) / 255.0, atol=1e-5
    )


@pytest.mark.slow
def test_verbs_for_the_commands(trained, digits):
    gan, _ = trained
    rows, outputs = gan.answer(digits.test.x[:6])
    assert outputs is None
    assert set(rows[0]) == {"label", "score"}
    pictures = gan.pictures(digits.test.x, digits.test.y)
    assert set(pictures) == {"samples_by_class", "walk"}
    assert all(picture.dtype == np.uint8 for picture in pictures.values())
    assert gan.predict(digits.test.x[:5], digits.test.y[:5], verbose=0).shape == (5, 1)


def healthy(**values):
    usual = {"diversity": 0.9, "real_accuracy": 0.8, "fake_accuracy": 0.8}
    return [{**usual, "generator_norm": 2.0, "discriminator_norm": 2.0, **values}] * 6


@pytest.mark.parametrize(
    ("values", "name", "argument"),
    [
        ({"val_diversity": 0.02}, "mode_collapse", "penalty='r1'"),
        ({"real_accuracy": 1.0, "fake_accuracy": 1.0}, "overpowering_discriminator", "d_optimizer"),
        ({"generator_norm": 1e5}, "divergence", "learning_rate"),
    ],
)
def test_symptoms_name_what_to_change(values, name, argument):
    gan = tiny()
    assert gan.symptoms(healthy()) == {}
    found = gan.symptoms(healthy(**values))
    assert list(found) == [name]
    assert argument in found[name]


def test_only_gans_of_pictures_are_told_to_augment():
    told = healthy(real_accuracy=1.0, fake_accuracy=1.0)
    vectors, pictures = gb.build_gan((4,)), gb.build_gan((8, 8, 1))
    music = gb.build_music_gan(2, 60, 72, steps=8, units=4)
    for gan, expected in ((vectors, False), (pictures, True), (music, False)):
        advice = [gan.remedy, *gan.symptoms(told).values()]
        assert len(advice) == 2
        assert all(("augment" in text) == expected for text in advice)


def test_share_interval_is_wilsons():
    low, high = share_interval(9, 10)
    assert (low, high) == (pytest.approx(0.5958, abs=1e-3), pytest.approx(0.9821, abs=1e-3))


# Bad input.


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"latent_dim": 0}, "`latent_dim` must be at least 1. Received: latent_dim=0"),
        ({"loss": "minimax"}, '"non_saturating", "hinge", "least_squares", "wasserstein"'),
        ({"penalty": "l2"}, "Received: penalty='l2'"),
        ({"discriminator_steps": 0}, "Received: discriminator_steps=0"),
        ({"ema": 1.0}, "Received: ema=1.0"),
        ({"num_classes": 1}, "Received: num_classes=1"),
        ({"network": "resnet"}, "Received: network='resnet'"),
        ({"input_shape": (4, 4)}, r"Received: input_shape=\(4, 4\)"),
        ({"input_shape": (4, 4, 1), "network": "conv"}, "images of at least 8x8 pixels"),
        ({"input_shape": (4,), "augment": ("cutout",)}, "changes pictures, not vectors"),
    ],
)
def test_wrong_arguments_are_refused_in_one_sentence(options, message):
    with pytest.raises(ValueError, match=message):
        gb.build_gan(**options)


def test_a_conditional_gan_needs_labels_it_knows():
    gan = tiny(num_classes=3, class_names=("a", "b", "c"))
    with pytest.raises(ValueError, match="needs labels"):
        gan.fit(vectors())
    with pytest.raises(ValueError, match=r"labels must be among a, b, c\. Received: d"):
        gan.sample(1, labels=["d"])
    with pytest.raises(ValueError, match="between 0 and 2"):
        gan.sample(1, labels=[3])


def test_not_a_number_is_refused():
    x = vectors()
    x[3, 1] = np.nan
    with pytest.raises(ValueError, match="must be finite"):
        tiny().fit(x, verbose=0)


@pytest.mark.slow
@pytest.mark.parametrize("n", [1, 3])
def test_few_pictures_train_and_sample(n, digits):
    gan = gb.build_gan((8, 8, 1), 2, hidden_units=(8,), num_classes=10, seed=0)
    gan.compile()
    x, y = digits.train.x[:n], digits.train.y[:n]
    history = gan.fit(x, y, epochs=2, verbose=0, validation_data=(x, y))
    assert np.isfinite(history.history["loss"]).all()
    assert np.isfinite(gan.report(x, y)[0]["diversity"])


def test_equal_pictures_train_and_are_learned_as_such():
    gan = gb.build_gan((8, 8, 1), 2, hidden_units=(8,), seed=0)
    gan.compile()
    history = gan.fit(np.full((64, 8, 8, 1), 100, "uint8"), epochs=2, verbose=0)
    assert np.isfinite(history.history["diversity"]).all()


@pytest.mark.slow
def test_ten_seeds_and_none_collapses(digits):
    for seed in range(10):
        keras.utils.set_random_seed(seed)
        gan = gb.build_gan((8, 8, 1), num_classes=10, seed=seed)
        gan.compile()
        doctor = gb.Doctor()
        gan.fit(digits.train.x, digits.train.y, epochs=40, callbacks=[doctor], verbose=0)
        report, _ = gan.report(digits.test.x, digits.test.y)
        assert "mode_collapse" not in doctor.findings, seed
        assert report["diversity"] > 0.6, seed
        assert report["label_obedience"] > 0.9, seed
        assert report["frechet_distance"] < 20, seed

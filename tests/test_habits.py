"""Keras habits that must work, on models where they once failed."""

import warnings
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
import tensorflow as tf

import genai_basics as gb
from genai_basics.backend import value_of
from genai_basics.chunks import alone

TEXTS = [f"{'good' if i % 2 else 'bad'} film number {i}" for i in range(100)]
LABELS = np.arange(100) % 2


@pytest.fixture(scope="module")
def digits():
    return gb.load_data("digits", limit=200)


def build_vae(**options):
    return gb.build_vae((8, 8, 1), latent_dim=2, hidden_units=(16,), seed=0, **options)


def test_a_file_of_weights_holds_the_vocabulary_too(tmp_path):
    def build(seed):
        columns = [("film", "category"), ("n", "number")]
        models = [
            gb.build_mlp(num_classes=2, hidden_units=(8,), seed=seed),
            gb.build_mlp(columns=columns, num_classes=2, hidden_units=(8,), seed=seed),
        ]
        for model in models:
            model.compile()
        return models

    x = [TEXTS, {"film": np.array([t.split()[0] for t in TEXTS]), "n": np.arange(100.0)}]
    for i, (trained, fresh) in enumerate(zip(build(0), build(1), strict=True)):
        trained.fit(x[i], LABELS, epochs=2, verbose=0)
        trained.save_weights(tmp_path / "a.weights.h5")
        fresh.load_weights(tmp_path / "a.weights.h5")
        np.testing.assert_allclose(
            fresh.predict(x[i], verbose=0), trained.predict(x[i], verbose=0), atol=1e-6
        )


def test_a_writer_takes_its_opening_from_a_file_of_weights(tmp_path):
    models = [gb.build_language_model(units=8, window=10, seed=i) for i in range(2)]
    for model in models:
        model.compile()
    models[0].fit("ab\nabab\nba\n" * 20, epochs=1, verbose=0)
    models[0].save_weights(tmp_path / "a.weights.h5")
    models[1].open_streams(models[0].streams)
    models[1].load_weights(tmp_path / "a.weights.h5")
    assert models[1].opening == "\n"
    assert models[1].sample(2, seed=0, length=9) == models[0].sample(2, seed=0, length=9)


@pytest.mark.slow
def test_a_trained_encoder_is_not_started_again_in_another_model(digits):
    first = gb.build_autoencoder((8, 8, 1), latent_dim=4, seed=0)
    first.compile()
    first.fit(digits.train.x, epochs=1, verbose=0)
    again = gb.Autoencoder(first.encoder, keras.models.clone_model(first.decoder))
    before = first.encoder.get_weights()
    again.adapt(255 - digits.train.x)
    for old, new in zip(before, first.encoder.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    again.encoder.trainable = False
    again.compile()
    again.fit(255 - digits.train.x, epochs=1, verbose=0)
    for old, new in zip(before, again.encoder.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_regularizers_are_part_of_the_loss(digits):
    losses = {}
    for weight in (0.0, 0.5):
        x, z = keras.Input((8, 8, 1)), keras.Input((2,))
        init = keras.initializers.Constant(0.1)
        flat = keras.layers.Flatten()(x)
        heads = [keras.layers.Dense(2, kernel_initializer=init)(flat) for _ in range(2)]
        penalty = keras.regularizers.L2(weight)
        dense = keras.layers.Dense(64, kernel_initializer=init, kernel_regularizer=penalty)
        y = keras.layers.Reshape((8, 8, 1))(dense(z))
        model = gb.VAE(keras.Model(x, heads), keras.Model(z, y), value_range=(0, 255), seed=0)
        model.compile()
        losses[weight] = model.evaluate(digits.test.x, verbose=0, return_dict=True)["loss"]
    # 2 x 64 weights of 0.1: 0.5 * 1.28
    assert losses[0.5] - losses[0.0] == pytest.approx(0.64, abs=1e-3)


def test_one_hot_metrics_and_losses_take_any_form_of_labels(digits):
    x, y = digits.train.x, digits.train.y
    rows = keras.utils.to_categorical(y, 10)
    found = []
    for labels in (y, rows):
        model = gb.build_mlp((8, 8, 1), num_classes=10, hidden_units=(16,), seed=0)
        top = keras.metrics.TopKCategoricalAccuracy(k=3, name="top_3")
        model.compile(
            "adam", "categorical_crossentropy", metrics=["accuracy", keras.metrics.AUC(), top]
        )
        history = model.fit(x, labels, epochs=1, verbose=0).history
        found.append([history[name][0] for name in ("loss", "accuracy", "top_3")])
    np.testing.assert_allclose(*found, rtol=1e-5)
    model.compile("adam", "categorical_crossentropy", metrics=["sparse_categorical_accuracy"])
    with pytest.raises(ValueError, match="in one form, integers or one-hot rows"):
        model.fit(x, y, verbose=0)


@pytest.mark.parametrize(
    ("class_names", "y", "numbers"),
    [
        (None, np.array([True, False]), [1, 0]),
        (None, np.array([1, 0], dtype=object), [1, 0]),
        (None, np.array([True, False], dtype=object), [1, 0]),
        (("True", "False"), np.array([True, False]), [0, 1]),
        (("no", "yes"), np.array([[True], [False]]), [1, 0]),
    ],
)
def test_labels_are_taken_as_people_hold_them(class_names, y, numbers):
    head = gb.Head(2, class_names=class_names)
    assert head.targets(y).tolist() == numbers


def test_what_is_exported_takes_raw_pictures_and_gives_raw_outputs(digits, tmp_path):
    classifier = gb.build_mlp((8, 8, 1), num_classes=10, hidden_units=(8,), seed=0)
    for model, tolerance in ((classifier, 1e-4), (build_vae(), 1)):
        model.compile()
        model.export(tmp_path / model.name, verbose=False)
        loaded = tf.saved_model.load(tmp_path / model.name)
        served = np.asarray(loaded.serve(tf.cast(digits.test.x[:4], "float32")), "float32")
        wanted = model.predict(digits.test.x[:4], verbose=0).astype("float32")
        np.testing.assert_allclose(served, wanted, atol=tolerance)
    with pytest.raises(ValueError, match=r"export the network.*Received: x prepared by Words"):
        gb.build_mlp(num_classes=2, seed=0).export(tmp_path / "texts")


def test_threads_draw_what_one_draws_alone():
    gan = gb.build_gan((8, 8, 1), latent_dim=4, hidden_units=(8,), seed=0)

    def draw(i):
        return gan.sample(8, seed=i, truncation=0.5 + i / 8)

    alone = [draw(i) for i in range(8)]
    with ThreadPoolExecutor(4) as pool:
        for one, other in zip(alone, pool.map(draw, range(8)), strict=True):
            np.testing.assert_array_equal(one, other)


def test_one_model_does_not_wait_for_another():
    class Waits:
        @alone
        def sample(self, other=None):
            if other is not None:
                with ThreadPoolExecutor(1) as pool:
                    pool.submit(other.sample).result(timeout=10)

    Waits().sample(Waits())


def test_keras_seed_rules_samples_without_a_seed():
    model, drawn = build_vae(), []
    for _ in range(2):
        keras.utils.set_random_seed(7)
        drawn.append(model.sample(2))
    np.testing.assert_array_equal(*drawn)


def test_lists_of_results_begin_with_the_loss(digits):
    gan = gb.build_gan((8, 8, 1), latent_dim=4, hidden_units=(8,), seed=0)
    gan.compile(jit_compile=False)
    found = gan.evaluate(digits.test.x, verbose=0, return_dict=True)
    assert gan.evaluate(digits.test.x, verbose=0)[0] == pytest.approx(found["loss"], rel=1e-4)
    assert next(iter(found)) == "loss"


def test_a_schedule_is_the_rate_of_both_players():
    gan = gb.build_gan((8, 8, 1), latent_dim=4, hidden_units=(8,), seed=0)
    gan.compile(learning_rate=keras.optimizers.schedules.ExponentialDecay(1e-5, 10, 0.9))
    for optimizer, _ in gan.players():
        assert float(value_of(optimizer.learning_rate)) == pytest.approx(1e-5)


BUILDERS = {
    "vae": build_vae,
    "gan": lambda: gb.build_gan((8, 8, 1), num_classes=10, latent_dim=4, hidden_units=(8,), seed=0),
    "text-gan": lambda: gb.build_text_gan(
        max_length=8, vocabulary_size=8, latent_dim=4, units=8, filters=8, blocks=1, seed=0
    ),
    "writer": lambda: gb.build_language_model(
        "abdfgilmnorue 0123456789", units=8, window=5, seed=0
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("name", BUILDERS)
def test_models_train_and_sample_in_half_precision(name, policy, digits):
    keras.config.set_dtype_policy(policy)
    try:
        model = BUILDERS[name]()
    finally:
        keras.config.set_dtype_policy("float32")
    data = (TEXTS,) if name in ("text-gan", "writer") else (digits.train.x,)
    data += (digits.train.y,) if model.reads_y else ()
    model.compile(jit_compile=False)
    history = model.fit(*data, epochs=1, batch_size=50, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    scales = [isinstance(o, keras.optimizers.LossScaleOptimizer) for o, _ in model.players()]
    assert set(scales) == {policy == "mixed_float16"}
    assert len(model.sample(2, seed=0)) == 2


@pytest.mark.slow
def test_assigned_weights_are_seen_by_samples_and_trained_ones_averaged(digits, tmp_path):
    builders = {
        "generator": lambda: gb.build_gan((8, 8, 1), latent_dim=4, hidden_units=(8,), seed=0),
        "network": lambda: gb.build_diffusion((8, 8, 1), hidden_units=(8,), steps=2, seed=0),
    }
    for name, build in builders.items():
        model = build()
        model.compile()
        model.fit(digits.train.x, epochs=1, verbose=0)
        trained = model.sample(2, seed=0)
        network = getattr(model, name)
        own, average = network.get_weights(), model.average.network.get_weights()
        assert not np.array_equal(own[0], average[0])
        model.save(tmp_path / "a.keras")
        loaded = keras.models.load_model(tmp_path / "a.keras")
        np.testing.assert_array_equal(loaded.sample(2, seed=0), trained)
        network.set_weights([np.zeros_like(w) for w in own])
        assert not np.array_equal(model.sample(2, seed=0), trained)
        assert not any(w.any() for w in model.average.network.get_weights())
        network.set_weights(average)
        np.testing.assert_array_equal(model.sample(2, seed=0), trained)


@keras.saving.register_keras_serializable(package="tests")
class Mine(gb.VAE):
    """A subclass as users write them."""

    def __init__(self, *args, extra=3, **kw):
        super().__init__(*args, **kw)
        self.extra = extra


def test_a_subclass_with_any_arguments_is_saved_and_loaded(tmp_path):
    usual = build_vae(beta=3.0)
    model = Mine(usual.encoder, usual.decoder, extra=7, beta=3.0, value_range=(0, 255))
    model.save(tmp_path / "a.keras")
    again = keras.models.load_model(tmp_path / "a.keras")
    assert (again.extra, again.beta, again.value_range) == (7, 3.0, (0, 255))
    np.testing.assert_array_equal(again.sample(2, seed=0), model.sample(2, seed=0))


def test_a_network_that_is_replaced_is_the_one_used():
    model, other = build_vae(), gb.build_vae((8, 8, 1), latent_dim=2, hidden_units=(9,), seed=5)
    model.sample(2, seed=0)
    model.decoder = other.decoder
    np.testing.assert_array_equal(model.sample(2, seed=0), other.sample(2, seed=0))
    assert len(model.weights) == len(build_vae().weights)


def test_quantized_models_come_back_from_their_files(digits, tmp_path):
    gan = gb.build_gan((8, 8, 1), latent_dim=4, hidden_units=(8,), seed=0)
    before = gan.sample(16, seed=0).astype("float32")
    gan.quantize("int8")
    after = gan.sample(16, seed=0)
    assert 0 < np.abs(before - after).mean() < 5
    gan.save(tmp_path / "a.keras")
    again = keras.models.load_model(tmp_path / "a.keras")
    np.testing.assert_array_equal(again.sample(16, seed=0), after)


@pytest.mark.parametrize("labels", [np.arange(20) % 3, list("ab" * 10), np.arange(20) < 5])
def test_an_autoencoder_refuses_labels_and_learns_from_clean_examples(digits, labels):
    autoencoder, x = gb.build_autoencoder((8, 8, 1), latent_dim=4, seed=0), digits.train.x[:20]
    autoencoder.compile()
    said = "not from labels: leave `y` out"
    for method in (autoencoder.fit, autoencoder.evaluate, autoencoder.train_on_batch):
        with pytest.raises(ValueError, match=said):
            method(x, labels)
    with pytest.raises(ValueError, match=said):
        autoencoder.fit(iter([(x, np.array(labels))]), steps_per_epoch=1)
    assert autoencoder.evaluate(x, x, verbose=0) == autoencoder.evaluate(x, verbose=0)
    assert autoencoder.evaluate(x, x[::-1], verbose=0) != autoencoder.evaluate(x, verbose=0)


def test_what_nothing_would_read_is_refused(digits):
    vae, x = build_vae(), digits.train.x
    vae.compile()
    with pytest.raises(ValueError, match=r"learns from x alone: leave `y` out"):
        vae.fit(x, x)
    with pytest.raises(ValueError, match=r"learns from x alone: leave `y` out"):
        vae.evaluate(x, digits.train.y)
    with pytest.raises(ValueError, match=r"learns from x alone: leave `y` out"):
        vae.fit(x, validation_data=(x, digits.train.y))
    for name in ("steps_per_epoch", "validation_steps"):
        with pytest.raises(ValueError, match=f"`{name}` must be at least 1.*=0"):
            vae.fit(x, **{name: 0})
    with pytest.raises(ValueError, match=r"x must have shape \(n, 8, 8, 1\)\. Received: .*64"):
        vae.fit(x.reshape(len(x), 64))
    losses = [build_and_fit(x), build_and_fit(x[..., 0])]  # grey pictures need no last axis
    assert losses[0] == losses[1]
    with pytest.raises(ValueError, match='`filters` has no effect with network="dense"'):
        build_vae(filters=(8,))
    with pytest.raises(ValueError, match="`num_outputs` has no effect where classes"):
        gb.build_mlp((8, 8, 1), num_classes=10, num_outputs=3)


def build_and_fit(x):
    model = build_vae()
    model.compile()
    return model.fit(x, epochs=1, verbose=0).history["loss"]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda m, x, y: m.fit(x, y, epochs=2.5), "`epochs` must be a whole number"),
        (lambda m, x, y: m.fit(x, y, epochs=-1), "`epochs` must be at least 0"),
        (lambda m, x, y: m.fit(x, y, class_weight="balanced"), "must be a dict.*'balanced'"),
        (lambda m, x, y: m.fit(x, y, class_weight={0: -1, 1: 1}), "at least 0.*from -1 to 1"),
        (lambda m, x, y: m.fit(x, y, sample_weight=["a"] * len(x)), "not numbers"),
        (lambda m, x, y: m.fit(x, np.full((len(x), 2), 0.5)), r"one-hot.*\[0\.5, 0\.5\]"),
        (lambda m, x, y: m.fit(x, y, validation_data=x), "validation needs labels"),
        (lambda m, x, y: m.fit(x, y, validation_data=(x,)), "validation needs labels"),
        (lambda m, x, y: m.fit(x, y, validation_data=(x, y), validation_batch_size=0), "=0"),
        (lambda m, x, y: m.fit(x, y, callbacks="early"), "`callbacks` must be objects.*'early'"),
        (lambda m, x, y: m.fit(x, y, callbacks=[keras.callbacks.EarlyStopping]), "EarlyStopping"),
        (lambda m, x, y: m.fit("photos", y), "x must hold the examples.*'photos'"),
        (lambda m, x, y: m.fit(gb.load_data("digits").train), "a Part of load_data"),
        (lambda m, x, y: m.fit(x), "training needs labels"),
        (lambda m, x, y: m.evaluate(x), "evaluation needs labels"),
        (lambda m, x, y: m.evaluate(x, y, steps=0), "`steps` must be at least 1"),
        (lambda m, x, y: m.predict(x, steps=-1), "`steps` must be at least 1"),
        (lambda m, x, y: m.predict(x.astype(complex)), "real numbers.*complex128"),
        (lambda m, x, y: m(x), "a direct call takes the network's numbers.*uint8"),
    ],
)
def test_what_keras_would_take_or_trip_over_is_refused_in_one_sentence(digits, call, said):
    model = gb.build_mlp((8, 8, 1), num_classes=2, hidden_units=(4,), seed=0)
    model.compile()
    with pytest.raises(ValueError, match=said) as error:
        call(model, digits.train.x[:20], digits.train.y[:20] % 2)
    assert len(str(error.value)) < 300


def test_raw_inputs_of_a_keras_model_around_ours_are_warned_of(digits):
    model = gb.build_mlp((8, 8, 1), num_classes=2, hidden_units=(4,), seed=0)
    inputs = keras.Input((8, 8, 1))
    with pytest.warns(UserWarning, match=r"write `model\(model\.preprocessor\(x\)\)`"):
        model(inputs)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        around = keras.Model(inputs, model(model.preprocessor(inputs)))
    x = digits.train.x[:5]
    np.testing.assert_allclose(around.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-6)


@pytest.mark.parametrize("name", ["optimizer", "d_optimizer"])
def test_an_optimizer_that_averages_weights_is_refused_by_a_gan(name):
    gan = gb.build_gan((8, 8, 1), latent_dim=4, hidden_units=(4,), seed=0)
    with pytest.raises(ValueError, match="`ema` of its builder: leave `use_ema` out"):
        gan.compile(**{name: keras.optimizers.Adam(use_ema=True)})


def test_a_seed_is_a_number(digits):
    with pytest.raises(ValueError, match="`seed` must be a number"):
        build_vae().sample(2, seed="a")

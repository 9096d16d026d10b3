"""The GAN for music in several voices."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

import genai_basics as gb
from genai_basics.feeding import steps_per_epoch
from genai_basics.gan import evaluation as music


@pytest.fixture(scope="module")
def trained():
    keras.utils.set_random_seed(0)
    gan = gb.build_music_gan(4, 40, 81, steps=16, latent_dim=8, units=16, seed=0)
    gan.compile()
    pieces = gb.load_data("chords", limit=20).train.x
    gan.fit(pieces, epochs=2, verbose=0, validation_data=pieces[:4])
    return gan


@pytest.mark.slow
def test_pieces_are_cut_into_windows(trained):
    piece = np.arange(40)[:, None] % 12 + np.array([[69, 64, 58, 48]])
    (windows,) = trained.prepare([piece])
    assert windows.shape == (7, 16, 4)  # a window every 4 steps
    notes = trained.invert(ops.one_hot(windows, trained.pitches))
    np.testing.assert_array_equal(notes[1], piece[4:20])
    assert steps_per_epoch(trained, trained.prepare([piece]), 3) == 2


def test_silence_chords_and_pitches_out_of_range(trained):
    chords = [[60, 72], [], [100, 30, 64, 65, 66]] * 6
    columns = trained.preprocessor.columns(chords)
    notes = np.where(columns == trained.pitches - 1, -1, columns + trained.preprocessor.low)
    assert notes[0].tolist() == [72, 60, -1, -1]  # highest first, -1 is silence
    assert notes[1].tolist() == [-1] * 4
    assert notes[2].tolist() == [76, 66, 65, 64]  # moved down an octave or two; four voices only


def test_samples_are_pieces(trained, tmp_path):
    samples = trained.sample(5, seed=0)
    assert samples.shape == (5, 16, 4)
    assert ((samples == -1) | ((samples >= 40) & (samples <= 81))).all()
    np.testing.assert_array_equal(samples, trained.sample(5, seed=0))
    trained.save(tmp_path / "gan.keras")
    again = keras.models.load_model(tmp_path / "gan.keras")
    np.testing.assert_array_equal(samples, again.sample(5, seed=0))


def test_counts_are_those_of_the_report(trained):
    rolls = np.random.default_rng(0).integers(0, trained.pitches, (6, 16, 4))
    found = trained.intervals(ops.one_hot(rolls, trained.pitches))
    notes = trained.preprocessor.notes(rolls)
    sizes = zip(found, music.HISTOGRAMS.values(), trained.counts.bins, strict=True)
    for (values, counted), histogram, size in sizes:
        kept = ops.convert_to_numpy(values)[ops.convert_to_numpy(counted)] % size
        shares = np.bincount(kept, minlength=size) / len(kept)
        np.testing.assert_allclose(shares, histogram(notes), atol=1e-6)
    assert trained.monitor == "val_divergence"


def test_a_voice_holds_its_note_or_strikes_that_of_the_step(trained):
    z = keras.random.normal((6, 8), seed=1)
    notes, holds = map(ops.convert_to_numpy, trained.generator(z))
    rolls = ops.convert_to_numpy(trained.generate_batch(z))
    np.testing.assert_allclose(rolls.sum(axis=-1), 1.0, rtol=1e-6)
    assert 0 < (holds > 0).mean() < 1
    for piece, struck, hold in zip(
        rolls.argmax(axis=-1), notes.argmax(axis=-1), holds > 0, strict=True
    ):
        expected = struck.copy()
        for step in range(1, len(expected)):
            expected[step] = np.where(hold[step], expected[step - 1], struck[step])
        np.testing.assert_array_equal(piece, expected)


def test_both_decisions_learn(trained):
    with tf.GradientTape() as tape:
        x = ops.zeros((6, *trained.discriminator.inputs[0].shape[1:]))
        loss = ops.mean(trained.loss_terms(x, training=True, player="generator")["loss"])
    kernel = trained.generator.get_layer("holds").kernel
    gradients = tape.gradient(loss, [kernel.value, trained.generator.trainable_variables[0].value])
    assert all(float(ops.max(ops.abs(gradient))) > 0 for gradient in gradients)


def test_samples_go_to_midi_and_back(trained, tmp_path):
    pytest.importorskip("mido")
    from genai_basics.data.midi import read_midi
    from genai_basics.data.writers import write_samples

    spec = gb.load_data("chords", limit=2).spec
    samples = trained.sample(1, seed=0)
    (path,) = write_samples(samples, tmp_path / "a.mid", spec)
    again = read_midi(path, spec.steps_per_quarter)
    first = sorted({int(note) for note in samples[0][0] if note >= 0})
    assert sorted(set(again[0])) == first
    (sound,) = write_samples(samples, tmp_path / "a.wav", spec)
    assert sound.stat().st_size > 1000


def test_statistics_on_hand_made_music():
    scale = np.array([60, 62, 64, 65, 67, 69, 71, 72])
    rolls = np.stack([scale, scale - 12], axis=1)[None]
    assert music.in_scale(rolls) == 1.0
    assert music.in_scale(np.arange(60, 72)[None, :, None]) == pytest.approx(7 / 12)
    assert music.harmonic_intervals(rolls).tolist() == [1.0] + [0.0] * 11  # octaves
    assert music.melodic_intervals(rolls)[12 + 2] == pytest.approx(5 / 7)  # whole tones
    assert music.pitch_classes(rolls)[0] == pytest.approx(2 / 8)
    assert music.held(np.full((1, 4, 2), 60)) == 1.0
    a, b = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    assert music.divergence(a, b) == pytest.approx(math.log(2))
    assert music.divergence(a, a) == 0.0


def test_report_and_pictures(trained):
    pieces = gb.load_data("chords", limit=20).test.x
    report, _ = trained.report(pieces)
    for name in (
        "pitch_class_jsd",
        "interval_jsd",
        "harmony_jsd_floor",
        "in_scale",
        "held_notes_data",
    ):
        assert np.isfinite(report[name])
    assert len(trained.pictures(pieces)["piano_rolls"].axes) == 16


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 12}, "multiple of 8. Received: steps=12"),
        ({"voices": 0}, "Received: voices=0"),
        ({"low": 80, "high": 70}, "Received: low=80, high=70"),
        ({"latent_dim": 0}, "Received: latent_dim=0"),
    ],
)
def test_wrong_arguments_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        gb.build_music_gan(**options)


def test_pieces_that_are_too_short_are_refused(trained):
    with pytest.raises(ValueError, match=r"`steps`=16.*1 pieces, the longest of 3 steps"):
        trained.fit([np.full((3, 4), 60)])


def test_a_midi_file_without_notes_or_with_a_broken_header(tmp_path):
    mido = pytest.importorskip("mido")
    empty = mido.MidiFile()
    empty.tracks.append(mido.MidiTrack())
    empty.save(tmp_path / "empty.mid")
    (tmp_path / "broken.mid").write_bytes(b"MThd\x00\x00\x00\x06broken")
    with pytest.raises(ValueError, match=r"no pieces|no notes|no file|cannot be read"):
        gb.load_data(tmp_path, kind="music")


def test_each_piece_has_one_score(trained):
    pieces = gb.load_data("chords", limit=3).train.x
    rows, _ = trained.answer(pieces)
    assert len(rows) == len(pieces)
    assert rows[0]["score"] == pytest.approx(trained.predict(pieces[:1], verbose=0).mean())

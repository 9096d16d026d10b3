"""Reading MIDI: files that programs write, and broken ones."""

import struct
import time
import warnings

import numpy as np
import pytest

from genai_basics import data as gd

mido = pytest.importorskip("mido")

from genai_basics.data.midi import read_midi  # noqa: E402


def chunk(tag, body):
    return tag + struct.pack(">I", len(body)) + body


def midi(path, division=96, form=0, body=None, tracks=1, channel=0, notes=8):
    """Write a MIDI file of quarter notes, byte by byte."""
    if body is None:
        on, off = 0x90 | channel, 0x80 | channel
        body = b"".join(bytes([0, on, 60 + k, 64, 0x60, off, 60 + k, 0]) for k in range(notes))
    head = chunk(b"MThd", struct.pack(">HHH", form, tracks, division))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(head + chunk(b"MTrk", body + b"\0\xff\x2f\0") * tracks)
    return path


def said_of(path, *options):
    with warnings.catch_warnings(record=True, action="always") as caught:
        piece = read_midi(path, *options)
    return piece, " | ".join(str(w.message) for w in caught)


def load(path, **options):
    with warnings.catch_warnings(record=True, action="always") as caught:
        data = gd.load_data(path, **options)
    return data, " | ".join(str(w.message) for w in caught)


def test_quarters_are_four_steps(tmp_path):
    assert read_midi(midi(tmp_path / "a.mid"), 4) == [[60 + i // 4] for i in range(32)]


@pytest.mark.parametrize(("frames", "rate"), [(24, 24), (25, 25), (29, 29.97), (30, 30)])
def test_film_time_counts_seconds(tmp_path, frames, rate):
    ticks = 40
    division = ((256 - frames) << 8) | ticks
    path = midi(tmp_path / "a.mid", division)
    piece, said = said_of(path, 4)
    seconds = 8 * 0x60 / (rate * ticks)
    assert abs(len(piece) - seconds / 0.5 * 4) <= 1
    assert "a quarter note is taken as half a second" in said


def test_what_has_no_meaning_is_refused_by_name(tmp_path):
    with pytest.raises(ValueError, match=r"0\.mid' does not say how long a quarter note is"):
        read_midi(midi(tmp_path / "0.mid", 0))
    with pytest.raises(ValueError, match=r"s\.mid' does not say how long a quarter note is"):
        read_midi(midi(tmp_path / "s.mid", 0xE700))
    with pytest.raises(ValueError, match=r"2\.mid' holds several pieces \(type 2\)"):
        read_midi(midi(tmp_path / "2.mid", form=2, tracks=2))
    assert len(read_midi(midi(tmp_path / "one.mid", form=2))) == 32


def test_notes_that_never_end_do_so_with_their_track(tmp_path):
    body = bytes([0, 0x90, 60, 64, 0x60, 0x90, 64, 64, 0x60, 0x80, 64, 0])
    piece, said = said_of(midi(tmp_path / "a.mid", body=body), 4)
    assert piece == [[60]] * 4 + [[60, 64]] * 4
    assert "notes that never end" in said


def test_a_note_that_ends_after_the_next_has_begun(tmp_path):
    """Note-on and note-off at one tick, the off last, as some programs write repeated notes."""
    on, off = [0x90, 60, 64], [0x80, 60, 0]
    body = bytes([0, *on, 0x60, *on, 0, *off, 0x60, *off, 0, 0x90, 62, 64, 0x60, 0x80, 62, 0])
    assert read_midi(midi(tmp_path / "a.mid", body=body), 4) == [[60]] * 8 + [[62]] * 4
    body = bytes([0, *on, 0, *off, 0x60, *on, 0x60, *off])  # the first has no duration
    assert read_midi(midi(tmp_path / "a.kar", body=body), 4) == [[60], [], [], [], *[[60]] * 4]
    assert len(load(tmp_path, validation=0, test=0)[0].train) == 2


def test_drums_are_left_out_and_said(tmp_path):
    drums = bytes([0, 0x99, 36, 64, 0x60, 0x89, 36, 0])
    tones = bytes([0, 0x90, 60, 64, 0x60, 0x80, 60, 0])
    piece, said = said_of(midi(tmp_path / "a.mid", body=drums + tones), 4)
    assert piece == [[60]] * 4
    assert "drums, which are left out" in said
    with pytest.raises(ValueError, match="holds no notes but drums"):
        read_midi(midi(tmp_path / "d.mid", channel=9))


@pytest.mark.parametrize("notes", [1, 8])
def test_a_small_file_asks_for_little_memory(tmp_path, notes):
    last = b"\xff\xff\xff\x7f"  # the longest delta time in MIDI
    body = b"".join(bytes([0, 0x90, 60 + k, 64]) for k in range(notes)) + last
    body += bytes([0x80, 60, 0])
    began = time.time()
    with pytest.raises(
        ValueError, match=r"a\.mid' asks for .* steps of music, over the limit of 200,000"
    ):
        read_midi(midi(tmp_path / "a.mid", 1, body=body))
    assert time.time() - began < 5


def test_a_folder_says_what_it_leaves_out(tmp_path):
    for i in range(12):
        midi(tmp_path / f"{i}.mid", channel=0)
    midi(tmp_path / "film.mid", 0xE728)
    midi(tmp_path / "zero.mid", 0)
    midi(tmp_path / "drums.mid", body=bytes([0, 0x99, 36, 64, 9, 0x90, 60, 64, 9, 0x80, 60, 0]))
    (tmp_path / "score.musicxml").write_text("<score-partwise/>")
    data, said = load(tmp_path)
    assert sum(len(part) for part in (data.train, data.validation, data.test)) == 14
    for words in (
        "Skipped 1 MIDI files that cannot be read: zero.mid: does not say",
        "1 pieces have drums",
        "1 pieces use SMPTE time",
        "1 .musicxml (score.musicxml)",
    ):
        assert words in said
    with pytest.raises(ValueError, match="zero"):
        gd.load_data(tmp_path, strict=True)


@pytest.mark.parametrize(
    ("ending", "advice"),
    [("musicxml", "as MIDI"), ("m4a", "as FLAC"), ("mp4", "as GIF"), ("docx", r"as \.txt")],
)
def test_formats_that_are_not_read_are_named(tmp_path, ending, advice):
    for i in range(3):
        (tmp_path / f"{i}.{ending}").write_bytes(b"x")
    with pytest.raises(ValueError, match=rf"3 \.{ending}.*{advice}"):
        gd.load_data(tmp_path)


@pytest.mark.parametrize("name", ["a.musicxml", "a.mxl", "a.xml"])
def test_scores_of_musicxml_are_named(tmp_path, name):
    (tmp_path / name).write_text('<?xml version="1.0"?>\n<score-partwise version="4.0"/>')
    for source in (tmp_path / name, tmp_path):
        with pytest.raises(ValueError, match=rf"{name}.*save music as MIDI"):
            gd.load_data(source)


def test_mido_reads_the_same(tmp_path):
    file = mido.MidiFile(ticks_per_beat=480)
    track = mido.MidiTrack()
    file.tracks.append(track)
    pitches = np.random.default_rng(0).integers(50, 80, 20)
    for pitch in pitches:
        track.append(mido.Message("note_on", note=int(pitch), velocity=64, time=0))
        track.append(mido.Message("note_off", note=int(pitch), time=240))
    file.save(tmp_path / "a.mid")
    assert read_midi(tmp_path / "a.mid", 2) == [[pitch] for pitch in pitches]

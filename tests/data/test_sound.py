"""Reading sound: all types of files, and their tables."""

import io
import re
import struct
import warnings

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import resample_poly

from genai_basics import data as gd
from genai_basics.data.predicting import read_inputs
from genai_basics.data.sound_files import full_scale_of, read_sound

TONE = (0.5 * np.sin(np.arange(4000) / 8)).astype("float32")


def load(path, **options):
    """Return the data and all warnings."""
    with warnings.catch_warnings(record=True, action="always") as caught:
        data = gd.load_data(path, **options)
    return data, " | ".join(str(w.message) for w in caught)


def sound(path, samples=TONE, rate=8000, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, **options)
    return path


def count(data):
    return len(data.train) + len(data.validation) + len(data.test)


@pytest.mark.parametrize(
    ("subtype", "error"),
    [
        *[("PCM_U8", 0.01), ("PCM_16", 1e-4), ("PCM_24", 1e-6), ("PCM_32", 1e-6), ("FLOAT", 0)],
        *[("DOUBLE", 0), ("ULAW", 0.01), ("ALAW", 0.01), ("IMA_ADPCM", 0.1), ("MS_ADPCM", 0.1)],
        *[("GSM610", 0.2), ("G721_32", 0.1)],
    ],
)
@pytest.mark.parametrize("size", [None, 0, 0xFFFFFFFF, 0x7FFFF000])
def test_wav_of_every_sort_also_from_pipes(tmp_path, subtype, error, size):
    path = sound(tmp_path / "a.wav", subtype=subtype)
    whole = soundfile.read(path, dtype="float32")[0]
    if size is not None:
        content = bytearray(path.read_bytes())
        place = content.index(b"data") + 4
        content[place : place + 4] = struct.pack("<I", size)
        content[4:8] = struct.pack("<I", size)
        path.write_bytes(content)
    read = read_sound(path)
    np.testing.assert_array_equal(read.samples, whole)
    assert np.sqrt(np.mean((read.samples[:4000] - TONE) ** 2)) <= error
    assert read.rate == 8000


def test_a_pipe_with_chunks_before_its_sound(tmp_path):
    content = sound(tmp_path / "a.wav").read_bytes()
    note = (
        b"LIST" + struct.pack("<I", 26) + b"INFOISFT" + struct.pack("<I", 14) + b"Lavf58.29.100\0"
    )
    unknown = struct.pack("<I", 0xFFFFFFFF)
    (tmp_path / "a.wav").write_bytes(
        content[:4] + unknown + content[8:36] + note + b"data" + unknown + content[44:]
    )
    assert len(read_sound(tmp_path / "a.wav").samples) == 4000
    empty = content[:40] + struct.pack("<I", 0) + note
    (tmp_path / "a.wav").write_bytes(empty)
    with pytest.raises(ValueError, match="holds no samples"):
        read_sound(tmp_path / "a.wav")


def test_a_header_that_asks_for_much_takes_no_memory(tmp_path):
    content = sound(tmp_path / "a.wav").read_bytes()
    fields = struct.pack("<HHIIHH", 1, 65535, 2**31 - 1, 2**31, 65535, 16)
    (tmp_path / "a.wav").write_bytes(content[:20] + fields + content[36:])
    with pytest.raises(ValueError, match=r"a\.wav' (cannot be read|holds no samples)"):
        read_sound(tmp_path / "a.wav")
    flac = bytearray(sound(tmp_path / "a.flac").read_bytes())
    flac[21:26] = bytes([flac[21] | 0x0F, 255, 255, 255, 255])  # sample count in the header
    (tmp_path / "a.flac").write_bytes(flac)
    with pytest.raises(
        ValueError, match="asks for 68,719,476,735 samples of sound, over the limit"
    ):
        read_sound(tmp_path / "a.flac")


@pytest.mark.parametrize("ending", ["flac", "ogg", "mp3", "aiff", "au", "w64", "caf", "WAV"])
def test_formats_in_class_folders(tmp_path, ending):
    for i in range(12):
        sound(tmp_path / "ab"[i % 2] / f"{i}.{ending}", TONE * (1 + i) / 12, 16000)
    data, said = load(tmp_path)
    assert data.kind == "audio"
    assert count(data) == 12
    assert data.spec.class_names == ("a", "b")
    assert "not used" not in said
    for part in (data.train, data.validation, data.test):
        for name, clip in zip(part.groups["file"], part.x, strict=True):
            loud = 0.5 * (1 + int(name[2:].split(".")[0])) / 12
            assert abs(np.sqrt(2 * np.mean(clip**2)) - loud) < 0.1 * loud + 0.01
    _names, x = read_inputs([str(tmp_path / "a")], data.spec)
    assert len(x) == 6


def test_floats_beyond_one_are_divided_by_a_power_of_two(tmp_path):
    for i in range(12):
        samples = np.round(TONE * 32767) if i % 2 else np.round(TONE * 1000)
        sound(tmp_path / f"{i}.wav", samples, subtype="FLOAT")
    sound(tmp_path / "whole.wav", TONE)
    data, said = load(tmp_path, validation=0, test=0)
    assert data.spec.full_scale == 2**14
    assert "beyond 1: all of them are divided by 16384" in said
    clips = dict(zip(data.train.groups["file"], data.train.x, strict=True))
    np.testing.assert_allclose(clips["1.wav"], np.round(TONE * 32767) / 2**14)
    np.testing.assert_allclose(clips["whole.wav"], TONE, atol=1e-4)
    _names, x = read_inputs([str(tmp_path / "0.wav")], data.spec)
    np.testing.assert_array_equal(x[0], clips["0.wav"])
    assert gd.load_data(tmp_path, like=data.spec, validation=0, test=0).spec == data.spec
    assert [full_scale_of(peak) for peak in (0, 0.3, 1, 1.01, 2, 32767)] == [1, 1, 1, 2, 2, 2**15]


def test_ljspeech(tmp_path):
    texts = ['in "being" comparatively modern', "the invention, of movable", "modern as it is"]
    lines = []
    for i in range(12):
        sound(tmp_path / "wavs" / f"LJ001-{i:04d}.wav", rate=22050)
        lines.append(f"LJ001-{i:04d}|No. {i}|{texts[i % 3]} {i}\n")
    (tmp_path / "metadata.csv").write_text("".join(lines))
    (tmp_path / "README").write_text("LJSpeech")
    data, said = load(tmp_path)
    assert "1 files in" in said
    assert count(data) == 12
    for part in (data.train, data.validation, data.test):
        for name, text in zip(part.groups["file"], part.y, strict=True):
            number = int(re.search(r"-(\d+)", name)[1])
            assert text == f"{texts[number % 3]} {number}"


def test_librispeech(tmp_path):
    for split, speakers in (("train-clean-100", (19, 26)), ("dev-clean", (84,))):
        for speaker in speakers:
            folder, lines = tmp_path / split / str(speaker) / "198", []
            for i in range(6):
                sound(folder / f"{speaker}-198-{i:04d}.flac", rate=16000)
                lines.append(f"{speaker}-198-{i:04d} GO DO YOU HEAR {speaker} TIMES {i}\n")
            (folder / f"{speaker}-198.trans.txt").write_text("".join(lines))
    (folder / "84-198-0005.flac").unlink()
    data, said = load(tmp_path, test=0)
    assert [len(p) for p in (data.train, data.validation, data.test)] == [12, 5, 0]
    assert set(data.train.groups["speaker"]) == {"19", "26"}
    for part in (data.train, data.validation):
        for name, text in zip(part.groups["file"], part.y, strict=True):
            speaker, number = re.search(r"(\d+)-198-(\d+)", name).groups()
            assert text == f"GO DO YOU HEAR {speaker} TIMES {int(number)}"
    assert "1 files of '84-198.trans.txt' are not there (the first is '84-198-0005')" in said
    assert "not used" not in said


@pytest.mark.parametrize("ending", [".mp3", ""])
def test_common_voice(tmp_path, ending):
    header = "client_id\tpath\tsentence\tup_votes\n"
    for i in range(20):
        sound(tmp_path / "clips" / f"cv_{i}.mp3", rate=16000)
    lines = [f'c{i % 4}\tcv_{i}{ending}\tHe said "{i}".\t2\n' for i in range(20)]
    for name, some in (("train", lines[:12]), ("dev", lines[12:16]), ("test", lines[16:18])):
        (tmp_path / f"{name}.tsv").write_text(header + "".join(some))
    (tmp_path / "validated.tsv").write_text(header + "".join(lines))
    data, said = load(tmp_path)
    assert [len(p) for p in (data.train, data.validation, data.test)] == [12, 4, 2]
    assert set(data.test.y) == {'He said "16".', 'He said "17".'}
    assert set(data.test.groups["client_id"]) == {"c0", "c1"}
    assert "2 .mp3 (clips/cv_18.mp3, ...), 1 .tsv (validated.tsv)" in said
    for name in ("train", "dev", "test"):
        (tmp_path / f"{name}.tsv").unlink()
    assert count(load(tmp_path)[0]) == 20


def test_mozillas_and_other_columns(tmp_path):
    for i in range(12):
        sound(tmp_path / "audio" / f"{i}.wav")
    rows = "".join(f"/data/old/audio/{i}.wav,{8044},word {i}\n" for i in range(12))
    (tmp_path / "all.csv").write_text("wav_filename,wav_filesize,transcript\n" + rows)
    assert sorted(load(tmp_path, validation=0, test=0)[0].train.y)[:2] == ["word 0", "word 1"]
    rows = "".join(f"{i}.wav,{i % 5},{i % 2},{'dog' if i % 2 else 'rain'}\n" for i in range(12))
    (tmp_path / "all.csv").write_text("filename,fold,target,category\n" + rows)
    data, _ = load(tmp_path, validation=0, test=0)
    assert data.spec.class_names == ("dog", "rain")
    assert set(data.train.groups["fold"]) == set("01234")
    rows = "".join(f"{i}.wav,{i % 5},{'dog' if i % 2 else 'rain'}\n" for i in range(12))
    (tmp_path / "all.csv").write_text("filename,fold,what\n" + rows)
    with pytest.raises(ValueError, match=r"label or transcription, or `target` \(--target\)"):
        gd.load_data(tmp_path)
    assert load(tmp_path, target="what")[0].spec.class_names == ("dog", "rain")


def test_sounds_outside_of_class_folders_are_said(tmp_path):
    for i in range(12):
        sound(tmp_path / "ab"[i % 2] / f"{i}.wav")
    sound(tmp_path / "loose.wav")
    data, said = load(tmp_path)
    assert count(data) == 12
    assert "1 sounds lie outside of the class folders" in said
    with pytest.raises(ValueError, match=r"loose\.wav"):
        gd.load_data(tmp_path, strict=True)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=200),
    st.sampled_from(["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"]),
    st.sampled_from([8000, 11025, 44100]),
    st.integers(1, 3),
    st.sampled_from([8000, 16000]),
)
def test_any_samples_survive(tmp_path_factory, samples, subtype, rate, channels, wanted):
    path = tmp_path_factory.mktemp("sound") / "a.wav"
    samples = np.array(samples, "float32")
    soundfile.write(path, np.tile(samples[:, None], channels), rate, subtype=subtype)
    read = read_sound(path)
    assert read.rate == rate
    bits = {"PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 31}.get(subtype, 31)
    np.testing.assert_allclose(read.samples, samples, atol=2.0 ** (1 - bits) + 1e-6)
    expected = read.samples if rate == wanted else resample_poly(read.samples, wanted, rate)
    np.testing.assert_allclose(read.at(wanted), expected, atol=1e-5)
    again = io.BytesIO()
    soundfile.write(again, read.samples, rate, format="WAV", subtype="FLOAT")
    again.seek(0)
    np.testing.assert_array_equal(soundfile.read(again, dtype="float32")[0], read.samples)

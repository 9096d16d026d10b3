"""Reading series, sound, boxes, clips and music."""

import json
import warnings

import numpy as np
import pytest
from PIL import Image
from scipy.io import wavfile

from genai_basics import data as gd
from genai_basics.data.midi import read_midi, synthesize, write_midi
from genai_basics.data.predicting import read_inputs
from genai_basics.data.series import read_ts
from genai_basics.data.sound_files import read_sound, resample, write_wav
from genai_basics.data.writers import write_samples

TS = """#a comment
@problemName walks
@timeStamps false
@classLabel true up down
@data
1,2,3:0,0,0:up
1,?,5,7:1,1,1,1:down
3,2,1:2,2,2:up
"""


def test_ts_files_of_the_archive(tmp_path):
    path = tmp_path / "Walks_TRAIN.ts"
    path.write_text(TS)
    series, labels = read_ts(path)
    assert labels == ["up", "down", "up"]
    assert [item.shape for item in series] == [(3, 2), (4, 2), (3, 2)]
    assert series[1][1, 0] == 3
    (tmp_path / "Walks_TEST.ts").write_text(TS)
    for source in (tmp_path, path):
        data = gd.load_data(source, validation=0)
        assert data.spec == gd.SeriesSpec((None, 2), ("down", "up"))
        assert (len(data.train), len(data.test)) == (3, 3)
    path.write_text(TS.replace("1,2,3", "1,two,3"))
    with pytest.raises(ValueError, match=r"Series 0 of .* cannot be read"):
        read_ts(path)


def test_unequal_series_and_labels():
    series = [np.ones((5 + i % 3, 2)) for i in range(30)]
    data = gd.load_data((series, [i % 2 for i in range(30)]))
    assert data.kind == "series"
    assert data.spec.shape == (None, 2)
    with pytest.raises(ValueError, match="same number of channels"):
        gd.load_data([np.ones((5, 2)), np.ones((6, 3))] * 5)
    with pytest.raises(ValueError, match="NaN"):
        gd.load_data([np.ones(5), np.full(6, np.nan)] * 5)


def tone(seconds=0.2, rate=8000, frequency=440.0):
    return 0.5 * np.sin(2 * np.pi * frequency * np.arange(int(seconds * rate)) / rate)


def wav(path, samples, rate=8000):
    path.parent.mkdir(parents=True, exist_ok=True)
    write_wav(path, samples, rate)
    return path


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "float32"])
def test_wav_of_every_depth(tmp_path, dtype):
    x, path = tone(), tmp_path / "a.wav"
    if dtype == "uint8":
        stored = (x * 127 + 128).astype(dtype)
    elif dtype == "float32":
        stored = x.astype(dtype)
    else:
        stored = (x * np.iinfo(dtype).max).astype(dtype)
    wavfile.write(path, 8000, stored)
    sound = read_sound(path)
    samples, rate = sound.samples, sound.rate
    assert rate == 8000
    assert samples.dtype == np.float32
    np.testing.assert_allclose(samples, x, atol=0.02)


def test_wav_of_24_bits_and_in_stereo(tmp_path):
    import wave

    left = (tone() * (2**23 - 1)).astype("<i4")
    packed = np.stack([left, np.zeros_like(left)], 1).reshape(-1, 1).view("u1").reshape(-1, 4)
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(3)
        file.setframerate(8000)
        file.writeframes(packed[:, :3].tobytes())
    np.testing.assert_allclose(read_sound(tmp_path / "a.wav").samples, tone() / 2, atol=1e-3)


def test_resampling_keeps_the_pitch():
    high = resample(tone(rate=16000, seconds=1), 16000, 8000)
    assert len(high) == 8000
    assert np.abs(np.fft.rfft(high)).argmax() == 440


def test_sound_in_class_folders_with_names_and_with_a_table(tmp_path):
    for i in range(10):
        for name in ("high", "low"):
            wav(tmp_path / "a" / name / f"{i}.wav", tone(frequency=800 if name == "high" else 200))
            wav(tmp_path / "b" / "recordings" / f"{name}_anna{i % 5}_{i}.wav", tone(0.1 + i / 100))
    data = gd.load_data(tmp_path / "a")
    assert data.spec == gd.AudioSpec(8000, ("high", "low"), None, 1600)
    data = gd.load_data(tmp_path / "b", test="speaker=anna1,anna2")
    assert data.spec.class_names == ("high", "low")
    assert set(data.test.groups["speaker"]) == {"anna1", "anna2"}
    assert not {"anna1", "anna2"} & set(data.train.groups["speaker"])
    grouped = gd.load_data(tmp_path / "b", group="speaker")
    assert not set(grouped.train.groups["speaker"]) & set(grouped.test.groups["speaker"])
    with pytest.raises(ValueError, match="test='speaker=zoe'"):
        gd.load_data(tmp_path / "b", test="speaker=zoe")
    lines = [f"{i}.wav,{'one two' if i % 2 else 'three'}" for i in range(10)]
    (tmp_path / "a" / "high" / "metadata.csv").write_text(
        "file_name,transcription\n" + "\n".join(lines)
    )
    data = gd.load_data(tmp_path / "a" / "high")
    assert data.spec.alphabet == tuple(sorted(set("one two three")))
    assert set(data.train.y) == {"one two", "three"}
    (tmp_path / "a" / "high" / "0.wav").unlink()
    with pytest.warns(UserWarning, match=r"1 files of 'metadata.csv' are not there .*'0\.wav'"):
        gd.load_data(tmp_path / "a" / "high")


def test_broken_silent_and_mixed_sound(tmp_path):
    for i in range(6):
        wav(tmp_path / f"{i}.wav", tone(), rate=8000 if i else 16000)
    wav(tmp_path / "silent.wav", np.zeros(100))
    (tmp_path / "broken.wav").write_bytes(b"RIFF nothing")
    with warnings.catch_warnings(record=True, action="always") as record:
        data = gd.load_data(tmp_path)
    said = " ".join(str(item.message) for item in record)
    assert "Skipped 1 sounds" in said
    assert "1 clips are silent (the first is 'silent.wav')" in said
    assert "sample rates of 8000, 16000; all are converted to 8000" in said
    assert [line.split(":")[0] for line in data.skipped] == ["broken.wav"]
    with pytest.raises(ValueError, match=r"broken\.wav"):
        gd.load_data(tmp_path, strict=True)
    _names, x = read_inputs([str(tmp_path / "0.wav")], gd.AudioSpec(4000))
    assert len(x[0]) == 400
    with pytest.raises(ValueError, match=r"broken\.wav"):
        read_inputs([str(tmp_path / "broken.wav")], gd.AudioSpec(4000))
    with pytest.warns(UserWarning, match=r"Skipped 1 .*broken\.wav"):
        assert len(read_inputs([str(tmp_path)], gd.AudioSpec(4000))[0]) == 7


def test_sound_that_is_cut_off_is_read_and_said(tmp_path):
    wav(tmp_path / "a.wav", tone())
    (tmp_path / "a.wav").write_bytes((tmp_path / "a.wav").read_bytes()[:1044])
    with pytest.warns(UserWarning, match=r"a\.wav' is truncated"):
        assert len(read_sound(tmp_path / "a.wav").samples) == 500


VOC = """<annotation><filename>{0}.png</filename><object><name>{1}</name><bndbox><xmin>{2}</xmin>
<ymin>2</ymin><xmax>{3}</xmax><ymax>8</ymax></bndbox></object></annotation>"""


@pytest.fixture
def voc(tmp_path):
    for folder in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (tmp_path / folder).mkdir(parents=True)
    for i in range(8):
        Image.new("RGB", (20, 10)).save(tmp_path / "JPEGImages" / f"{i}.png")
        box = (1, 30) if i == 0 else (5, 5) if i == 1 else (1, 9)
        text = VOC.format(i, "cat" if i % 2 else "dog", *box)
        (tmp_path / "Annotations" / f"{i}.xml").write_text(text)
    return tmp_path


def test_voc_folders_with_bad_boxes(voc):
    with pytest.warns(UserWarning, match="1 boxes") as record:
        data = gd.load_data(voc, validation=0, test=0)
    said = " ".join(str(item.message) for item in record)
    assert "no area" in said
    assert "reach beyond their picture" in said
    assert data.spec == gd.DetectionSpec((10, 20, 3), ("cat", "dog"))
    np.testing.assert_array_equal(data.train.y[0]["boxes"], [[1, 2, 20, 8]])
    assert data.train.y[1]["boxes"].shape == (0, 4)
    with pytest.warns(UserWarning, match="boxes"):
        small = gd.load_data(voc, image_size=(5, 10), validation=0, test=0)
    np.testing.assert_array_equal(small.train.y[2]["boxes"], [[0.5, 1, 4.5, 4]])
    assert small.train.x.shape == (8, 5, 10, 3)


@pytest.mark.filterwarnings("ignore:. boxes")
def test_a_box_that_is_no_number_is_left_out(voc):
    path = voc / "Annotations" / "2.xml"
    path.write_text(path.read_text().replace("<ymax>8", "<ymax>nan"))
    assert gd.load_data(voc, validation=0, test=0).train.y[2]["boxes"].shape == (0, 4)


@pytest.mark.filterwarnings("ignore:. boxes")
def test_voc_split_files_and_what_is_missing(voc):
    for name, numbers in (("train", "2345"), ("val", "6"), ("test", "7")):
        (voc / "ImageSets" / "Main" / f"{name}.txt").write_text("\n".join(numbers))
    data = gd.load_data(voc)
    assert list(data.test.groups["file"]) == ["7.png"]
    assert len(data.train) == 4
    (voc / "Annotations" / "2.xml").unlink()
    (voc / "JPEGImages" / "3.png").unlink()
    (voc / "Annotations" / "4.xml").write_text("<annotation>")
    with pytest.warns(UserWarning, match="Skipped 3"):
        data = gd.load_data(voc)
    assert "2.png: it has no annotation" in data.skipped
    assert "3.xml: its picture is missing" in data.skipped
    with pytest.raises(ValueError, match="it has no annotation"):
        gd.load_data(voc, strict=True)


def test_coco_json(tmp_path):
    (tmp_path / "images").mkdir()
    for i in range(5):
        Image.new("L", (20, 10)).save(tmp_path / "images" / f"{i}.png")
    content = {
        "images": [{"id": i, "file_name": f"{i}.png"} for i in range(5)],
        "categories": [{"id": 7, "name": "cat"}],
        "annotations": [
            {"id": i, "image_id": i, "category_id": 7, "bbox": [1, 2, 3, 4]} for i in range(4)
        ],
    }
    (tmp_path / "boxes.json").write_text(json.dumps(content))
    for source in (tmp_path, tmp_path / "boxes.json"):
        data = gd.load_data(source, validation=0, test=0)
        assert data.spec == gd.DetectionSpec((10, 20, 1), ("cat",))
        np.testing.assert_array_equal(data.train.y[0]["boxes"], [[1, 2, 4, 6]])
        assert len(data.train.y[4]["labels"]) == 0
    content["annotations"][0]["bbox"] = [1, 2]
    content["annotations"][1]["category_id"] = 8
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "all.json").write_text(json.dumps(content))
    with pytest.warns(UserWarning, match="annotation 0: its box or its class is broken"):
        data = gd.load_data(tmp_path / "annotations" / "all.json", validation=0, test=0)
    assert data.train.groups["file"].tolist() == ["2.png", "3.png", "4.png"]
    assert [len(y["boxes"]) for y in data.train.y] == [1, 1, 0]
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "all.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match="no picture with an annotation"):
        gd.load_data(tmp_path / "elsewhere")
    (tmp_path / "boxes.json").write_text('{"images": [], "annotations": 3}')
    with pytest.raises(ValueError, match="not valid COCO JSON"):
        gd.load_data(tmp_path)


def test_clips_of_arrays_and_gifs(tmp_path):
    clips = np.random.default_rng(0).integers(0, 256, (20, 6, 8, 8)).astype("uint8")
    data = gd.load_data((clips, np.zeros((20, 2))))
    assert data.spec.shape == (6, 8, 8, 1)
    assert data.train.y is None
    assert data.train.groups["labels"].shape == (16, 2)
    paths = write_samples(clips[:4, ..., None], tmp_path, data.spec)
    write_samples(clips[4:5, :4, ..., None], tmp_path / "short.gif", data.spec)
    assert len(paths) == 4
    Image.new("L", (8, 8)).save(tmp_path / "still.gif")
    with pytest.warns(UserWarning, match="4 to 6 frames; all are cut to the first 4"):
        data = gd.load_data(tmp_path, validation=0, test=0)
    assert data.skipped == ("still.gif: one frame is not a clip",)
    assert data.train.x.shape == (5, 4, *data.spec.shape[1:])
    assert data.spec.fps == 10
    _names, x = read_inputs([str(paths[0])], gd.VideoSpec((3, 8, 8, 1)))
    assert x.shape == (1, 3, 8, 8, 1)
    with pytest.raises(ValueError, match="at least 9 frames"):
        read_inputs([str(paths[0])], gd.VideoSpec((9, 8, 8, 1)))


PIECE = np.array([[72, 60], [72, 62], [74, -1], [74, 64], [-1, 64], [76, 65]])


def test_music_survives_midi(tmp_path):
    pytest.importorskip("mido")
    spec = gd.MusicSpec(4, 2, 60, 76)
    write_samples([PIECE, PIECE], tmp_path / "two.mid", spec)
    whole = read_midi(tmp_path / "two.mid", 4, 2)
    np.testing.assert_array_equal(whole[:6], PIECE)
    np.testing.assert_array_equal(whole[-6:], PIECE)
    folder = write_samples([PIECE] * 12, tmp_path / "pieces", spec)
    (tmp_path / "pieces" / "broken.mid").write_bytes(folder[0].read_bytes()[:30])
    write_midi(tmp_path / "pieces" / "empty.mid", [np.full((4, 2), -1)])
    with pytest.warns(UserWarning, match="Skipped 2 MIDI files"):
        data = gd.load_data(tmp_path / "pieces", voices=2)
    assert data.spec == spec
    assert any("holds no notes" in line for line in data.skipped)


def test_music_of_json_and_arrays(tmp_path):
    pieces = [[[60, 64], [], [65]]] * 4
    (tmp_path / "m.json").write_text(json.dumps({"train": pieces, "valid": pieces, "test": pieces}))
    data = gd.load_data(tmp_path / "m.json")
    assert data.spec == gd.MusicSpec(1, None, 60, 65)
    assert data.train.x[0] == [[60, 64], [], [65]]
    voices = gd.load_data(tmp_path / "m.json", voices=2).train.x[0]
    np.testing.assert_array_equal(voices, [[64, 60], [-1, -1], [65, -1]])
    np.savez(tmp_path / "m.npz", train=np.tile(PIECE, (4, 1)), train_length=[6, 12, 6])
    data = gd.load_data(tmp_path / "m.npz", validation=1)
    assert [len(piece) for piece in (*data.train.x, *data.validation.x)].count(6) == 2
    (tmp_path / "m.json").write_text("[[[200]]]")
    with pytest.raises(ValueError, match="0 to 127"):
        gd.load_data(tmp_path / "m.json")
    (tmp_path / "m.json").write_text('{"a": 3}')
    with pytest.raises(ValueError, match="MIDI pitches"):
        gd.load_data(tmp_path / "m.json")


def test_music_can_be_heard(tmp_path):
    sound = synthesize(np.full((8, 1), 69), 4, sample_rate=8000)
    spectrum = np.abs(np.fft.rfft(sound))
    assert spectrum.argmax() / len(sound) * 8000 == pytest.approx(440, abs=2)
    assert np.abs(sound).max() <= 1
    [path] = write_samples([PIECE], tmp_path / "a.wav", gd.MusicSpec(4, 2, 60, 76))
    assert len(read_sound(path).samples) > 8000


def test_transcriptions_with_unknown_letters(tmp_path):
    for i in range(4):
        wav(tmp_path / f"{i}.wav", tone())
    rows = "".join(f"{i}.wav,one\n" for i in range(4))
    (tmp_path / "metadata.csv").write_text("file_name,transcription\n" + rows)
    with pytest.raises(ValueError, match="letters that are not in the alphabet: 'e'"):
        gd.load_data(tmp_path, like=gd.AudioSpec(8000, alphabet=("n", "o")))
    (tmp_path / "metadata.csv").write_text("sound,text\nzero,one\n")
    with pytest.raises(ValueError, match="must have a column file_name"):
        gd.load_data(tmp_path)

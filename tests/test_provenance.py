"""Provenance in files: each format is read back by us and by an independent reader."""

import json
import struct
import subprocess
import wave
import zipfile
from pathlib import Path
from types import SimpleNamespace

import mido
import numpy as np
import pytest
from PIL import Image

from genai_basics import provenance
from genai_basics.data.spec import AudioSpec, ImageSpec, MusicSpec, TextSpec, VectorSpec, VideoSpec
from genai_basics.data.writers import write_samples

TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


@pytest.fixture
def facts(tmp_path):
    run = SimpleNamespace(name="vae", folder=tmp_path / "someone" / "vae-2", config={})
    return provenance.describe(run, seed=1, note="naïve — “quoted”")


@pytest.fixture
def pictures():
    return np.random.default_rng(0).integers(0, 256, (4, 8, 8, 1)).astype("uint8")


def kept(path, facts):
    assert provenance.read(path) == facts
    return facts


def test_facts_name_the_run_and_not_where_it_lies(facts):
    assert facts["run"] == "vae-2"
    assert "someone" not in json.dumps(facts)
    assert facts["digital_source_type"] == TYPE


def test_a_png_is_read_by_pillow(tmp_path, pictures, facts):
    (path,) = write_samples(pictures, tmp_path / "s.png", ImageSpec((8, 8, 1)), provenance=facts)
    (plain,) = write_samples(pictures, tmp_path / "p.png", ImageSpec((8, 8, 1)))
    kept(path, facts)
    with Image.open(path) as image, Image.open(plain) as original:
        np.testing.assert_array_equal(np.asarray(image), np.asarray(original))
        assert TYPE.encode() in image.info["xmp"]
        assert image.info["Software"] == facts["generator"]
        assert json.loads(image.info["genai_basics"]) == facts


def test_a_jpeg_is_read_by_pillow_and_keeps_it_when_saved_anew(tmp_path, pictures, facts):
    (path,) = write_samples(pictures, tmp_path / "s.jpg", ImageSpec((8, 8, 1)), provenance=facts)
    kept(path, facts)
    with Image.open(path) as image:
        assert TYPE.encode() in image.info["xmp"]
        assert json.loads(image.info["comment"]) == facts
        image.save(tmp_path / "again.jpg")
    kept(tmp_path / "again.jpg", facts)


def test_a_png_saved_anew_by_pillow_loses_it(tmp_path, pictures, facts):
    (path,) = write_samples(pictures, tmp_path / "s.png", ImageSpec((8, 8, 1)), provenance=facts)
    with Image.open(path) as image:
        image.save(tmp_path / "again.png")
    assert provenance.read(tmp_path / "again.png") is None


def test_a_gif_still_plays(tmp_path, facts):
    clips = np.random.default_rng(0).integers(0, 256, (1, 5, 8, 8, 1)).astype("uint8")
    spec = VideoSpec((5, 8, 8, 1))
    (path,) = write_samples(clips, tmp_path / "s.gif", spec, provenance=facts)
    kept(path, facts)
    with Image.open(path) as image:
        assert image.n_frames == 5
        assert json.loads(image.info["comment"]) == facts
        for frame in range(5):
            image.seek(frame)
            image.load()


def test_a_wav_still_plays(tmp_path, facts):
    sounds = [np.sin(np.arange(801) / 9).astype("float32")]
    (path,) = write_samples(sounds, tmp_path / "s.wav", AudioSpec(8000), provenance=facts)
    kept(path, facts)
    with wave.open(str(path)) as file:
        assert file.getnframes() >= 801
    content = path.read_bytes()
    assert struct.unpack("<I", content[4:8])[0] == len(content) - 8


def test_midi_is_read_by_mido(tmp_path, facts):
    pieces = [[[60, 64], [62], [60, 67]]]
    (path,) = write_samples(pieces, tmp_path / "s.mid", MusicSpec(), provenance=facts)
    kept(path, facts)
    file = mido.MidiFile(path)
    assert json.loads(file.tracks[0][0].text) == facts
    assert sum(message.type == "note_on" for track in file.tracks for message in track) >= 5


def test_an_npz_holds_it_as_its_comment(tmp_path, pictures, facts):
    (path,) = write_samples(pictures, tmp_path / "s.npz", ImageSpec((8, 8, 1)), provenance=facts)
    kept(path, facts)
    with zipfile.ZipFile(path) as archive:
        assert json.loads(archive.comment) == facts
    assert np.load(path)["samples"].shape == (4, 8, 8, 1)


@pytest.mark.parametrize(
    ("name", "samples", "spec"),
    [
        ("s.npy", np.zeros((3, 2), "float32"), VectorSpec((2,))),
        ("s.txt", ["one", "two"], TextSpec()),
        ("s.csv", np.zeros((3, 2), "float32"), VectorSpec((2,))),
    ],
)
def test_formats_without_metadata_have_a_file_beside(tmp_path, facts, name, samples, spec):
    (path,) = write_samples(samples, tmp_path / name, spec, provenance=facts)
    assert json.loads((tmp_path / f"{name}.json").read_text()) == facts
    kept(path, facts)


def test_a_folder_of_texts_has_one(tmp_path, facts):
    paths = write_samples(["one", "two"], tmp_path / "texts", TextSpec(), provenance=facts)
    for path in paths:
        kept(path, facts)
    assert len(list((tmp_path / "texts").glob("*.json"))) == 1


def test_nothing_is_said_of_other_files(tmp_path, pictures):
    Image.fromarray(pictures[0, :, :, 0]).save(tmp_path / "own.png")
    assert provenance.read(tmp_path / "own.png") is None
    (tmp_path / "cut.png").write_bytes((tmp_path / "own.png").read_bytes()[:40])
    assert provenance.read(tmp_path / "cut.png") is None
    with pytest.raises(ValueError, match="no file"):
        provenance.read(tmp_path / "none.png")


def test_pictures_by_others_are_recognized(tmp_path, pictures):
    path = tmp_path / "other.jpg"
    xmp = f'<x:xmpmeta><rdf:Description Iptc4xmpExt:DigitalSourceType="{TYPE}"/></x:xmpmeta>'
    Image.fromarray(pictures[0, :, :, 0]).save(path, xmp=xmp.encode())
    assert provenance.read(path) == {"digital_source_type": TYPE}


def test_what_is_made_of_a_users_own_is_enhanced(tmp_path):
    run = SimpleNamespace(name="autoencoder", folder=Path("runs/a"), config={})
    facts = provenance.describe(run, provenance.ENHANCED)
    assert facts["digital_source_type"].endswith("/algorithmicallyEnhanced")


@pytest.fixture
def signing(tmp_path):
    """Return a certificate chain and key, generated with openssl."""
    pytest.importorskip("c2pa")
    extensions = (
        "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
        "extendedKeyUsage=critical,emailProtection\nsubjectKeyIdentifier=hash\n"
        "authorityKeyIdentifier=keyid\n"
    )
    (tmp_path / "leaf.ext").write_text(extensions)

    def openssl(*arguments):
        command = ["openssl", *map(str, arguments)]
        try:
            subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
        except FileNotFoundError:
            pytest.skip("openssl, which makes the certificate, is not installed")

    for name in ("ca", "leaf"):
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{name}.ec")
        openssl("pkcs8", "-topk8", "-nocrypt", "-in", f"{name}.ec", "-out", f"{name}.key")
    openssl(
        "req",
        "-x509",
        "-new",
        "-key",
        "ca.key",
        "-days",
        30,
        "-subj",
        "/C=US/O=T/CN=Root",
        "-out",
        "ca.pem",
    )
    openssl(
        "req", "-new", "-key", "leaf.key", "-subj", "/C=US/O=Someone/CN=Leaf", "-out", "leaf.csr"
    )
    openssl(
        "x509",
        "-req",
        "-in",
        "leaf.csr",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-days",
        30,
        "-extfile",
        "leaf.ext",
        "-out",
        "leaf.pem",
    )
    chain = tmp_path / "chain.pem"
    chain.write_text((tmp_path / "leaf.pem").read_text() + (tmp_path / "ca.pem").read_text())
    return chain, tmp_path / "leaf.key"


def test_a_signed_manifest_is_read_back(tmp_path, pictures, facts, signing):
    (path,) = write_samples(pictures, tmp_path / "s.png", ImageSpec((8, 8, 1)), provenance=facts)
    provenance.sign(path, *signing, facts)
    manifest = provenance.read_manifest(path)
    active = manifest["manifests"][manifest["active_manifest"]]
    assert active["signature_info"]["issuer"] == "Someone"
    assert TYPE in json.dumps(active)
    kept(path, facts)


def test_a_wrong_certificate_is_an_error_that_loses_nothing(tmp_path, pictures, facts):
    pytest.importorskip("c2pa")
    (path,) = write_samples(pictures, tmp_path / "s.png", ImageSpec((8, 8, 1)), provenance=facts)
    (tmp_path / "bad.pem").write_text("no certificate")
    with pytest.raises(ValueError, match="cannot be signed"):
        provenance.sign(path, tmp_path / "bad.pem", tmp_path / "bad.pem", facts)
    kept(path, facts)
    assert not list(tmp_path.glob(".signed*"))

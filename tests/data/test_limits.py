"""Oversized or nonsensical files are rejected by name before memory is allocated."""

import gzip
import http.server
import os
import shutil
import struct
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from benchmarks.reliability.mutations import run_reader, seeds
from genai_basics import limits, provenance
from genai_basics.cli.main import cli
from genai_basics.data import load_data, read_inputs
from genai_basics.data.delimited import read_rows
from genai_basics.data.spec import TextSpec, VectorSpec


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return seeds(tmp_path_factory.mktemp("seeds"))


def test_mutated_files_are_read_or_refused_by_name(made, monkeypatch):
    monkeypatch.setattr("resource.setrlimit", lambda *args: None)
    for name, (file, load, options) in made.items():
        wrong, memory = run_reader(name, file, load, options, cases=8, seed=1)
        assert not wrong, f"{name}: {wrong}"
        assert memory < 2**30, name


def test_packed_files_are_unpacked_up_to_a_limit(tmp_path):
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 10**5))
    with (
        limits.raised(bytes=10**5),
        pytest.raises(ValueError, match=r"a\.csv\.gz' asks for 100,001"),
    ):
        load_data(tmp_path / "a.csv.gz", kind="tables", target="b")


def test_arrays_that_declare_more_than_they_hold_are_refused(tmp_path):
    header = (
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999, 8)}".ljust(117) + b"\n"
    )
    array = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", array)
    with pytest.raises(ValueError, match=r"a\.npz' .*declares 6,399,999,999,936 bytes"):
        load_data(tmp_path / "a.npz")
    (tmp_path / "a.npy").write_bytes(array)
    with pytest.raises(ValueError, match=r"a\.npy'"):
        load_data(tmp_path / "a.npy")


def test_one_row_of_1970_among_seconds_takes_no_memory(tmp_path):
    times = [0, *range(1_700_000_000, 1_700_000_300)]
    text = "time,value\n" + "".join(f"{t},{t % 7}\n" for t in times)
    (tmp_path / "a.csv").write_text(text)
    with pytest.warns(UserWarning, match="times are uneven"):
        data = load_data(tmp_path / "a.csv", kind="forecast", target="value")
    assert len(data.train.x) < 301


def test_a_rate_that_no_sound_has_is_refused(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(800), 8000)
    content = bytearray((tmp_path / "a.wav").read_bytes())
    content[24:28] = struct.pack("<I", 2**31 - 1)
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.wav: .*2,147,483,647 samples per second"):
        load_data(tmp_path, kind="audio")


def test_long_cells_are_read_from_the_first_file_on(tmp_path):
    for i in range(2):
        rows = "".join(f"{'word ' * 40_000}{k},{'ab'[k % 2]}\n" for k in range(12))
        (tmp_path / f"{i}.csv").write_text("text,label\n" + rows)
        data = load_data(tmp_path / f"{i}.csv", kind="text")
        assert max(map(len, data.train.x)) > 131_072
    with limits.raised(cell=1000), pytest.raises(ValueError, match=r"0\.csv'.*field limit"):
        load_data(tmp_path / "0.csv", kind="text")


@pytest.mark.parametrize("number", ["1e999", "-1e300", "nan"])
def test_numbers_that_single_precision_does_not_hold_are_refused(number, tmp_path):
    (tmp_path / "a.csv").write_text(f"1,2\n3,{number}\n")
    with pytest.raises(ValueError, match=r"a\.csv' holds NaN, infinite or too large numbers"):
        read_inputs([tmp_path / "a.csv"], VectorSpec((2,)))
    if number != "nan":
        x = np.ones((30, 2))
        x[3, 1] = float(number)
        with pytest.raises(ValueError, match="1 of 30 examples hold NaN or infinite"):
            load_data(x, kind="vectors")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_in_a_folder_is_skipped_by_name(made, tmp_path):
    for path in Path(made["picture .png"][1]).glob("*.png"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.warns(UserWarning, match=r"pipe\.png"):
        assert len(load_data(tmp_path, kind="images").train)


def test_messages_are_short_and_name_the_file(tmp_path):
    (tmp_path / "a.json").write_text('{"images": [' + "9" * 5000 + "]}")
    with pytest.raises(ValueError, match=r"a\.json") as error:
        load_data(tmp_path / "a.json", kind="detection")
    assert len(str(error.value)) < 300 + len(str(tmp_path))
    with pytest.raises(ValueError, match=r"b\.csv"):
        read_inputs([tmp_path / "b.csv"], TextSpec()) and load_data(tmp_path / "b.csv")


def test_a_picture_sends_nobody_to_the_network(tmp_path):
    pytest.importorskip("c2pa")
    from PIL import Image

    asked = []

    class Server(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *args):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    xmp = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
        'xmlns:dcterms="http://purl.org/dc/terms/" rdf:about="" '
        f'dcterms:provenance="http://127.0.0.1:{server.server_port}/a.c2pa"/></rdf:RDF></x:xmpmeta>'
    )
    Image.new("RGB", (8, 8)).save(tmp_path / "a.jpg", xmp=xmp.encode())
    assert provenance.read_manifest(tmp_path / "a.jpg") is None
    server.shutdown()
    assert not asked


def test_a_workbook_that_unpacks_to_much_is_refused(made):
    file, load, options = made["table .xlsx"]
    with (
        limits.raised(bytes=8000),
        pytest.raises(ValueError, match=r"table\.xlsx' .*over the limit"),
    ):
        load_data(load, **options)
    command = ["inspect", str(file), "--kind", "tables", "--target", "kind"]
    assert CliRunner().invoke(cli, command).exit_code == 0
    done = CliRunner().invoke(cli, [*command, "--limit-bytes", "8000"])
    assert (done.exit_code, "over the limit of 8,000 (--limit-bytes)" in done.stderr) == (1, True)
    assert CliRunner().invoke(cli, [*command, "--limit-bytes=x"]).exit_code == 2


def test_files_that_are_small_and_mean_much_are_answered(made, tmp_path):
    (tmp_path / "deep.json").write_text('{"a":' * 50_000 + "1" + "}" * 50_000)
    done = CliRunner().invoke(cli, ["inspect", str(tmp_path / "deep.json"), "--kind", "tables"])
    assert done.exit_code == 1
    assert "deep.json' cannot be read (RecursionError" in done.stderr
    names = ",".join(f"c{i}" for i in range(20_000))
    rows = "".join(f"{','.join(str(i) for _ in range(20_000))}\n" for i in range(3))
    (tmp_path / "wide.csv").write_text(f"{names}\n{rows}")
    assert len(read_rows(tmp_path / "wide.csv")[0]) == 20_000
    root = shutil.copytree(made["boxes YOLO .yaml"][1], tmp_path / "yolo")
    lines = ["a0: &a0 [x, x]", *(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 40))]
    (root / "data.yaml").write_text("\n".join([*lines, "train: images", "names: *a39"]))
    with pytest.raises(ValueError, match=r"data\.yaml' is not valid YAML: aliases are not read"):
        load_data(root, kind="detection")

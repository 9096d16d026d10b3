"""Runs by strangers: nothing in their files is executed, followed or given memory."""

import contextlib
import io
import json
import os
import shutil
import zipfile

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks.reliability.mutations import gbac_cases
from genai_basics import load_run, train
from genai_basics.cli.main import cli
from genai_basics.runs import NotARunError
from genai_basics.runs.archives import small_enough

TINY = {"latent_dim": 2, "hidden_units": (8,), "audit": False, "data_options": {"limit": 64}}


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    return train("vae", epochs=1, out=tmp_path_factory.mktemp("a") / "vae", **TINY).folder


@pytest.fixture
def folder(honest, tmp_path):
    return shutil.copytree(honest, tmp_path / "run")


def rewrite(folder, change=None, weights=None, members=(), compression=zipfile.ZIP_STORED):
    """Rewrite the archive of a run with a stranger's change."""
    path = folder / "model.keras"
    with zipfile.ZipFile(path) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    if change is not None:
        config = json.loads(held["config.json"])
        changed = change(config)
        held["config.json"] = changed if isinstance(changed, bytes) else json.dumps(config).encode()
    if weights is not None:
        file = io.BytesIO(held["model.weights.h5"])
        with h5py.File(file, "r+") as sets:
            weights(sets)
        held["model.weights.h5"] = file.getvalue()
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in [*held.items(), *members]:
            archive.writestr(name, content)


def refused(folder, match="is refused|is damaged"):
    with pytest.raises(NotARunError, match=match) as error:
        _ = load_run(folder).model
    assert len(str(error.value)) < 300 + len(str(folder))


def layer(module, name, config, **more):
    """Return a change that adds a layer to the encoder."""
    found = {"module": module, "class_name": name, "config": {"name": "x", **config}, "name": "x"}

    def change(archive):
        layers = archive["config"]["encoder"]["config"]["layers"]
        inbound = layers[1]["inbound_nodes"]
        layers.append({"registered_name": None, "inbound_nodes": inbound, **found, **more})

    return change


def value(config, argument="beta"):
    """Return a change that passes something as an argument of the model."""
    return lambda archive: archive["config"].update({argument: config})


def function(module, name):
    described = {"module": module, "class_name": "function", "config": name}
    return {**described, "registered_name": name}


CODE = ["4wEAAAAA", None, None]
LAMBDA = {"class_name": "__lambda__", "config": {"value": CODE}}
SAVED = {"module": "keras.layers", "class_name": "TFSMLayer", "config": {"filepath": "/tmp/x"}}
CLASSES = {
    "CVE-2024-3660: code in a Lambda": layer("keras.layers", "Lambda", {"function": LAMBDA}),
    "a lambda as a value": value(LAMBDA),
    "CVE-2025-1550: any function of Python": layer(
        "keras.layers", "Lambda", {"function": function("subprocess", "run")}
    ),
    "a function as a value": value(function("os", "system")),
    "CVE-2025-8747: Keras' own get_file": layer(
        "keras.layers", "Lambda", {"function": function("keras.utils", "get_file")}
    ),
    "CVE-2025-12060, CVE-2025-12638: get_file that unpacks": value(
        function("keras.utils", "get_file")
    ),
    "CVE-2025-9906: unsafe mode by a function": value(
        function("keras.config", "enable_unsafe_deserialization")
    ),
    "CVE-2025-12058: a vocabulary from a path": layer(
        "keras.layers", "StringLookup", {"vocabulary": "/etc/passwd"}
    ),
    "CVE-2025-49655: a pickle of PyTorch": layer(
        "keras.layers", "TorchModuleWrapper", {"module": "gASV"}
    ),
    "CVE-2026-1462: a SavedModel": layer("keras.layers", "TFSMLayer", {"filepath": "/tmp/x"}),
    "a class as the function of a Lambda": layer(
        "keras.layers", "Lambda", {"function": {**SAVED, "class_name": "TFSMLayer"}}
    ),
    "a class as a value": value(SAVED),
    "pictures written by Keras": value(function("keras.visualization", "plot_image_gallery")),
    "a setting of Keras": value(function("keras.config", "set_floatx")),
    "an editor of files": value(
        {"module": "keras.saving", "class_name": "KerasFileEditor", "config": {"filepath": "x"}}
    ),
    "a type of TensorFlow": value(
        {"class_name": "__typespec__", "module": "x", "registered_name": "x", "config": []}
    ),
    "another's name": layer(
        "keras.layers", "Lambda", {}, registered_name="genai_basics>VAE", class_name="VAE"
    ),
    "another's class": layer("keras.layers", "Dense", {}, registered_name="genai_basics>VAE"),
    "a module to import": layer("keras.src.saving.file_editor", "KerasFileEditor", {}),
    "a path as an argument": layer("keras.layers", "Dense", {"units": 2, "activation": "../x"}),
    "a model that is not ours": lambda archive: archive.update(
        module="keras", class_name="Sequential", registered_name=None
    ),
    "a number beyond all bounds": layer("keras.layers", "RepeatVector", {"n": 10**12}),
    "infinity": value(float("inf")),
    "nested without end": lambda archive: b"[" * 200_000,
    "no JSON": lambda archive: b"\xff",
}


@pytest.mark.parametrize("name", CLASSES)
def test_what_our_models_are_not_made_of_is_refused(name, folder):
    rewrite(folder, CLASSES[name])
    refused(folder)


def outside(sets):
    sets["vars"].create_dataset("9", (8,), "float32", external=[("/etc/passwd", 0, 32)])


def virtual(sets):
    layout = h5py.VirtualLayout((8,), "float32")
    layout[:] = h5py.VirtualSource("/tmp/other.h5", "x", (8,))
    sets["vars"].create_virtual_dataset("9", layout)


def cycle(sets):
    sets["vars/again"] = sets["/"]


WEIGHTS = {
    "CVE-2026-1669: external storage": outside,
    "an external link": lambda sets: (
        sets.update({}) or sets.__setitem__("vars/9", h5py.ExternalLink("/tmp/other.h5", "/x"))
    ),
    "a soft link": lambda sets: sets.__setitem__("vars/9", h5py.SoftLink("/vars/0")),
    "virtual data": virtual,
    "CVE-2026-0897: a shape without values": lambda sets: sets.create_dataset(
        "vars/9", (10**7, 10**5), "float32"
    ),
    "a compressed set": lambda sets: sets.create_dataset(
        "vars/9", data=np.zeros(10**7, "float32"), compression="gzip"
    ),
    "groups in a circle": cycle,
    "texts": lambda sets: sets.create_dataset("vars/9", data=["a"]),
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights_that_lie_elsewhere_or_nowhere_are_refused(name, folder):
    with contextlib.suppress(KeyError):
        rewrite(folder, weights=lambda sets: sets.require_group("vars"))
    rewrite(folder, weights=WEIGHTS[name])
    refused(folder, "is refused")


MEMBERS = {
    "a member that climbs out": [("../../x.txt", "x")],
    "an asset that climbs out": [("assets/../../x.txt", "x")],
    "a program": [("assets/x.py", "x")],
}


@pytest.mark.parametrize("name", MEMBERS)
def test_members_that_an_archive_does_not_need_are_refused(name, folder):
    rewrite(folder, members=MEMBERS[name])
    refused(folder, "is refused: it holds")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_archive_that_says_two_things_or_unpacks_to_much_is_refused(honest, folder):
    rewrite(folder, members=[("config.json", "{}")])
    refused(folder, "is refused: it holds 'config.json'")
    shutil.copy(honest / "model.keras", folder)
    rewrite(folder, lambda archive: b" " * 10**7, compression=zipfile.ZIP_DEFLATED)
    refused(folder, "compressed to less than a 100th")
    (folder / "model.keras").write_bytes((honest / "config.json").read_bytes())  # CVE-2025-9905
    refused(folder, "is damaged")
    rewritten = h5py.File(folder / "model.keras", "w")
    rewritten.close()
    refused(folder, "is damaged")


def test_memory_is_not_given_to_layers_that_the_weights_do_not_fill(folder):
    import keras

    def grown(archive):
        for found in archive["config"]["encoder"]["config"]["layers"]:
            if found["class_name"] == "Dense":
                found["config"]["units"] = 10**8

    rewrite(folder, grown)
    refused(folder, "more weights than it holds")
    inputs = keras.Input((2,))
    model = keras.Model(inputs, keras.layers.RepeatVector(10**9)(inputs))
    with pytest.raises(NotARunError, match="over the limit"):
        small_enough(model)


CONFIGS = {
    "a name that climbs out": {"model": "../../x"},
    "another model's name": {"model": "nothing"},
    "an unknown status": {"status": "\x1b[31m"},
    "no spec": {"data": {"spec": {"kind": "x"}}},
    "a shape that no memory holds": {"data": {"spec": {"kind": "images", "shape": [10**6] * 3}}},
    "a side below zero": {"data": {"spec": {"kind": "images", "shape": [-1, 8, 1]}}},
    "sizes that are none": {"data": {"sizes": [1, 2]}},
    "a batch size that is none": {"training": {"batch_size": -5}},
    "an infinite rate": {"training": {"learning_rate": float("inf")}},
    "a list for an object": {"training": []},
    "an argument of 1e308": {"builder": {"arguments": {"latent_dim": 1e308}}},
}


@pytest.mark.parametrize("name", CONFIGS)
def test_a_configuration_is_checked(name, folder):
    config = json.loads((folder / "config.json").read_text())
    for key, changed in CONFIGS[name].items():
        whole = isinstance(changed, dict) and isinstance(config[key], dict)
        config[key] = {**config[key], **changed} if whole else changed
    (folder / "config.json").write_text(json.dumps(config))
    refused(folder, r"config\.json' is damaged")
    done = CliRunner().invoke(cli, ["sample", str(folder), "-n", "1"])
    assert done.exit_code == 1
    assert "is damaged" in done.stderr


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_pipes_and_links_in_a_run_are_refused(honest, folder, tmp_path):
    for name in ("config.json", "model.keras", "history.csv"):
        (folder / name).unlink()
        os.mkfifo(folder / name)
        with pytest.raises(ValueError, match=r"is not a file|is damaged"):
            _ = load_run(folder).model, load_run(folder).history
        (folder / name).unlink()
        shutil.copy(honest / name, folder)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "last.npz").write_text("mine")
    for name in ("checkpoints", "samples", ".before", "model.keras", ".lock"):
        place = folder / name
        if place.exists():
            shutil.move(place, tmp_path / f"kept-{name}")
        place.symlink_to(tmp_path / "mine")
        refused(folder, "leads out of the run")
        for option in ("--force", "--resume"):
            done = CliRunner().invoke(cli, ["train", "vae", "--out", str(folder), option])
            assert done.exit_code == 1
            assert "leads out of the run" in done.stderr
        place.unlink()
        if (tmp_path / f"kept-{name}").exists():
            shutil.move(tmp_path / f"kept-{name}", place)
    assert (tmp_path / "mine" / "last.npz").read_text() == "mine"


@pytest.mark.slow
def test_checkpoints_hold_arrays_of_the_model_alone(folder):
    last = folder / "checkpoints" / "last.npz"
    with np.load(last) as arrays:
        arrays = dict(arrays)
    for other in ("best.npz", "previous.npz"):
        (folder / "checkpoints" / other).unlink()
    name = next(n for n in arrays if n.startswith("weights/"))
    header = b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (10000000000"
    header += b"00,)}"
    bad = {"pickled": np.array([{}], object), "texts": np.array("x")}
    for value in bad.values():
        np.savez(last, **{**arrays, name: value})
        with pytest.raises(NotARunError, match=r"last\.npz' is damaged"):
            train("vae", out=folder, resume=True, epochs=2)
    for facts in ("[]", "{}", '{"history": [], "rounds": -1, "seconds": 0, "best_step": 0}', "x"):
        np.savez(last, **{**arrays, "facts.json": np.array(facts)})
        with pytest.raises(NotARunError, match=r"last\.npz' is damaged"):
            train("vae", out=folder, resume=True, epochs=2)
    with zipfile.ZipFile(last, "w") as archive:
        archive.writestr(f"{name}.npy", header.ljust(127) + b"\n")
    with pytest.raises(NotARunError, match=r"last\.npz' is damaged"):
        train("vae", out=folder, resume=True, epochs=2)


def test_the_model_in_a_run_is_of_the_family_that_it_names(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model": "gan"}))
    refused(folder, "says that it is a run of gan, and holds a VAE")


def test_commands_refuse_what_load_run_refuses(folder):
    rewrite(folder, CLASSES["CVE-2024-3660: code in a Lambda"])
    for command in (["sample"], ["evaluate"], ["audit"], ["predict", "."]):
        done = CliRunner().invoke(cli, [command[0], str(folder), *command[1:]])
        assert done.exit_code == 1
        assert "is refused" in done.stderr or "model.keras" in done.stderr


@pytest.mark.slow
def test_compressed_files_by_strangers_are_decoded_or_refused():
    from genai_basics import build_autoencoder
    from genai_basics.autoencoder.compression import START, CodecError, decompress, pack

    x = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 1), "uint8")
    model = build_autoencoder((8, 8, 1), hidden_units=(8,), latent_dim=2, rate=0.01, seed=0)
    model.compile()
    model.fit(x, epochs=1, verbose=0)
    assert not gbac_cases(model, x[:4], cases=40, seed=0)
    data = model.compress(x[:4])
    model_id = data[START.size + 1 : START.size + 9]
    body = model.entropy.encode(model.encode(x[:4]).astype("int32"))
    for facts, content in (
        ({"n": 4}, b""),
        ({"n": 10**9}, body),
        ({"n": -1}, body),
        ({"n": 1, "sizes": [[10**6, 10**6]]}, body),
        ({"n": 4, "names": ["x"]}, body),
        ({"n": 4}, body + b"\0\0\0\0"),
        ([], body),
    ):
        with pytest.raises(ValueError, match=r"damaged|do not hold|over the limit"):
            decompress(model, pack(model_id, facts, content))
    with pytest.raises(CodecError, match="cut off"):
        decompress(model, data[:20])

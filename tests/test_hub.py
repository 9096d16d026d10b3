"""Runs leave for the hub and come back, here from a server that speaks what its client needs."""

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from click.testing import CliRunner

import genai_basics as gb
from genai_basics.cli.main import cli
from genai_basics.runs import hub
from genai_basics.runs.run_files import NotARunError
from tests.stored import extract

pytest.importorskip("huggingface_hub")
SHA = "1" * 40
TOKEN = "hf_right"


class Hub(BaseHTTPRequestHandler):
    """The few addresses of the hub that uploading and downloading a repository ask."""

    def log_message(self, *args):
        pass

    def answer(self, content=b"", status=200, **headers):
        content = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        headers = {"Content-Length": str(len(content)), "X-Repo-Commit": SHA, **headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        found = b""
        while size := int(self.rfile.readline(), 16):
            found += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return found

    def do_POST(self):
        body, files = self.body(), self.server.files
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self.answer({"error": "Invalid credentials"}, 401)
        if self.path == "/api/repos/create":
            return self.answer({"url": f"{self.server.address}/me/run"})
        if self.path == "/api/validate-yaml":
            return self.answer({"errors": [], "warnings": []})
        if "/preupload/" in self.path:
            asked = json.loads(body)["files"]
            return self.answer(
                {
                    "files": [
                        {"path": one["path"], "uploadMode": "regular", "shouldIgnore": False}
                        for one in asked
                    ]
                }
            )
        assert "/commit/" in self.path, self.path
        for line in body.splitlines():
            row = json.loads(line)
            if row["key"] == "file":
                files[row["value"]["path"]] = base64.b64decode(row["value"]["content"])
        return self.answer(
            {"commitUrl": f"{self.server.address}/me/run/commit/{SHA}", "commitOid": SHA}
        )

    def do_GET(self):
        files = self.server.files
        if self.path.startswith("/api/models/me/run") and files:
            if "/tree/" in self.path:
                return self.answer(
                    [
                        {"type": "file", "path": name, "size": len(data), "oid": SHA}
                        for name, data in files.items()
                    ]
                )
            siblings = [{"rfilename": name} for name in files]
            return self.answer({"id": "me/run", "sha": SHA, "siblings": siblings})
        name = self.path.partition(f"/resolve/{SHA}/")[2]
        if name not in files:
            return self.answer({"error": "not found"}, 404, **{"X-Error-Code": "RepoNotFound"})
        digest = hashlib.sha256(files[name]).hexdigest()
        return self.answer(files[name], ETag=f'"{digest}"')

    do_HEAD = do_GET  # noqa: N815


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Yield a hub that holds nothing yet; commands in other processes use it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    server.files, server.address = {}, f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", server.address)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
    yield server
    server.shutdown()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return gb.load_run(extract("mlp", tmp_path_factory.mktemp("mlp"))[0])


def run_command(*words):
    """Run a command in a process of its own, as the client reads its variables when imported."""
    command = [sys.executable, "-m", "genai_basics", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ)


@pytest.mark.slow
def test_a_run_goes_to_the_hub_and_comes_back(server, run, tmp_path, monkeypatch):
    done = run_command("export", run.folder, "--to", "hub", "--repo", "me/run")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{run.folder} -> hf://me/run\n"
    assert {"model.keras", "config.json", "history.csv", "README.md"} <= set(server.files)
    page = server.files["README.md"].decode()
    assert 'gb.load_run("hf://me/run")' in page

    done = run_command("inspect", "hf://me/run", "--json")
    assert done.returncode == 0, done.stderr
    copy = tmp_path / "home" / "genai_basics" / "me--run"
    x = np.zeros((2, *run.spec.shape))
    np.testing.assert_array_equal(
        gb.load_run(copy).model.predict(x, verbose=0), run.model.predict(x, verbose=0)
    )

    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    refused = run_command("export", run.folder, "--to", "hub", "--repo", "me/run")
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "refuses the token: run `hf auth login`, or set HF_TOKEN" in refused.stderr
    none = run_command("inspect", "hf://me/other")
    assert none.returncode == 1
    assert "there is no such repository" in none.stderr
    server.files["model.keras"] = b"not a model"
    shutil.rmtree(copy)
    bad = run_command("evaluate", "hf://me/run")
    assert bad.returncode == 1
    assert "damaged" in bad.stderr


@pytest.mark.slow
def test_a_hub_that_is_not_there_gets_a_sentence(run, monkeypatch, tmp_path):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    for words in (
        ("evaluate", "hf://me/run"),
        ("export", run.folder, "--to", "hub", "--repo", "me/run"),
    ):
        done = run_command(*words)
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1, done.stderr
        assert "me/run: it cannot be reached" in done.stderr


def test_an_address_is_told_from_a_folder():
    assert hub.address_of("hf://me/run") == "me/run"
    assert hub.address_of("hf:/me/run") == "me/run"
    for folder in ("runs/vae", "/tmp/run", "hf://me", "hf://me/run/file"):
        assert hub.address_of(folder) is None


def test_what_is_shared_names_no_folder_of_this_computer(run):
    source = {"source": "/home/someone/secret/photos", "kind": "images", "image_size": 8}
    config = {**run.config, "data": {**run.config["data"], "source": source, "name": "/a/b/photos"}}
    assert "/home" not in json.dumps(hub._public(config))
    assert hub._public(config)["data"]["name"] == "photos"
    assert hub._public(config)["data"]["source"]["image_size"] == 8


def test_a_wrong_name_is_refused_before_any_connection(run):
    with pytest.raises(ValueError, match=r"USER/NAME.*repo='name'"):
        gb.export(run, "hub", repo="name")
    command = ["export", str(run.folder), "--to"]
    for words in (["hub"], ["hub", "--repo", "a/b", "--out", "c"], ["onnx", "--repo", "a/b"]):
        assert CliRunner().invoke(cli, [*command, *words]).exit_code == 2


def test_a_repository_without_a_run_is_named(monkeypatch, tmp_path):
    client = pytest.importorskip("huggingface_hub")
    monkeypatch.setattr(client, "snapshot_download", lambda *args, **kwargs: None)
    monkeypatch.setattr(client.constants, "HF_HOME", str(tmp_path))
    with pytest.raises(NotARunError, match="hf://me/run holds no run"):
        gb.load_run("hf://me/run")

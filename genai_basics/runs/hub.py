"""Shares runs through the Hugging Face hub, and reads those of others.

A repository holds the files of a run; its `README.md` is the run's model card with its pictures.
The environment variables of `huggingface_hub` apply: HF_TOKEN, HF_ENDPOINT, HF_HOME.
"""

import contextlib
import json
import re
import shutil
import tempfile
from pathlib import Path, PurePath

from ..extras import require
from .run_files import NotARunError

__all__ = ["address_of", "download", "upload"]

REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
ADDRESS = re.compile(rf"hf:/{{1,2}}({REPOSITORY.pattern})/?")  # pathlib makes one slash of two
FILES = ("model.keras", "config.json", "history.csv")
PICTURES = ("examples.png", "curves.png", "samples.png", "samples.gif")


def address_of(folder):
    """Return USER/NAME of an address such as `hf://USER/NAME`, or `None` for a folder."""
    match = ADDRESS.fullmatch(str(folder))
    return match and match[1]


def upload(run, repo, private=False):
    """Write a run to a repository of the hub, which is created if needed; return its address.

    Raises:
        ValueError: If `repo` is not of the form USER/NAME.
        ImportError: If `huggingface_hub` is missing.
        ConnectionError: If the hub cannot be reached or refuses.
    """
    if not REPOSITORY.fullmatch(str(repo or "")):
        raise ValueError(f"`repo` must be of the form USER/NAME. Received: repo={repo!r}")
    hub = _client()
    if not (run.folder / "model.keras").exists():
        raise NotARunError(f"'{run.folder}' holds no model.keras; resume it by `train --resume`")
    pictures = [name for name in PICTURES if (run.folder / name).exists()]
    with tempfile.TemporaryDirectory() as place:
        for name in (*FILES, *pictures):
            shutil.copy(run.folder / name, place)
        Path(place, "config.json").write_text(json.dumps(_public(run.config)), encoding="utf-8")
        Path(place, "README.md").write_text(_page(run, repo, pictures), encoding="utf-8")
        with _connected(hub, repo):
            hub.create_repo(repo, private=private, exist_ok=True)
            hub.upload_folder(repo_id=repo, folder_path=place, commit_message="Run of genai_basics")
    return f"hf://{repo}"


def download(repo):
    """Return the folder of a copy of a run on the hub, made or brought up to date.

    Raises:
        ImportError: If `huggingface_hub` is missing.
        ConnectionError: If the hub cannot be reached or refuses, and there is no copy yet.
        NotARunError: If the repository holds no run.
    """
    hub = _client()
    folder = Path(hub.constants.HF_HOME) / "genai_basics" / repo.replace("/", "--")
    with _connected(hub, repo):
        hub.snapshot_download(repo, local_dir=folder, allow_patterns=[*FILES, *PICTURES])
    if not (folder / "config.json").exists():
        raise NotARunError(f"hf://{repo} holds no run (no config.json)")
    return folder


def _client():
    """Return the package `huggingface_hub`, with the modules that are used here."""
    for part in ("constants", "utils"):
        require(f"huggingface_hub.{part}", "hub")
    return require("huggingface_hub", "hub")


def _public(config):
    """Return a run's configuration without the folders of this computer."""
    data = dict(config["data"])
    data["name"] = PurePath(data["name"]).name
    source = data.get("source")
    if source:
        paths = {key: value for key, value in source.items() if isinstance(value, str)}
        data["source"] = {**source, **{key: PurePath(v).name for key, v in paths.items()}}
    return {**config, "data": data}


def _page(run, repo, pictures):
    card = run.folder / "MODEL_CARD.md"
    text = card.read_text(encoding="utf-8").rstrip() if card.exists() else f"# {run.name}"
    lines = [text, "", "## Use", "", "```python", "import genai_basics as gb", ""]
    lines += [f'run = gb.load_run("hf://{repo}")', "model = run.model", "```", ""]
    if pictures:
        lines += ["## Pictures", ""]
    for name in pictures:
        lines += [f"![{Path(name).stem} of the run]({name})", ""]
    return "\n".join(lines)


@contextlib.contextmanager
def _connected(hub, repo):
    """Hide progress bars, and say in a sentence why the hub did not answer as hoped."""
    shown = not hub.utils.are_progress_bars_disabled()
    hub.utils.disable_progress_bars()
    try:
        yield
    except Exception as error:  # of huggingface_hub, and of the client below it
        status = getattr(getattr(error, "response", None), "status_code", None)
        if status in (401, 403):
            reason = "it refuses the token: run `hf auth login`, or set HF_TOKEN"
        elif status == 404:
            reason = "there is no such repository, or it is private and your token does not open it"
        elif status:
            reason = f"it answered {status}; try again later"
        else:
            reason = " ".join(str(error).split())[:150] or type(error).__name__
            reason = f"it cannot be reached ({reason})"
        raise ConnectionError(f"hub {hub.constants.ENDPOINT}, {repo}: {reason}") from error
    finally:
        if shown:
            hub.utils.enable_progress_bars()

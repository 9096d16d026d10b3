"""`export`: the trained model of a run as files that need neither this library nor its run."""

import os
import shutil
import tempfile
from pathlib import Path

from ..checks import one_of
from ..exporting import FORMATS, write_bundle
from .hub import upload
from .run import Run, load_run

__all__ = ["export"]


def export(
    run: Run | str | Path,
    to: str = "onnx",
    out: str | Path = "exported",
    *,
    repo: str | None = None,
    private: bool = False,
    force: bool = False,
) -> list[Path] | str:
    """Write what a trained model does as graphs, with a program that runs them.

    The folder gets a file for each graph, such as `generator.onnx`, `preprocessing.json` with
    what the graphs do not hold, such as a vocabulary, and `example.py`, which runs them: for ONNX
    and LiteRT with onnxruntime or ai-edge-litert and NumPy alone.

    Args:
        run: A `Run`, or the path of its folder.
        to: `"onnx"`, `"litert"`, `"saved_model"`, or `"keras"`: files of Keras' core layers,
            which load without this library. `"hub"` shares the run itself on the Hugging Face
            hub, where `load_run("hf://USER/NAME")` finds it.
        out: The folder to write.
        repo: The repository on the hub, `"USER/NAME"`; created if needed.
        private: Whether a new repository is private.
        force: Whether to write into a folder that is not empty.

    Returns:
        The paths of the written files and folders; for the hub, the address `hf://USER/NAME`.

    Raises:
        ValueError: If there is no run, or the format is unknown or cannot hold the model.
        ImportError: If a package of the extra `export` or `hub` is missing.
        ConnectionError: If the hub cannot be reached, or refuses the token.
        FileExistsError: If the folder is not empty.

    Example:

    >>> from genai_basics import export, train
    >>> run = train("vae", "digits", epochs=1, latent_dim=8)
    >>> [path.name for path in export(run, "keras", run.folder / "leaves")]
    ['decoder.keras', 'encoder.keras', 'preprocessing.json', 'example.py', 'MODEL_CARD.md']
    """
    one_of("to", to, (*FORMATS, "hub"))
    if to == "hub":
        return upload(run if isinstance(run, Run) else load_run(run), repo, private)
    FORMATS[to].check()
    run, folder = run if isinstance(run, Run) else load_run(run), Path(out)
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"'{folder}' is a file; choose another folder by `out`")
    if folder.is_dir() and any(folder.iterdir()) and not force:
        raise FileExistsError(f"'{folder}' is not empty: choose another folder, or add `force`")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".writing-", dir=folder) as place:
        paths = write_bundle(run.model, to, Path(place))
        card = run.folder / "MODEL_CARD.md"
        if card.exists():
            paths.append(Path(shutil.copy(card, place)))
        for path in paths:
            target = folder / path.name
            if target.is_dir():
                shutil.rmtree(target)
            os.replace(path, target)
    return [folder / path.name for path in paths]

"""A type checker knows the public names, and finds no mistake in the README and the tutorials."""

import re

import pytest

from tests.test_readme import README, ROOT

OPTIONS = ["--ignore-missing-imports", "--follow-imports=silent", "--scripts-are-modules"]
WRONG = """
import genai_basics as gb

data = gb.load_data("digits", color="gray")  # grey
data.training  # train
gb.build_vae((8, 8, 1), latent_dims=16)  # latent_dim
gb.build_vae((8, 8, 1), latent_dim="16")  # int
gb.build_gan(network="convolutional")  # conv
gb.train("vae", epochs="5")  # int
gb.load_run("runs/vae").modle  # model
gb.exprt  # export
"""


def check(*files):
    api = pytest.importorskip("mypy.api")
    said, errors, _ = api.run([*OPTIONS, *map(str, files)])
    assert not errors
    return [line for line in said.splitlines() if "error:" in line]


@pytest.mark.slow
def test_readme_and_tutorials_pass_a_type_checker(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    readme = tmp_path / "readme.py"
    readme.write_text("\n".join(re.findall(r"```python\n(.*?)```", README, re.DOTALL)))
    assert check(readme, *sorted((ROOT / "tutorials").glob("*.py"))) == []


@pytest.mark.slow
def test_a_type_checker_finds_wrong_names_and_values(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    (tmp_path / "wrong.py").write_text(WRONG)
    found = check(tmp_path / "wrong.py")
    lines = [i for i, line in enumerate(WRONG.splitlines(), 1) if "#" in line]
    assert [int(re.search(r":(\d+):", error)[1]) for error in found] == lines
    for error, line in zip(found, lines, strict=True):
        assert WRONG.splitlines()[line - 1].partition("# ")[2] in error

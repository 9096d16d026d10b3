"""What notebooks show of runs, data and audits: HTML that parses, with its pictures inside."""

import base64
import io

import numpy as np
import pytest
from defusedxml import ElementTree
from PIL import Image

import genai_basics as gb
from genai_basics import markup
from genai_basics.audit import Audit
from genai_basics.runs import load_run
from tests.stored import extract


def parsed(thing):
    """Return the HTML of a thing as a tree; it has no script and refers to nothing outside."""
    html = thing if isinstance(thing, str) else thing._repr_html_()
    tree = ElementTree.fromstring(html)
    assert not list(tree.iter("script"))
    for image in tree.iter("img"):
        assert image.get("alt")
        assert image.get("src").startswith("data:image/png;base64,")
    return tree


def text_of(tree):
    return " ".join(" ".join(tree.itertext()).split())


def test_a_picture_is_embedded_as_it_is():
    pixels = np.arange(48, dtype="uint8").reshape(4, 4, 3)
    (image,) = parsed(markup.page("one", markup.picture(pixels, "four's <b>"))).iter("img")
    assert image.get("alt") == "four's <b>"
    data = base64.b64decode(image.get("src").partition(",")[2])
    with Image.open(io.BytesIO(data)) as found:
        np.testing.assert_array_equal(np.asarray(found), pixels)


def test_words_of_data_are_no_markup():
    tree = parsed(markup.page("<i>", markup.table([("<b>", "&amp;")]), markup.bullets(["a < b"])))
    assert text_of(tree) == "<i> <b> &amp; a < b"


@pytest.mark.parametrize("name", ["digits", "python_topics", "sunspots", "scattered_digits"])
def test_a_data_set_shows_its_page(name):
    data = gb.load_data(name, limit=20)
    shown = text_of(parsed(data))
    assert shown == text_of(parsed(data.describe()))
    assert name in shown
    assert data.kind in shown
    for note in data.notes:
        assert " ".join(note.split()) in shown


def test_a_run_shows_its_card(tmp_path):
    run = load_run(extract("vae", tmp_path)[0])
    Image.new("L", (8, 8)).save(run.folder / "curves.png")
    run.config["findings"] = {"late": "The loss still falls & falls."}
    tree = parsed(run)
    shown = text_of(tree)
    assert shown.startswith("vae, finished data digits")
    assert "loss" in shown
    assert "The loss still falls & falls." in shown
    assert [image.get("alt") for image in tree.iter("img")] == ["curves of vae"]


def test_an_audit_shows_findings_before_numbers():
    found = Audit(
        metrics={"copied": 0.25, "samples": 8},
        intervals={"copied": (0.1, 0.4)},
        findings=["A quarter is copied."],
        unchecked=["No labels."],
        pictures={"copies": np.zeros((4, 4), "uint8")},
    )
    tree = parsed(found)
    shown = text_of(tree)
    assert shown.index("A quarter is copied.") < shown.index("copied 0.25 0.1 to 0.4")
    assert shown.endswith("No labels.")
    assert len(list(tree.iter("img"))) == 1
    assert "No problem was found." in text_of(parsed(Audit()))

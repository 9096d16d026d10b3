"""The page in a real browser, used as a person uses it."""

import base64
import http.client
import io
import re

import numpy as np
import pytest

from genai_basics.app.entering import read_upload

pytest.importorskip("playwright.sync_api")

from playwright.sync_api import expect

pytestmark = pytest.mark.slow


@pytest.fixture
def tab(visit, served):
    """`tab(name)` opens the tab of a run in a new browser; return the page."""

    def open_tab(name, page=None, **options):
        page = page or visit(served.address, **options)
        page.get_by_role("tab", name=name, exact=True).click()
        page.get_by_role("heading", level=2).filter(has_text=f"{name}: ").wait_for()
        page.get_by_role("region").first.wait_for()
        return page

    return open_tab


def panel(page, title):
    return page.get_by_role("region", name=title, exact=True)


def source(picture):
    """Return the address of a picture, its content."""
    picture.wait_for()
    return picture.get_attribute("src")


def changed(page, picture, before):
    """Return a picture's content once it differs from `before`."""
    handle = picture.element_handle()
    page.wait_for_function("([e, before]) => e.src !== before", arg=[handle, before])
    return picture.get_attribute("src")


SETTLED = """
(e) => {
  if (e.seen !== e.src) { e.seen = e.src; e.since = performance.now(); }
  return performance.now() - e.since > 700;
}
"""


def settled(page, picture):
    """Return a picture's content once it stays."""
    page.wait_for_function(SETTLED, arg=picture.element_handle())
    return picture.get_attribute("src")


def test_a_slider_moves_through_the_latent_space(tab):
    page = tab("autoencoder")
    box = panel(page, "Move through the latent space")
    picture = box.get_by_role("img", name="what the code decodes to")
    mean = source(picture)
    box.get_by_role("slider", name="Latent").first.focus()
    for _ in range(30):
        page.keyboard.press("ArrowRight")
    changed(page, picture, mean)
    moved = settled(page, picture)
    assert moved != mean
    box.get_by_role("button", name="Back to the mean").click()
    assert changed(page, picture, moved) == mean


def test_a_click_on_the_map_decodes_its_place(tab):
    page = tab("vae")
    box = panel(page, "Move through the latent space")
    picture = box.get_by_role("img", name="what the code decodes to")
    before = source(picture)
    box.locator(".map").click(position={"x": 30, "y": 40})
    assert changed(page, picture, before) != before
    assert float(box.get_by_label("Across").last.input_value()) < -0.5
    assert float(box.get_by_label("Up").last.input_value()) > 0.5


@pytest.mark.parametrize("name", ["gan", "diffusion"])
def test_another_seed_gives_another_picture_and_the_same_the_same(tab, name):
    page = tab(name)
    box = panel(page, "Draw samples")
    picture = box.get_by_role("img", name="samples")
    first = source(picture)
    box.get_by_role("button", name="Another seed").click()
    second = changed(page, picture, first)
    box.get_by_label("Seed").fill("0")
    assert changed(page, picture, second) == first


def test_a_seed_that_is_none_is_an_error_in_words(tab):
    page = tab("gan")
    box = panel(page, "Draw samples")
    box.get_by_label("Number of samples").fill("1000000")
    box.get_by_text("from 1 to 64").wait_for()


def test_a_drawing_is_classified_as_the_model_does(tab, stage):
    page = tab("cnn")
    box = panel(page, "Classify")
    pad = box.get_by_role("application").bounding_box()
    page.mouse.move(pad["x"] + 140, pad["y"] + 40)
    page.mouse.down()
    page.mouse.move(pad["x"] + 140, pad["y"] + 240, steps=10)
    page.mouse.up()
    bars = box.get_by_role("list", name="probabilities")
    bars.wait_for()
    address = box.get_by_role("application").evaluate("pad => pad.toDataURL()")
    run = stage("cnn").run
    drawing = read_upload("a.png", base64.b64decode(address.partition(",")[2]), run.reads)
    assert drawing.max() > 0
    (row,), _ = run.model.answer(drawing)
    best = bars.get_by_role("listitem").first.inner_text().split()
    assert best == [str(row["label"]), f"{row['probability']:.1%}"]
    assert box.get_by_text("What spoke for it", exact=True).is_visible()


LETTERS = {  # strokes on a pad of 280 x 280
    "L": [(100, 60), (100, 220), (190, 220)],
    "T": [(140, 220), (140, 60), (70, 60), (210, 60)],
    "V": [(80, 60), (140, 220), (200, 60)],
}


def test_a_drawn_letter_is_read_as_itself(tab):
    box = panel(tab("letters"), "Classify")
    page = box.page
    for letter, (first, *others) in LETTERS.items():
        pad = box.get_by_role("application").bounding_box()
        page.mouse.move(pad["x"] + first[0], pad["y"] + first[1])
        page.mouse.down()
        for x, y in others:
            page.mouse.move(pad["x"] + x, pad["y"] + y, steps=8)
        page.mouse.up()
        best = box.get_by_role("list", name="probabilities").get_by_role("listitem").first
        expect(best).to_have_text(re.compile(f"^{letter}"), timeout=30_000)
        box.get_by_role("button", name="Clear").click()


def test_a_row_of_a_table_is_entered_in_a_form(tab, stage):
    box = panel(tab("shop"), "Classify")
    best = box.get_by_role("list", name="probabilities").get_by_role("listitem").first
    age, town = box.get_by_label("age"), box.get_by_role("combobox", name="town")
    age.wait_for()
    ages = stage("shop").examples[0]["age"]
    assert float(age.input_value()) == pytest.approx(np.median(ages))
    for row in ({"age": 20.0, "town": "Oslo"}, {"age": 20.0, "town": "Rome"}):
        age.fill(f"{row['age']:g}")
        town.click()
        box.page.get_by_role("option", name=row["town"]).click()
        p = stage("shop").model.predict({k: np.array([v]) for k, v in row.items()}, verbose=0)
        label = "yes" if row["town"] == "Rome" else "no"
        assert stage("shop").spec.class_names[p.argmax()] == label
        expected = f"{label}{p.max():.1%}"
        expect(best).to_have_text(expected, timeout=30_000)
    box.get_by_role("button", name="Next example").click()
    expect(age).to_have_value(f"{ages[0]:g}")
    box.get_by_text("True label").wait_for()


def test_a_drawing_by_keyboard_counts_as_well(tab):
    page = tab("cnn")
    box = panel(page, "Classify")
    box.get_by_role("application").focus()
    for key in [*["ArrowUp"] * 8, " ", *["ArrowDown"] * 16, " "]:
        page.keyboard.press(key)
    box.get_by_role("list", name="probabilities").wait_for()


def test_an_uploaded_table_is_forecast_with_dates(tab, stage):
    page = tab("forecaster")
    box = panel(page, "Forecast")
    run = stage("forecaster").run
    months = np.arange("2001-01", "2009-01", dtype="datetime64[M]")
    rows = "".join(f"{m},{50 + i % 7}\n" for i, m in enumerate(months))
    content = f"month,sunspots\n{rows}".encode()
    send(box, "mine.csv", content)
    table = box.get_by_role("table")
    table.wait_for()
    text = table.inner_text()
    assert "2009-01" in text
    (steps,), _ = run.model.answer(read_upload("mine.csv", content, run.reads))
    assert f"{steps[0]['sunspots_0.5']:.4g}" in text
    assert box.get_by_role("img", name="what the model returns").is_visible()
    count = table.get_by_role("row").count()
    box.get_by_role("slider", name="Horizon").focus()
    page.keyboard.press("ArrowLeft")
    expect(table.get_by_role("row")).to_have_count(count - 1, timeout=30_000)


def send(box, name, content):
    """Upload a file in a panel."""
    box.locator("input[type=file]").first.set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    )


@pytest.mark.parametrize(
    ("name", "title", "file"),
    [
        ("forecaster", "Forecast", "mine.csv"),
        ("cnn", "Classify", "mine.png"),
        ("speech-recognizer", "Recognize speech", "mine.wav"),
        ("video-gan", "Rate an input", "mine.gif"),
        ("detector", "Detect objects", "mine.jpg"),
    ],
)
def test_a_broken_upload_is_an_error_in_words(tab, name, title, file):
    box = panel(tab(name), title)
    send(box, file, b"\x00nothing of the kind" * 20)
    error = box.get_by_role("alert").filter(has_text=file)
    error.wait_for()
    assert "/tmp" not in error.inner_text()


def test_a_text_is_written_on_from_its_prompt(tab, stage):
    page = tab("language-model")
    box = panel(page, "Write")
    box.get_by_label("Prompt").fill("The module")
    box.get_by_label("Length").last.fill("20")
    box.get_by_role("button", name="Write").click()
    shown = box.locator(".shaded")
    shown.filter(has_text="The module").wait_for()
    model = stage("language-model").model
    assert shown.inner_text() == model.sample(1, seed=0, prompt="The module", length=20)[0]
    title = shown.locator("span").last.get_attribute("title")
    assert 0 <= float(title.rstrip("%")) <= 100


def test_a_text_is_translated(tab, stage):
    page = tab("translator")
    box = panel(page, "Translate")
    box.get_by_role("button", name="Go").click()
    box.get_by_text("the text is empty").wait_for()
    box.get_by_label("Input").first.fill("4 May 2001")
    box.get_by_role("button", name="Go").click()
    box.locator(".answer").wait_for()
    expected = stage("translator").model.translate(["4 May 2001"], beam=1)[0]
    assert box.locator(".answer").inner_text() == (expected or "(nothing)")
    assert box.get_by_role("img", name="what the model returns").is_visible()


def test_a_recording_is_heard(tab):
    page = tab("speech-recognizer")
    box = panel(page, "Recognize speech")
    box.get_by_role("button", name="Record input").click()
    page.wait_for_timeout(1500)  # the browser's fake microphone beeps
    box.get_by_role("button", name="Stop").click()
    box.get_by_text("spectrogram").or_(box.get_by_role("img", name="returns")).first.wait_for()
    box.get_by_text("The most likely symbol of each frame").wait_for()


def test_silence_is_an_error_in_words(tab):
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, np.zeros(8000), 8000, format="WAV")
    box = panel(tab("speech-recognizer"), "Recognize speech")
    send(box, "quiet.wav", file.getvalue())
    box.get_by_text("'quiet.wav' is silent").wait_for()


def test_music_plays_and_clips_move(tab):
    page = tab("music-gan")
    box = panel(page, "Draw samples")
    box.locator("audio").first.wait_for()
    assert box.locator("audio").count() == box.locator("img").count() == 2
    assert box.locator("audio").first.evaluate("e => e.src").startswith("data:audio/wav")
    page = tab("video-gan", page)
    picture = panel(page, "Draw samples").get_by_role("img", name="samples")
    assert source(picture).startswith("data:image/gif")


def test_two_browsers_share_a_run_and_do_not_disturb_each_other(tab):
    pages = [tab("vae"), tab("vae", locale="en-GB")]
    boxes = [panel(page, "Draw samples") for page in pages]
    pictures = [box.get_by_role("img", name="samples") for box in boxes]
    same = [source(picture) for picture in pictures]
    assert same[0] == same[1]
    boxes[0].get_by_role("button", name="Another seed").click()
    changed(pages[0], pictures[0], same[0])
    assert source(pictures[1]) == same[1]


def test_a_hundred_rapid_moves_end_at_the_last_ones_picture(tab):
    page = tab("autoencoder")
    box = panel(page, "Move through the latent space")
    picture = box.get_by_role("img", name="what the code decodes to")
    source(picture)
    field = box.get_by_role("spinbutton", name="Latent").first
    box.get_by_role("slider", name="Latent").first.focus()
    for key in ["ArrowRight"] * 60 + ["ArrowLeft"] * 40:
        page.keyboard.press(key)
    last, value = settled(page, picture), field.input_value()
    box.get_by_role("button", name="Back to the mean").click()
    changed(page, picture, last)
    moved = source(picture)
    field.fill(value)
    changed(page, picture, moved)
    assert settled(page, picture) == last


def test_a_download_says_which_model_made_it(tab, tmp_path):
    from genai_basics.provenance import read

    page = tab("gan")
    box = panel(page, "Draw samples")
    source(box.get_by_role("img", name="samples"))
    with page.expect_download() as download:
        box.get_by_role("button", name="Download").click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    assert path.suffix == ".png"
    assert read(path)["model"] == "gan"
    assert read(path)["seed"] == 0


@pytest.mark.parametrize(
    "path",
    [
        "/../../../../etc/passwd",
        "/_nicegui/../../../../../etc/passwd",
        "/_nicegui/3/static/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/etc/passwd",
        "/runs/vae/config.json",
    ],
)
def test_no_address_leads_to_a_file_of_the_machine(served, path):
    host, _, port = served.address.removeprefix("http://").partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=60)
    connection.request("GET", path)
    answer = connection.getresponse()
    found = answer.read()
    assert answer.status in (400, 404) or b"<title>genai-basics</title>" in found  # the page
    assert b"root:" not in found
    assert b"fingerprint" not in found


def test_a_slow_request_does_not_hold_up_other_runs(tab):
    page = tab("autoencoder")
    sliders = panel(page, "Move through the latent space")
    picture = sliders.get_by_role("img", name="what the code decodes to")
    before = source(picture)
    page = tab("language-model", page)
    box = panel(page, "Write")
    box.get_by_label("Length").last.fill("1000")
    box.get_by_role("button", name="Write").click()
    tab("autoencoder", page)
    sliders.get_by_role("slider", name="Latent").first.focus()
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    assert changed(page, picture, before) != before


def test_an_autoencoder_reconstructs_what_it_is_given(tab, stage):
    page = tab("autoencoder")
    box = panel(page, "Reconstruct and denoise")
    box.get_by_role("button", name="Next example").click()
    made = source(box.get_by_role("img", name="what the model returns"))
    run = stage("autoencoder").run
    x = run.data().test.x[:1]
    content = base64.b64decode(made.partition(",")[2])
    from genai_basics.app.showing import as_file

    assert content == as_file(run.model.reconstruct(x), run.spec, ".png")[0]


def test_objects_are_found_above_the_threshold(tab):
    page = tab("detector")
    box = panel(page, "Detect objects")
    box.get_by_role("button", name="Next example").click()
    box.get_by_role("img", name="what the model returns").wait_for()
    box.get_by_label("Threshold").last.fill("1")
    expect(box.get_by_text("(nothing)")).to_be_visible(timeout=60_000)

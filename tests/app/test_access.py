"""The page for everyone: screen readers, the keyboard, narrow windows, dark colours, bad luck."""

import shutil

import pytest

from tests.served import IDLE, Served

pytestmark = pytest.mark.slow
TOOLS = ("Train", "Compare", "Break")
SERIOUS = ("serious", "critical")


def open_tab(page, name):
    page.get_by_role("tab", name=name, exact=True).click()
    heading = name if name in TOOLS else f"{name}: "
    page.get_by_role("heading", level=2).filter(has_text=heading).wait_for()
    page.get_by_role("region").or_(page.get_by_role("alert")).first.wait_for()


def test_every_tab_is_readable_and_has_names_for_screen_readers(visit, served):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = visit(served.address)
    page.get_by_role("tab").first.wait_for()
    found = {}
    for name in page.get_by_role("tab").all_inner_texts():
        open_tab(page, name)
        page.wait_for_timeout(500)  # spinners of slow answers are shown by then
        page.wait_for_function(IDLE)
        for width, colours in [(360, "dark"), (1600, "light")]:
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=colours)
            page.wait_for_timeout(300)  # colours change by and by
            for violation in axe.run(page).response["violations"]:
                if violation["impact"] in SERIOUS:
                    place = (name, width, violation["nodes"][0]["html"])
                    found.setdefault(violation["id"], []).append(place)
            wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, f"{name} is {wide} pixels wider than a window of {width}"
    assert not found


def test_the_keyboard_alone_is_enough(visit, served):
    page = visit(served.address)
    page.get_by_role("tab", name="autoencoder", exact=True).focus()
    page.get_by_role("heading", level=2).filter(has_text="autoencoder: ").wait_for()
    box = page.get_by_role("region", name="Move through the latent space")
    picture = box.get_by_role("img", name="what the code decodes to")
    picture.wait_for()
    before = picture.get_attribute("src")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.type") == "range":
            break
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    page.wait_for_function("([e, b]) => e.src !== b", arg=[picture.element_handle(), before])
    page.get_by_role("tab", name="autoencoder", exact=True).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.get_by_role("heading", level=2).filter(has_text="cnn: ").wait_for()


def test_without_runs_a_model_is_trained_at_once(visit, tmp_path):
    served = Served(folder=tmp_path)
    try:
        page = visit(served.address)
        page.get_by_text("vae is being trained").wait_for()
        page.get_by_role("img", name="samples of the model in training").wait_for()
        while not (tmp_path / "runs" / "vae" / "model.keras").exists():
            page.wait_for_timeout(200)
        page.get_by_role("button", name="Stop and keep").click()
        page.get_by_role("button", name="Try vae").click()
        page.get_by_role("heading", level=2).filter(has_text="vae: ").wait_for()
        page.get_by_role("img", name="samples", exact=True).wait_for()
        assert (tmp_path / "runs" / "vae" / "config.json").exists()
    finally:
        served.stop()


def test_a_run_that_disappears_goes_on_in_memory(visit, served, runs):
    page = visit(served.address)
    open_tab(page, "gone")
    box = page.get_by_role("region", name="Draw samples")
    picture = box.get_by_role("img", name="samples")
    picture.wait_for()
    before = picture.get_attribute("src")
    shutil.rmtree(runs["gone"])
    box.get_by_role("button", name="Another seed").click()
    page.wait_for_function("([e, b]) => e.src !== b", arg=[picture.element_handle(), before])
    with page.expect_download():
        box.get_by_role("button", name="Download").click()
    card = page.get_by_role("region", name="Curves and card")
    card.get_by_role("button", name="Show").click()
    card.get_by_role("alert").filter(has_text="No such file").wait_for()


def test_a_damaged_run_is_an_error_in_words(visit, served):
    page = visit(served.address)
    page.get_by_role("tab", name="damaged", exact=True).click()
    page.get_by_role("alert").filter(has_text="damaged").wait_for()


def test_a_second_page_gets_the_next_port_and_says_so(served, stored_runs):
    again = Served(stored_runs["mlp"])
    try:
        assert again.address != served.address
        assert "is taken" in again.said
    finally:
        again.stop()

"""The page for everyone: screen readers, the keyboard, narrow windows, dark colours, bad luck."""

import shutil

import pytest

from tests.served import Served

pytestmark = pytest.mark.slow
TOOLS = ("Train", "Compare", "Break")
SERIOUS = ("serious", "critical")


def open_tab(page, name):
    page.get_by_role("tab", name=name, exact=True).click()
    heading = name if name in TOOLS else f"{name}: "
    page.get_by_role("heading", level=2).filter(has_text=heading).wait_for()
    page.get_by_role("region").first.wait_for()


@pytest.mark.parametrize(("width", "colours"), [(360, "dark"), (1600, "light")])
def test_every_tab_is_readable_and_has_names_for_screen_readers(visit, served, width, colours):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = visit(served.address, viewport={"width": width, "height": 900}, color_scheme=colours)
    page.get_by_role("tab").first.wait_for()
    found = {}
    for name in page.get_by_role("tab").all_inner_texts():
        open_tab(page, name)
        page.wait_for_timeout(1500)
        for violation in axe.run(page).response["violations"]:
            if violation["impact"] in SERIOUS:
                found.setdefault(violation["id"], []).append((name, violation["nodes"][0]["html"]))
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{name} is {wide} pixels wider than the window"
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
        page.wait_for_timeout(6000)  # until the first checkpoint
        page.get_by_role("button", name="Stop and keep").click()
        page.get_by_role("button", name="Try vae").click()
        page.get_by_role("heading", level=2).filter(has_text="vae: ").wait_for()
        page.get_by_role("img", name="samples", exact=True).wait_for()
        assert (tmp_path / "runs" / "vae" / "config.json").exists()
    finally:
        served.stop()


def test_a_run_that_disappears_goes_on_in_memory(visit, stored_runs, tmp_path):
    folders = [shutil.copytree(stored_runs[name], tmp_path / name) for name in ("gan", "mlp")]
    (folders[1] / "model.keras").write_bytes(b"damaged")
    served = Served(*folders)
    try:
        page = visit(served.address)
        open_tab(page, "gan")
        box = page.get_by_role("region", name="Draw samples")
        picture = box.get_by_role("img", name="samples")
        picture.wait_for()
        before = picture.get_attribute("src")
        shutil.rmtree(folders[0])
        box.get_by_role("button", name="Another seed").click()
        page.wait_for_function("([e, b]) => e.src !== b", arg=[picture.element_handle(), before])
        with page.expect_download():
            box.get_by_role("button", name="Download").click()
        card = page.get_by_role("region", name="Curves and card")
        card.get_by_role("button", name="Show").click()
        card.get_by_role("alert").filter(has_text="No such file").wait_for()
        page.get_by_role("tab", name="mlp", exact=True).click()
        page.get_by_role("alert").filter(has_text="damaged").wait_for()
    finally:
        served.stop()


def test_a_second_page_gets_the_next_port_and_says_so(served, stored_runs):
    again = Served(stored_runs["mlp"])
    try:
        assert again.address != served.address
        assert "is taken" in again.said
    finally:
        again.stop()

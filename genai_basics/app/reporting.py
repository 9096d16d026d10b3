"""The audit of a run, its card and its curves."""

from ..limits import regular
from ..plotting import curves
from .controls import Panel
from .showing import drawn, show_picture, table
from .stage import in_thread
from .widgets import add_button

__all__ = ["add_report"]

SAMPLES, MEMBERS = 200, 500  # of an audit on the page
MOST_BYTES = 2**20  # of a card


def card_of(folder):
    """Return the text of a run's card."""
    path = regular(folder / "MODEL_CARD.md")
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"the card has more than {MOST_BYTES:,} bytes")
    return path.read_text(encoding="utf-8", errors="replace")


def audited(stage):
    """Return the sentences and rows of an audit, made now."""
    from ..audit import audit_run

    found = audit_run(stage.run, n=SAMPLES, members=MEMBERS)
    return [*found.findings, *found.unchecked], found.metrics


def add_report(stage):
    """Add the panels of a run's audit, card and curves."""
    from nicegui import ui

    config = stage.run.config
    kept = config.get("audit") or {}
    checks = (config.get("checks") or {}).get("findings", [])
    with Panel("Audit", "What the model copies, leaks and leaves out.") as panel:
        box = ui.column().classes("full-width").props("aria-live=polite")

        def show(found):
            sentences, metrics = found
            box.clear()
            with box:
                for sentence in sentences or ["Nothing wrong was found."]:
                    ui.label(sentence)
                if metrics:
                    rows = [[k.replace("_", " "), f"{v:.4g}"] for k, v in metrics.items()]
                    table(["measure", "value"], rows)

        async def compute():
            return await stage.call(audited, stage)

        if kept or checks:
            show(([*checks, *kept.get("findings", [])], kept.get("metrics", {})))
        latest = panel.latest(compute, show)
        add_button("Audit now", latest)
    with Panel("Curves and card") as panel:
        box = ui.column().classes("full-width")

        def read():
            history = stage.run.history
            return drawn(curves, history) if len(history) > 1 else None, card_of(stage.folder)

        def show_card(found):
            picture, card = found
            with box:
                if picture:
                    show_picture(picture, "curves of training")
                ui.markdown(card).classes("card-text")  # cleaned of scripts in the browser

        async def fetch():
            return await in_thread(read)

        once = panel.latest(fetch, show_card)
        button = add_button("Show", lambda: (button.delete(), once())[1])

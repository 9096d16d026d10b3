"""A form for the row of a table: a labelled field per column."""

import numpy as np

__all__ = ["Form", "typical"]

MOST = 40  # number of fields


def typical(x):
    """Return the typical value of each column: the median, or the most common category."""
    found = {}
    for name, values in x.items():
        values = np.asarray(values)
        if values.dtype.kind == "f":
            found[name] = float(np.nanmedian(values)) if np.isfinite(values).any() else np.nan
        else:
            kinds, counts = np.unique(values.astype(str), return_counts=True)
            found[name] = str(kinds[counts.argmax()])
    return found


class Form:
    """Fields for a row, with typical values at first.

    Args:
        x: Columns of examples, `{name: values}`.
        changed: Function that is called after each change by the user; it may return a coroutine.
    """

    def __init__(self, x, changed):
        from nicegui import ui

        self.row, self.fields, self.changed, self.filling = typical(x), {}, changed, False
        with ui.element("div").classes("form"):
            for name, value in list(self.row.items())[:MOST]:
                if isinstance(value, str):
                    choices = sorted({value, *np.unique(np.asarray(x[name]).astype(str)).tolist()})
                    field = ui.select(choices, value=value, label=name)
                else:
                    field = ui.number(name, value=shown(value), format="%.6g")
                field.on_value_change(lambda: None if self.filling else self.changed())
                self.fields[name] = field
        if len(self.row) > MOST:
            ui.label(f"The other {len(self.row) - MOST} columns keep their values.").classes(
                "words"
            )

    def fill(self, batch):
        """Show the row of a batch of one."""
        self.filling = True
        for name, (value,) in batch.items():
            self.row[name] = str(value) if isinstance(value, str) else float(value)
            field = self.fields.get(name)
            if field is not None and isinstance(value, str):
                choices = field.options if value in field.options else [*field.options, value]
                field.set_options(choices, value=str(value))
            elif field is not None:
                field.value = shown(value)
        self.filling = False

    def batch(self):
        """Return the row as a batch of one; an empty number is a missing value."""
        for name, field in self.fields.items():
            self.row[name] = float("nan") if field.value is None else field.value
        return {name: np.array([value]) for name, value in self.row.items()}


def shown(number):
    """Return a number as a field shows it: to six digits, and nothing for a missing value."""
    return None if np.isnan(number) else float(f"{number:.6g}")

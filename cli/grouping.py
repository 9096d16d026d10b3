"""A command that groups its options in the help."""

import click

__all__ = ["GROUPS", "Grouped"]

GROUPS = {  # title: parameters; all others belong to the model
    "Budget": (
        *("epochs", "minutes", "batch_size", "learning_rate"),
        *("resume", "start_from"),
    ),
    "Data": (
        *("data", "kind", "target", "image_size", "fit", "color", "encoding", "delimiter"),
        *("decimal", "thousands", "missing", "header", "day_first", "group", "limit", "strict"),
        *("load", "drop"),
    ),
    "Model": (),
    "Checks and privacy": ("audit", "canaries", "dp_noise", "dp_clip"),
    "Machine": ("seed", "deterministic", "precision", "strategy"),
    "Output": ("out", "force", "license", "quiet", "json_", "_click_default_help"),
}


class Grouped(click.Command):
    """A command that shows its options in `GROUPS` in the help."""

    def format_options(self, ctx, formatter):
        place = {name: title for title, names in GROUPS.items() for name in names}
        rows = {title: [] for title in GROUPS}
        for parameter in self.get_params(ctx):
            row = parameter.get_help_record(ctx)
            if row is not None:
                rows[place.get(parameter.name, "Model")].append(row)
        for title, found in rows.items():
            with formatter.section(title):
                formatter.write_dl(found)

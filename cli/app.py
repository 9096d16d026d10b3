"""`app`: a page on this machine on which runs are tried out in the browser."""

from pathlib import Path

import click

from genai_basics.extras import require

__all__ = ["app"]


def name_and_password(ctx, param, value):
    """Parse USER:PASSWORD."""
    if value is None:
        return None
    user, colon, password = value.partition(":")
    if not user or not colon or len(password) < 8:
        raise click.BadParameter("give USER:PASSWORD, with a password of at least 8 letters.")
    return user, password


@click.command()
@click.argument("runs", nargs=-1, type=click.Path(path_type=Path))
@click.option("--port", type=click.IntRange(1, 65535), default=7860, show_default=True)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on; others than this machine's own need --auth.",
)
@click.option(
    "--auth",
    metavar="USER:PASSWORD",
    envvar="GENAI_BASICS_APP_AUTH",
    callback=name_and_password,
    help="Name and password for the page; also read from GENAI_BASICS_APP_AUTH, which other users "
    "of the machine cannot see.",
)
@click.option(
    "--data",
    metavar="FOLDER",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder with files and folders of data that may be trained on.",
)
@click.option(
    "--browser/--no-browser", default=True, show_default=True, help="Open the page in the browser."
)
def app(runs, port, host, auth, data, browser):
    """Try out RUNS in the browser: all runs in runs/ if none is given, and
    if there are none, a model that is trained at once on built-in data.

    The page has a tab for each run: move through its latent space, draw samples, classify what
    you draw, type, upload or record. Further tabs train models, compare runs, and show what
    happens if one thing is wrong. The page is for this machine only and needs no network.

    \b
    Example:
        genai-basics app
        genai-basics app runs/vae runs/cnn --port 8000
    """
    require("nicegui", "app")
    from genai_basics.app import serve
    from genai_basics.app.page import Page, runs_in

    page = Page(runs or runs_in("runs"), data=data)
    serve(
        page,
        host=host,
        port=port,
        auth=auth,
        show=browser,
        started=lambda address: click.echo(f"The page is on {address} (Ctrl-C stops it)."),
    )

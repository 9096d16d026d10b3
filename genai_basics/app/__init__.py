"""A local page on which runs are tried out in the browser: `genai-basics app`.

- `serving`: the server on this machine, with its limits;
- `stage`: a run on the page, loaded once for all browsers;
- `page`: the tabs, one per run, and those to train, compare and break models;
- `controls`, `entering`, `showing`, `widgets`: elements for options, inputs and outputs;
- `activities/`: what can be done with a model, one file per kind of activity;
- `live_training`, `comparing`, `switches`, `breaking`, `reporting`: the other tabs and panels.
"""

__all__ = ["serve"]


def __getattr__(name):
    if name == "serve":  # needs NiceGUI
        from .serving import serve

        return serve
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""How training ends before its budget: stopped, out of memory, or with a non-finite loss."""

import contextlib
import signal
import threading

__all__ = [
    "EXIT_CODES",
    "TOO_SHORT",
    "Interrupted",
    "OutOfMemoryError",
    "early_end",
    "interruptible",
]

TOO_SHORT = "budget too short"
EXIT_CODES = {TOO_SHORT: 1, "not finite": 4, "out of memory": 5}  # by status; Ctrl-C has 130
REASONS = {
    "running": "its training was killed",
    "interrupted": "its training was interrupted",
    "not finite": "its training stopped at a loss that was not finite",
    "out of memory": "its training ran out of memory",
    TOO_SHORT: "its budget ended before the first step",
}


class Interrupted(KeyboardInterrupt):
    """Training was stopped by Ctrl-C; `run` is what it saved."""

    def __init__(self, run):
        super().__init__(f"stopped; the run is in {run.folder}")
        self.run = run


class OutOfMemoryError(MemoryError):
    """A training step did not fit into memory."""

    exit_code = EXIT_CODES["out of memory"]

    def __init__(self, batch_size):
        super().__init__(
            f"out of memory at a batch size of {batch_size}: train with a smaller one by "
            f"`batch_size` (--batch-size {max(1, batch_size // 4)}), or a smaller network"
        )


@contextlib.contextmanager
def interruptible():
    """Make SIGTERM and SIGHUP behave like Ctrl-C in the main thread."""
    names = ("SIGTERM", "SIGHUP") if threading.current_thread() is threading.main_thread() else ()
    signals = [getattr(signal, name) for name in names if hasattr(signal, name)]
    signals = [s for s in signals if signal.getsignal(s) == signal.SIG_DFL]  # `nohup` ignores one
    try:
        for one in signals:
            signal.signal(one, signal.default_int_handler)
        yield
    finally:
        for one in signals:
            signal.signal(one, signal.SIG_DFL)


def early_end(run, writer=None):
    """Return a sentence about a run that has not finished, or `None`.

    Args:
        run: A `Run`.
        writer: Description of the process that is training it.
    """
    status = run.config["status"]
    if status == "finished":
        return None
    reason = f"it is being trained by {writer}" if writer else REASONS.get(status, status)
    step = run.step
    weights = f"its weights are those of step {step:,}" if step else "it has learned nothing yet"
    more = "" if writer else f"; `train {run.name} --resume --out {run.folder}` goes on"
    return f"'{run.folder}' is not finished: {reason}, and {weights}{more}"

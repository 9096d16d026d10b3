"""Pictures in terminals that show them."""

import os
import shutil
from base64 import b64encode

__all__ = ["show_picture"]

CHUNK = 4096  # maximum bytes of a part in kitty's protocol
COLUMNS = 80  # maximum width of a picture, in characters


def show_picture(path, terminal, environment=os.environ):
    """Write a PNG file to a terminal, if it shows pictures; return whether it does.

    By the protocol of kitty (https://sw.kovidgoyal.net/kitty/graphics-protocol/) or iTerm2
    (https://iterm2.com/documentation-images.html).
    """
    write = _writer(environment)
    if write is None or not terminal.isatty():
        return False
    write(b64encode(path.read_bytes()).decode("ascii"), terminal)
    terminal.write("\n")
    return True


def _writer(environment):
    """Return the function that writes pictures to the terminal of an environment, or `None`."""
    kind, program = environment.get("TERM", ""), environment.get("TERM_PROGRAM", "")
    if kind.startswith(("screen", "tmux")):  # they swallow pictures
        return None
    if kind in ("xterm-kitty", "xterm-ghostty"):
        return _write_kitty
    return _write_iterm if program in ("iTerm.app", "WezTerm") else None


def _write_kitty(data, terminal):
    for start in range(0, len(data), CHUNK):
        first = f"a=T,f=100,c={_columns()}," if start == 0 else ""
        more = int(start + CHUNK < len(data))
        terminal.write(f"\x1b_G{first}m={more};{data[start : start + CHUNK]}\x1b\\")


def _write_iterm(data, terminal):
    terminal.write(f"\x1b]1337;File=inline=1;width={_columns()}:{data}\a")


def _columns():
    return min(shutil.get_terminal_size().columns, COLUMNS)

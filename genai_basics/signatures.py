"""The arguments of builders, read from their source so that TensorFlow is not needed."""

import ast
import difflib
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Parameter", "check_keywords", "signature_of"]

# Type of a default: accepted types, and values that are invalid.
NUMBERS = {int: ("whole number", (str, float)), float: ("number", str)}


@dataclass(frozen=True)
class Parameter:
    """One argument of a builder: its default as written, and its description."""

    name: str
    default: object
    help: str

    @property
    def value(self):
        """The default if it is a literal, otherwise `None`."""
        try:
            return ast.literal_eval(self.default)
        except (ValueError, SyntaxError):
            return None


def signature_of(builder):
    """Return the arguments of a builder, "module.function", as `{name: Parameter}`."""
    module, function = builder.split(".")
    here = Path(__file__).parent
    path = here / f"{module}.py"
    paths = [path] if path.exists() else sorted((here / module).glob("*.py"))
    for path in paths:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name == function:
                return _signature(node)
    raise ValueError(f"the table of models names no function. Received: {builder}")


def _signature(node):
    arguments, found = node.args, {}
    helps = _argument_helps(ast.get_docstring(node) or "")
    pairs = list(zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True))
    positional = arguments.args
    missing = [None] * (len(positional) - len(arguments.defaults))
    pairs = [*zip(positional, [*missing, *arguments.defaults], strict=True), *pairs]
    for argument, default in pairs:
        text = "required" if default is None else ast.unparse(default)
        found[argument.arg] = Parameter(argument.arg, text, helps.get(argument.arg, ""))
    return found


def _argument_helps(docstring):
    """Return `{argument: description}` of the `Args:` section of a docstring."""
    helps, name, inside = {}, None, False
    for line in docstring.splitlines():
        if not line.startswith(" ") and line.strip():
            inside = line.strip() == "Args:"
        elif inside and line.startswith("    ") and not line.startswith("     ") and ":" in line:
            names, text = line.strip().split(":", 1)
            name = names.split(",")[0].strip()
            for each in names.split(","):
                helps[each.strip()] = text.strip()
        elif inside and name and line.strip():
            helps[name] += " " + line.strip()
    return helps


def check_keywords(what, known, options):
    """Raise an error for unknown arguments of `what`, or values of the wrong type for a number.

    Args:
        what: Name of the model, used in messages.
        known: `{name: Parameter}`.
        options: `{name: value}`, which is returned.
    """
    for key, value in options.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ValueError(f"{what} has no argument '{key}'{hint}; it takes {', '.join(known)}")
        kind, wrong = NUMBERS.get(type(known[key].value), ("", ()))
        if isinstance(value, wrong):
            raise ValueError(f"`{key}` of {what} is a {kind}. Received: {key}={value!r}")
    return options

"""Optional packages: imported where they are used; if missing, the error names the extra."""

from importlib import import_module

__all__ = ["require"]


def require(module, extra):
    """Import an optional package and return it.

    Args:
        module: The dotted name of the module to import.
        extra: The extra of `genai_basics` that installs it.

    Raises:
        ImportError: If it is not installed, with the command that installs it.

    Example:

    >>> require("sacrebleu", "translate").__name__
    'sacrebleu'
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        package = module.split(".")[0]
        raise ImportError(
            f"This needs the package {package}: pip install 'genai_basics[{extra}]'",
            name=error.name,
        ) from error

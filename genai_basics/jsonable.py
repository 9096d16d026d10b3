"""Values as JSON can hold them."""

import math

__all__ = ["plain"]


def plain(value):
    """Convert a value to JSON types; NaN and infinities become None, other objects text.

    Example:

    >>> plain({"shape": (8, 8), "loss": float("nan")})
    {'shape': [8, 8], 'loss': None}
    """
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, (str, int, type(None))) else str(value)

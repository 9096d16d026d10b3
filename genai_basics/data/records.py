"""Reads records in `.json` and `.jsonl` files as columns."""

import json

import numpy as np

from .encodings import decode_text, suffix_of
from .files import once

__all__ = ["JSON_SUFFIXES", "column_of", "read_json", "record_columns", "records_of"]

JSON_SUFFIXES = (".json", ".jsonl", ".ndjson")


@once
def read_json(path, encoding=None):
    """Return the content of a `.json` file, or the list of values in a `.jsonl` file."""
    text = decode_text(path, encoding)
    try:
        if suffix_of(path) == ".json":
            try:
                return json.loads(text)
            except json.JSONDecodeError as error:
                if "Extra data" not in str(error):
                    raise
        lines = [(i, li) for i, li in enumerate(text.split("\n"), 1) if li.strip()]
        found = []
        for number, line in lines:
            try:
                found.append(json.loads(line))
            except json.JSONDecodeError as error:
                raise ValueError(
                    f"Line {number} of '{path}' is not valid JSON ({error.msg}): {line[:60]!r}."
                ) from error
        return found
    except json.JSONDecodeError as error:
        raise ValueError(f"'{path}' is not valid JSON: {error}.") from error


def records_of(content):
    """Return the records (dicts) or texts in JSON content, or None if it holds neither."""
    if isinstance(content, dict):
        if "schema" in content and isinstance(content.get("data"), list):  # orient="table"
            return [{k: v for k, v in row.items() if k != "index"} for row in content["data"]]
        if {"columns", "data"} <= set(content):  # pandas, orient="split"
            rows = content["data"]
            return [dict(zip(map(str, content["columns"]), row, strict=True)) for row in rows]
        lists = [value for value in content.values() if isinstance(value, list) and value]
        records = [value for value in lists if all(isinstance(item, dict) for item in value)]
        if len(records) == 1 and len(lists) == 1:
            return records[0]
        columns = list(content.values())
        if columns and all(isinstance(column, dict) for column in columns):  # from pandas
            keys = list(columns[0])
            if all(list(column) == keys for column in columns):
                if all(key.isdecimal() for key in content) and not keys[0].isdecimal():
                    return columns  # orient="index"
                return [{name: content[name][key] for name in content} for key in keys]
        flat = len(lists) == len(columns) > 0 and len({len(column) for column in columns}) == 1
        if flat and not any(isinstance(cell, (list, dict)) for li in columns for cell in li):
            return [dict(zip(content, row, strict=True)) for row in zip(*columns, strict=True)]
        return None
    if not isinstance(content, list) or not content:
        return None
    if all(isinstance(item, dict) for item in content) or all(
        isinstance(item, str) for item in content
    ):
        return content
    return None


def record_columns(content, path):
    """Return {name: values} of JSON records; "translation": {"en": ...} gives a column "en"."""
    records = records_of(content)
    if records is None or isinstance(records[0], str):
        raise ValueError(
            f'\'{path}\' must hold a list of records such as [{{"a": 1, "b": 2}}, ...].'
        )
    flat = []
    for record in records:
        row = {}
        for name, value in record.items():
            nested = value.items() if isinstance(value, dict) else ()
            row.update(nested if len(record) == 1 else {f"{name}.{k}": v for k, v in nested})
            if not isinstance(value, dict):
                row[name] = value
        flat.append(row)
    names = dict.fromkeys(name for row in flat for name in row)
    return {str(name): column_of([row.get(name) for row in flat]) for name in names}


def column_of(cells):
    """Return values of any type as numbers if all are numbers, otherwise as text."""
    plain = [None if _is_null(cell) else cell for cell in cells]
    present = [cell for cell in plain if cell is not None]
    numbers = [isinstance(c, (int, float, np.number)) and not isinstance(c, bool) for c in present]
    if present and all(numbers):
        return np.array([np.nan if cell is None else cell for cell in plain], "float64")
    return [_text(cell) for cell in plain]


def _is_null(cell):
    return cell is None or (not isinstance(cell, (str, list, dict, tuple)) and cell != cell)


def _text(cell):
    if cell is None:
        return ""
    if isinstance(cell, (list, tuple, set)):
        return ";".join(map(str, cell))
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return json.dumps(cell) if isinstance(cell, dict) else str(cell)

"""Tables read with pandas: data frames, Parquet, Excel."""

import sys
import zipfile

import numpy as np

from .. import limits
from ..extras import require
from ..warning import warn
from .encodings import suffix_of
from .records import column_of

__all__ = ["PACKAGED", "counts_rows", "frame_columns", "is_frame", "number_texts", "read_packaged"]

PACKAGED = {  # extension: (pandas reader, package that it needs)
    ".parquet": ("read_parquet", "pyarrow"),
    ".feather": ("read_feather", "pyarrow"),
    ".xlsx": ("read_excel", "openpyxl"),
    ".xlsm": ("read_excel", "openpyxl"),
}


def read_packaged(path):
    """Read a file with pandas and the package that pandas needs for it."""
    suffix = suffix_of(path)
    reader, package = PACKAGED[suffix]
    try:
        require(package, "tables")
    except ImportError as error:
        raise ValueError(f"'{path}': {error}, or save it as .csv.") from error
    import pandas

    try:
        _check_size(path, package)
        if reader != "read_excel":
            return getattr(pandas, reader)(path)
        sheets = pandas.read_excel(path, sheet_name=None, keep_default_na=False)
    except Exception as error:  # each engine raises its own types
        raise ValueError(f"'{path}' cannot be read as {suffix}: {str(error)[:200]}.") from error
    filled = {name: sheet for name, sheet in sheets.items() if len(sheet)}
    if not filled:
        raise ValueError(f"'{path}' holds no rows.")
    first, *others = filled
    if others:
        warn(
            f"'{path}' has {len(filled)} sheets; {first!r} is read and {', '.join(others)} left "
            "out."
        )
    return filled[first]


def _check_size(path, package):
    """Raise an error if the unpacked size of a file exceeds the limit."""
    if zipfile.is_zipfile(limits.regular(path)):
        with zipfile.ZipFile(path) as archive:
            limits.check("bytes", sum(info.file_size for info in archive.infolist()), path)
    elif package == "pyarrow" and suffix_of(path) == ".parquet":
        from pyarrow.parquet import read_metadata

        facts = read_metadata(path)
        groups = (facts.row_group(i).total_byte_size for i in range(facts.num_row_groups))
        limits.check("bytes", max(sum(groups), 8 * facts.num_rows), path)


def frame_columns(frame):
    """Return {name: values} of a DataFrame or Series; a meaningful index becomes a column."""
    import pandas as pd

    if isinstance(frame, pd.Series):
        frame = frame.to_frame("value" if frame.name is None else frame.name)
    timed = isinstance(frame.index, (pd.DatetimeIndex, pd.PeriodIndex))
    if timed or any(name is not None for name in frame.index.names):
        names = [name or "time" for name in frame.index.names]
        frame = frame.reset_index(names=names)
    frame = frame.set_axis([str(name) for name in frame.columns], axis=1)
    doubled = frame.columns[frame.columns.duplicated()]
    if len(doubled):
        raise ValueError(f"The data frame names a column twice: {doubled[0]}.")
    values = {name: _column_values(frame[name]) for name in frame.columns}
    nameless = [name for name in values if name.startswith("Unnamed: ")]
    for name in nameless:
        column = values[name]
        cells = column if isinstance(column, list) else number_texts(column)
        if not any(cells) or counts_rows(cells):
            del values[name]
            if any(cells):
                warn(f"The nameless column {name!r} numbers the rows and is left out.")
    return values


def _column_values(column):
    import pandas as pd

    kind = column.dtype
    if isinstance(kind, pd.PeriodDtype):
        column, kind = column.dt.to_timestamp(), None
    if isinstance(kind, pd.DatetimeTZDtype):
        column = column.dt.tz_convert("UTC").dt.tz_localize(None)
    if pd.api.types.is_datetime64_any_dtype(column):
        return column.to_numpy("datetime64[us]")
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return column.to_numpy("float64", na_value=np.nan)
    if isinstance(kind, pd.CategoricalDtype):
        column = column.astype(object)
    return column_of(list(column))


def is_frame(source):
    """Whether a source is a pandas DataFrame or Series, without importing pandas."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(source, (pandas.DataFrame, pandas.Series))


def counts_rows(cells):
    """Whether cells look like a row index: unique integers."""
    try:
        numbers = [int(cell) for cell in cells]
    except ValueError:
        return False
    return len(set(numbers)) == len(numbers)


def number_texts(column):
    return [
        "" if value != value else str(int(value)) if value == int(value) else repr(float(value))
        for value in column.tolist()
    ]

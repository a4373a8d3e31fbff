"""The on-disk formats of data sets, by the names that params.yaml has for them.

A data set of params.yaml names its format. Everything else about it is in its folder `data/raw/<dataset>`. A
new format is a file beside this one with a `FORMAT`, and its name in `dnaf/core/config.py`.
"""

from importlib import import_module
from typing import get_args

from dnaf.core.config import FormatName
from dnaf.data.formats.format import Format


def _of_file(name: str) -> Format:
    data_format: Format = import_module(f"dnaf.data.formats.{name}").FORMAT
    return data_format


FORMATS = {name: _of_file(name) for name in get_args(FormatName)}

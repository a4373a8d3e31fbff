"""A method's card: what it is, and how its published result images are named and laid out."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from dnaf.errors import DataError

Text = Annotated[str, Field(min_length=1)]
Index = Annotated[int, Field(ge=0)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Paper(_Part):
    """Where the method was published."""

    title: Text
    venue: Text
    year: int


class Panels(_Part):
    """Layout of a result image that shows several images side by side; indices count from 0."""

    count: Annotated[int, Field(ge=2)]
    ground_truth: Index
    generated: Index


class Card(_Part):
    """`data/results/<method>/card.yaml`; null where there is no such thing or it is not known.

    Attributes:
        title: the method's name in tables.
        naming: file name of a published result, `<source>` and `<target>` being stems.
        panels: null if a result file holds the generated image alone.
    """

    title: Text
    paper: Paper | None
    repository: Text | None
    naming: Text | None
    panels: Panels | None


def read_card(path: Path) -> Card:
    """Reads a card.

    Raises:
        DataError: missing, not YAML, or a key is unknown, missing or of the wrong type.
    """
    try:
        return Card.model_validate(YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise DataError(f"{path}: could not be read ({error.strerror}). Restore it from git.") from error
    except (YAMLError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not valid YAML ({' '.join(str(error).split())}).") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise DataError(
            f"{path}: {key}: {first['msg']} (found {first['input']!r}). See the other methods' cards."
        ) from error

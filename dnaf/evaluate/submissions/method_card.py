"""A method's card: what it is, and how its published result images are named and laid out."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml.error import YAMLError

from dnaf.core import commands, sections
from dnaf.core.config import ProtocolName
from dnaf.core.errors import DataError, one_line, short
from dnaf.evaluate.metrics.registry import PUBLISHED
from dnaf.evaluate.submissions.plain_files import require_plain


def _of_one_line(text: str) -> str:
    """Shown in tables, on pages and in terminals: without line breaks, escapes and reversed writing."""
    if not text.isprintable() or text != text.strip():
        raise ValueError("expected one line of printable characters")
    return text


def _of_papers(key: str) -> str:
    known = [column.key for column in PUBLISHED]
    if key not in known:
        raise ValueError(f"expected one of {', '.join(known)}")
    return key


def _with_both_places(words: list[str]) -> list[str]:
    for place in (KIT, RESULTS):
        if not any(place in word for word in words):
            raise ValueError(f"expected a word with {place}")
    return words


KIT, RESULTS = "<kit>", "<results>"
"""Stand in a card's `command` for the folder that it reads and the one that it fills."""

Text = Annotated[str, Field(min_length=1, max_length=300), AfterValidator(_of_one_line)]
Index = Annotated[int, Field(ge=0)]
PublishedMetric = Annotated[str, AfterValidator(_of_papers)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Paper(_Section):
    """Where the method was published."""

    title: Text
    venue: Text
    year: int


class Panels(_Section):
    """Layout of a result image that shows several images side by side; indices count from 0."""

    count: Annotated[int, Field(ge=2)]
    ground_truth: Index
    generated: Index

    @model_validator(mode="after")
    def _inside(self) -> "Panels":
        if max(self.ground_truth, self.generated) >= self.count or self.ground_truth == self.generated:
            raise ValueError(
                f"ground_truth and generated must be two different panels of 0 to {self.count - 1}"
            )
        return self


class Strips(_Section):
    """Another method's published strips that show this method too.

    Attributes:
        archive: name of the archive or folder in `data/results/shared/`, without suffix.
    """

    archive: Text
    panels: Panels


class Published(_Section):
    """What a paper prints of the method, by the paper's own script.

    Attributes:
        size: height and width as the paper says, `256x176`.
        protocol: the script, where it is known and one of ours.
        source: paper or page, with its table.
        values: by metric; `ssim_unstated` is an SSIM of which the paper does not say the window.
    """

    dataset: Literal["deepfashion", "market1501"]
    size: Annotated[str, Field(pattern=r"^[1-9]\d*x[1-9]\d*$")]
    protocol: ProtocolName | None = None
    source: Text
    note: Text | None = None
    values: Annotated[
        dict[PublishedMetric, Annotated[float, Field(ge=0, allow_inf_nan=False)]], Field(min_length=1)
    ]


class Card(_Section):
    """`data/results/<method>/card.yaml`; null where there is no such thing or it is not known.

    Attributes:
        title: the method's name in tables.
        naming: file name of a published result. With `<source>` and `<target>`, stems, it is for people:
            every known form is recognised. With `<position>` files are numbered, in the order of the test
            pairs and from 1.
        panels: null if a result file holds the generated image alone.
        folder: take only the images in folders of this name; `<height>` stands for the data set's height.
        margin: pixels that are cut off at the left and at the right of the generated image.
        strips: where else the method's images may be found.
        published: what papers print of it.
        command: words of a command that makes the images, run by `stages.external` without a shell, in the
            project's root.
    """

    title: Text
    paper: Paper | None
    repository: Text | None
    naming: Text | None
    panels: Panels | None
    folder: Text | None = None
    margin: Index = 0
    strips: list[Strips] = []
    published: list[Published] = []
    command: Annotated[list[Text], AfterValidator(_with_both_places)] | None = None


def read_card(path: Path) -> Card:
    """Reads a card.

    Raises:
        DataError: missing, not YAML, or a key is unknown, missing or of the wrong type.
    """
    try:
        require_plain(path)
        return Card.model_validate(sections.parse(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise DataError(
            f"{path}: missing (expected the method's card). Restore it from git; dnaf's is written by "
            f"`{commands.stage('generate')}`."
        ) from error
    except OSError as error:
        raise DataError(f"{path}: could not be read ({error.strerror}). Restore it from git.") from error
    except (YAMLError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not valid YAML ({one_line(error)}).") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise DataError(
            f"{path}: {key}: {first['msg']} (found {short(first['input'])}). See the other methods' cards."
        ) from error

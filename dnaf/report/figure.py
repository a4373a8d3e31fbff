"""A sheet of images for a paper: a row a pair, a column a panel, in the width of a page."""

import io
from collections import Counter
from collections.abc import Sequence
from math import ceil
from pathlib import Path
from textwrap import wrap

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font

from dnaf.core import files
from dnaf.core.errors import DataError
from dnaf.core.images import evenly_spaced
from dnaf.data.pairs.pairs import Pair, pair_id
from dnaf.evaluate.submissions.find import MEAN_IMAGE, TestPairs
from dnaf.report.panels import OURS, Panel

_PAPER_WIDTH = 7.16  # inches; both columns of IEEE's conference template
_MAX_COLUMN = _PAPER_WIDTH / 11  # inches; a block of the paper's figure has eleven panels
_MAX_FONT, _MIN_FONT = 8.0, 6.0  # points, as printed; captions have eight
_LABEL_SHARE = 0.95  # of a column's width
_MIN_DPI = 200  # smaller images are enlarged by a whole factor
_GAP, _BLOCK_GAP = 6, 18  # pixels; the second comes on top of the first
_LABEL_HEIGHT = 0.2  # inches, of one line


def of_paper(panels: Sequence[Panel]) -> list[Panel]:
    """The panels of the paper's figure: ours at the right end, and no mean image, which never changes."""
    shown = [panel for panel in panels if panel.method != MEAN_IMAGE]
    return sorted(shown, key=lambda panel: panel.method == OURS)


def draw(panels: Sequence[Panel], pairs: Sequence[Pair], caption: str = "") -> Figure:
    """A row a pair, a column a panel, under the panels' labels.

    Like the paper's figures in two blocks side by side, the left one filled first, unless a word could then
    not be read in print. A label that is too wide for its column stands on several lines.

    Args:
        caption: a sentence below the rows.
    """
    rows = [[panel.image(pair) for panel in panels] for pair in pairs]
    labels = [panel.label for panel in panels]
    words = [word for label in labels for word in wrap(label, 1, break_long_words=False)]
    num_blocks = 2 if len(pairs) > 1 and _fitting_font(words, 2 * len(panels)) >= _MIN_FONT else 1
    num_rows, num_columns = ceil(len(pairs) / num_blocks), num_blocks * len(panels)
    font_size = max(_MIN_FONT, _fitting_font(labels, num_columns))
    labels = [_in_lines(label, _label_width(num_columns) / font_size) for label in labels]
    num_lines = 1 + max(label.count("\n") for label in labels)

    factor = ceil(_MIN_DPI * _column_width(num_columns) / rows[0][0].shape[1])
    height, width = (factor * pixels for pixels in rows[0][0].shape[:2])
    lefts = [
        _GAP + column * (width + _GAP) + column // len(panels) * _BLOCK_GAP for column in range(num_columns)
    ]
    total_width = lefts[-1] + width + _GAP
    dpi = total_width / (num_columns * _column_width(num_columns))
    top = round((_LABEL_HEIGHT + (num_lines - 1) * 1.2 * font_size / 72) * dpi)
    caption = _in_lines(caption, 72 * (total_width - 2 * _GAP) / dpi / _MIN_FONT)
    below = round((caption.count("\n") + 1.5) * 1.2 * _MIN_FONT / 72 * dpi) if caption else 0
    total_height = top + num_rows * (height + _GAP) + below
    # A hundredth of a pixel more, for Matplotlib cuts the fraction off.
    figure = Figure(((total_width + 0.01) / dpi, (total_height + 0.01) / dpi), dpi, facecolor="white")
    FigureCanvasAgg(figure)
    for left, label in zip(lefts, labels * num_blocks, strict=True):
        x, y = (left + width / 2) / total_width, 1 - top / 2 / total_height
        figure.text(x, y, label, ha="center", va="center", fontsize=font_size, parse_math=False)
    if caption:
        figure.text(
            _GAP / total_width,
            below / 2 / total_height,
            caption,
            va="center",
            fontsize=_MIN_FONT,
            parse_math=False,
        )
    for number, images in enumerate(rows):
        block, row = divmod(number, num_rows)
        bottom = total_height - top - (row + 1) * height - row * _GAP
        for left, image in zip(lefts[block * len(panels) :], images, strict=False):
            place = (left / total_width, bottom / total_height, width / total_width, height / total_height)
            axes = figure.add_axes(place)
            axes.imshow(image, interpolation="none", aspect="auto")
            axes.set_axis_off()
    return figure


def write(figure: Figure, out: Path) -> list[Path]:
    """Writes `<out>.png` and `<out>.pdf`; gives their paths."""
    paths = [out.with_name(out.name + suffix) for suffix in (".png", ".pdf")]
    for path, data in zip(paths, (to_png(figure), to_pdf(figure)), strict=True):
        files.write_atomic(path, data)
    return paths


def to_png(figure: Figure) -> bytes:
    """The figure with each pixel of an image a square of whole pixels; same figure, same bytes."""
    return _save(figure, "png", {"Software": None})


def to_pdf(figure: Figure) -> bytes:
    """The figure with text as text and the images' own pixels; same figure, same bytes."""
    # Type 42: many publishers refuse Matplotlib's default, Type 3.
    with rc_context({"pdf.fonttype": 42}):
        return _save(figure, "pdf", {"CreationDate": None})


def _save(figure: Figure, kind: str, metadata: dict[str, None]) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, dpi=figure.dpi, metadata=metadata)
    return buffer.getvalue()


def _column_width(num_columns: int) -> float:
    """Inches."""
    return min(_MAX_COLUMN, _PAPER_WIDTH / num_columns)


def _label_width(num_columns: int) -> float:
    """Points that a label may be wide."""
    return 72 * _LABEL_SHARE * _column_width(num_columns)


def _fitting_font(texts: Sequence[str], num_columns: int) -> float:
    """The size in points in which every text fits on one line."""
    return min(_MAX_FONT, _label_width(num_columns) / max(map(_text_width, texts)))


def _in_lines(label: str, width: float) -> str:
    """The label on as few lines as it needs to be no wider than `width` times the font size."""
    if not label:
        return ""
    broken = (wrap(label, num_letters) for num_letters in range(len(label), 0, -1))
    return "\n".join(next(lines for lines in broken if all(_text_width(line) <= width for line in lines)))


def _text_width(text: str) -> float:
    """As a multiple of the font size."""
    font = get_font(findfont(FontProperties()))
    font.set_size(100, 72)  # large, so that hinting does not count
    font.set_text(text)
    return float(font.get_width_height()[0] / 64 / 100)  # 64ths of a pixel


def choose(test: TestPairs, names: Sequence[str] | None, num_rows: int) -> list[Pair]:
    """The test pairs of these names; without names, as many as wished, spread over the outfits.

    Raises:
        DataError: no test pair has the name.
    """
    return named(test, names) if names else spread(test, num_rows)


def spread(test: TestPairs, num_rows: int) -> list[Pair]:
    """Pairs evenly spread over the list; an outfit comes twice only if there are fewer outfits than rows."""
    seen: Counter[str] = Counter()
    ranked = []
    for index, outfit in enumerate(test.outfits):
        ranked.append((seen[outfit], index))
        seen[outfit] += 1
    candidates = sorted(ranked)[: max(len(seen), num_rows)]
    chosen = evenly_spaced(len(candidates), num_rows)
    return [test.pairs[candidates[position][1]] for position in chosen]


def named(test: TestPairs, names: Sequence[str]) -> list[Pair]:
    """The test pairs of these names, `<source>_2_<target>`, in their order.

    Raises:
        DataError: no test pair has the name.
    """
    known = {pair_id(*pair): pair for pair in test.pairs}
    for name in names:
        if name not in known:
            raise DataError(
                f"{name}: not a test pair (expected one of {len(known):,}, like {next(iter(known))}). "
                "The gallery of report/index.html shows them all."
            )
    return [known[name] for name in names]

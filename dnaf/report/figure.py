"""The qualitative figure: pose, source, target and each method, a row a pair, in a paper's width."""

import io
from collections import Counter
from collections.abc import Sequence
from math import ceil

import numpy as np
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from dnaf.data.pairs import Pair, pair_id
from dnaf.errors import DataError
from dnaf.evaluate.inputs import MEAN_IMAGE, TestPairs
from dnaf.report.panels import OURS, Panel

_PAPER_WIDTH = 7.16  # inches; both columns of IEEE's conference template
_PANEL_WIDTH = _PAPER_WIDTH / 11  # inches; the paper's figure has eleven panels
_FONT_SIZE = 8.0  # points, as printed; captions have as much
_MIN_DPI = 200  # smaller images are enlarged by a whole factor
_GAP = 6  # pixels
_LABEL_HEIGHT = 0.2  # inches


def of_paper(panels: Sequence[Panel]) -> list[Panel]:
    """The panels of the paper's figure: ours at the right end, and no mean image, which never changes."""
    shown = [panel for panel in panels if panel.method != MEAN_IMAGE]
    return sorted(shown, key=lambda panel: panel.method == OURS)


def draw(panels: Sequence[Panel], pairs: Sequence[Pair]) -> Figure:
    """A row a pair, a column a panel, under the panels' labels."""
    rows = [[panel.image(pair) for panel in panels] for pair in pairs]
    panel_width = min(_PANEL_WIDTH, _PAPER_WIDTH / len(panels))
    factor = ceil(_MIN_DPI * panel_width / rows[0][0].shape[1])
    height, width = (factor * pixels for pixels in rows[0][0].shape[:2])
    dpi = (width + _GAP) / panel_width
    total_width = _GAP + len(panels) * (width + _GAP)
    top = round(_LABEL_HEIGHT * dpi)
    total_height = top + len(rows) * (height + _GAP)
    # A hundredth of a pixel more, for Matplotlib cuts the fraction off.
    figure = Figure(((total_width + 0.01) / dpi, (total_height + 0.01) / dpi), dpi, facecolor="white")
    FigureCanvasAgg(figure)
    for column, panel in enumerate(panels):
        left = _GAP + column * (width + _GAP)
        _label(figure, panel.label, (left + width / 2) / total_width, 1 - top / 2 / total_height, width)
        for row, images in enumerate(rows):
            bottom = total_height - top - (row + 1) * height - row * _GAP
            place = (left / total_width, bottom / total_height, width / total_width, height / total_height)
            axes = figure.add_axes(place)
            axes.imshow(images[column], interpolation="none", aspect="auto")
            axes.set_axis_off()
    return figure


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


def _label(figure: Figure, label: str, x: float, y: float, width: int) -> None:
    """Text in the middle of its place, smaller if it is wider than `width` pixels."""
    text = figure.text(x, y, label, ha="center", va="center", fontsize=_FONT_SIZE, parse_math=False)
    size = _FONT_SIZE
    while text.get_window_extent().width > width:
        size *= 0.95
        text.set_fontsize(size)


def spread(test: TestPairs, num_rows: int) -> list[Pair]:
    """Pairs evenly spread over the list; an outfit comes twice only if there are fewer outfits than rows."""
    seen: Counter[str] = Counter()
    ranked = []
    for index, outfit in enumerate(test.outfits):
        ranked.append((seen[outfit], index))
        seen[outfit] += 1
    candidates = sorted(ranked)[: max(len(seen), num_rows)]
    chosen = np.linspace(0, len(candidates) - 1, min(num_rows, len(candidates))).round().astype(int)
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

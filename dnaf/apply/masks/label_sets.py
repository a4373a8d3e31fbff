"""What the numbers and colours of human parsers mean.

Sources:
    ATR and LIP, with the palette for both: GoGoDuck912/Self-Correction-Human-Parsing@1f7fae6:
        simple_extractor.py:27-43 (labels), 65-85 (palette).
    LIP's own palette: Engineering-Course/LIP_JPPNet@5817985:utils/utils.py:10-20.
    Fashionpedia: KMnP/fashionpedia-api@45de4e3:data/demo/category_attributes_descriptions.json. Label images
        number its categories from 1, with 0 for all else, as the model card of sayeed99/segformer-b2-fashion.
    What is an upper and what a lower garment: of ATR and LIP Zheng-Chong/CatVTON@1f486df:
        model/cloth_masker.py, MASK_CLOTH_PARTS; of Fashionpedia its supercategories, in the file above.
"""

from dataclasses import dataclass
from typing import Literal

LabelSetName = Literal["atr", "lip", "fashionpedia"]
Colour = tuple[int, int, int]


@dataclass(frozen=True)
class LabelSet:
    """The labels of a data set of human parsing.

    Attributes:
        labels: at the place of each number its name; 0 is the background.
        palettes: in each at the place of each number its colour, RGB; none where there is no common one.
        upper: labels of garments above the hips; those that reach below count too.
        lower: labels of garments below the hips, likewise.
        on_either: labels of what lies upon a garment: it is of the nearer one.
        is_whole: whether skin and hair have labels too, so that all but the background is the person.
    """

    labels: tuple[str, ...]
    palettes: tuple[tuple[Colour, ...], ...]
    upper: frozenset[str]
    lower: frozenset[str]
    on_either: frozenset[str] = frozenset()
    is_whole: bool = True


def _schp_palette(num_labels: int) -> tuple[Colour, ...]:
    """Three bits of a number at a time, the lowest into the highest bits of red, green and blue."""
    colours = []
    for number in range(num_labels):
        channels = [0, 0, 0]
        for place in range(3):
            for channel in range(3):
                channels[channel] |= (number >> (3 * place + channel) & 1) << (7 - place)
        colours.append((channels[0], channels[1], channels[2]))
    return tuple(colours)


_ATR = (
    "Background", "Hat", "Hair", "Sunglasses", "Upper-clothes", "Skirt", "Pants", "Dress", "Belt",
    "Left-shoe", "Right-shoe", "Face", "Left-leg", "Right-leg", "Left-arm", "Right-arm", "Bag", "Scarf",
)  # fmt: skip
_LIP = (
    "Background", "Hat", "Hair", "Glove", "Sunglasses", "Upper-clothes", "Dress", "Coat", "Socks", "Pants",
    "Jumpsuits", "Scarf", "Skirt", "Face", "Left-arm", "Right-arm", "Left-leg", "Right-leg", "Left-shoe",
    "Right-shoe",
)  # fmt: skip
_LIP_PALETTE = (
    (0, 0, 0), (128, 0, 0), (255, 0, 0), (0, 85, 0), (170, 0, 51), (255, 85, 0), (0, 0, 85), (0, 119, 221),
    (85, 85, 0), (0, 85, 85), (85, 51, 0), (52, 86, 128), (0, 128, 0), (0, 0, 255), (51, 170, 221),
    (0, 255, 255), (85, 255, 170), (170, 255, 85), (255, 255, 0), (255, 170, 0),
)  # fmt: skip
_FASHIONPEDIA_UPPER = ("shirt, blouse", "top, t-shirt, sweatshirt", "sweater", "cardigan", "jacket", "vest")
_FASHIONPEDIA_LOWER = ("pants", "shorts", "skirt")
_FASHIONPEDIA_WHOLE = ("coat", "dress", "jumpsuit", "cape")
_FASHIONPEDIA_ELSEWHERE = (
    "glasses", "hat", "headband, head covering, hair accessory", "tie", "glove", "watch", "belt",
    "leg warmer", "tights, stockings", "sock", "shoe", "bag, wallet", "scarf", "umbrella",
)  # fmt: skip
_FASHIONPEDIA_UPPER_PARTS = ("hood", "collar", "lapel", "epaulette", "sleeve")
_FASHIONPEDIA_ON_EITHER = (
    "pocket", "neckline", "buckle", "zipper", "applique", "bead", "bow", "flower", "fringe", "ribbon",
    "rivet", "ruffle", "sequin", "tassel",
)  # fmt: skip

LABEL_SETS: dict[LabelSetName, LabelSet] = {
    "atr": LabelSet(
        _ATR,
        (_schp_palette(len(_ATR)),),
        frozenset({"Upper-clothes", "Dress"}),
        frozenset({"Pants", "Skirt", "Dress"}),
    ),
    "lip": LabelSet(
        _LIP,
        (_LIP_PALETTE, _schp_palette(len(_LIP))),
        frozenset({"Upper-clothes", "Coat", "Dress", "Jumpsuits"}),
        frozenset({"Pants", "Skirt", "Dress", "Jumpsuits"}),
    ),
    "fashionpedia": LabelSet(
        (
            "Background",
            *_FASHIONPEDIA_UPPER,
            *_FASHIONPEDIA_LOWER,
            *_FASHIONPEDIA_WHOLE,
            *_FASHIONPEDIA_ELSEWHERE,
            *_FASHIONPEDIA_UPPER_PARTS,
            *_FASHIONPEDIA_ON_EITHER,
        ),
        (),
        frozenset({*_FASHIONPEDIA_UPPER, *_FASHIONPEDIA_WHOLE, *_FASHIONPEDIA_UPPER_PARTS}),
        frozenset({*_FASHIONPEDIA_LOWER, "dress", "jumpsuit"}),
        frozenset(_FASHIONPEDIA_ON_EITHER),
        is_whole=False,
    ),
}

"""Outfits of the demo's drawn people: who wears what, and the colour of each point of a garment.

Lengths are in heads (the height of a head; a person is about 7.5), colours are linear RGB in [0, 1].
"""

from dataclasses import dataclass, replace
from typing import Literal, TypeVar

import numpy as np

from dnaf.core import seeds
from dnaf.data.demo.canvas import Array, Surface, soft_step

Colour = Array  # (3,)
BottomKind = Literal["trousers", "shorts", "skirt", "dress"]
HairStyle = Literal["long", "bob", "bun", "short"]
Choice = TypeVar("Choice")


def _palette(*hex_colours: str) -> list[Colour]:
    return [np.frombuffer(bytes.fromhex(text), np.uint8).astype(np.float32) / 255 for text in hex_colours]


_SKIN = _palette("ffe0c4", "f1c2a0", "e0ac80", "c6865c", "8d5536", "603c2a")
_HAIR = _palette("181412", "3c261a", "6a4628", "b08046", "debc78", "8c341e", "969698")
_CLOTH = _palette(
    "f5f5f5", "1c1c20", "808286", "c4202c", "e87828", "f0ce46", "2e8c4a", "224296",
    "60a8de", "182a46", "783e96", "ec96b2", "966842", "deceb0", "148288", "701c2e",
)  # fmt: skip
_BOTTOM = _palette(
    "1e2854", "4a6896", "1a1a1e", "787a7e", "c6b48c", "5c4632", "ecece8", "3c4a32", "8c2432",
)  # fmt: skip
_LIP_RED = _palette("bf4048")[0]

_TOP_PATTERNS = {
    "plain": 0.24, "hstripe": 0.20, "vstripe": 0.08, "plaid": 0.12,
    "dots": 0.10, "block": 0.10, "logo": 0.10, "check": 0.06,
}  # fmt: skip
# Of a full figure in 128x96 pixels, a period is 10 to 18 pixels: at least two cells of 4 pixels.
_PERIODS = (0.6, 1.1)  # heads
_CONTRAST = 1.0  # least sum of the differences of two colours' channels
_BOTTOM_PATTERNS = {
    "plain": 0.82,
    "hstripe": 0.02,
    "vstripe": 0.02,
    "plaid": 0.05,
    "dots": 0.03,
    "check": 0.06,
}


@dataclass(frozen=True)
class Garment:
    """A cloth: its pattern, two colours, and the pattern's period, phase and share of the second colour."""

    pattern: str
    first: Colour
    second: Colour
    period: float
    phase: float
    duty: float
    logo: int


@dataclass(frozen=True)
class Outfit:
    """One person in one set of clothes; all six views show it.

    Attributes:
        sleeve: in limb segments: 0 none, 1 to the elbow, 2 to the wrist.
        bottom_length: in limb segments: 1 to the knee, 2 to the ankle.
        hem: where the top ends, as a fraction of the torso.
    """

    gender: Literal["WOMEN", "MEN"]
    category: str
    number: int
    skin: Colour
    hair: Colour
    hair_style: HairStyle
    lips: Colour
    top: Garment
    bottom: Garment
    bottom_kind: BottomKind
    bottom_length: float
    sleeve: float
    neckline: Literal["crew", "v", "tank"]
    hem: float
    tucked: bool
    belted: bool
    open_jacket: bool
    inner: Colour
    shoes: Colour
    build: float
    shoulder: float

    @property
    def has_skirt(self) -> bool:
        return self.bottom_kind in ("skirt", "dress")

    @property
    def folder(self) -> str:
        """Where its images stand in the archive, e.g. `WOMEN/Tees_Tanks/id_00000001`."""
        return f"{self.gender}/{self.category}/id_{self.number:08d}"


def sample_outfit(seed: int, index: int) -> Outfit:
    """The outfit at a position; depends on nothing but the two numbers."""
    rng = seeds.generator(seed, "demo outfit", index)
    woman = rng.random() < 0.7
    top = _sample_garment(rng, _CLOTH, _TOP_PATTERNS)
    bottom = _sample_garment(rng, _BOTTOM, _BOTTOM_PATTERNS)
    kind, bottom_length = _sample_bottom(rng, woman)
    sleeve = choose(rng, {0.0: 0.22, 0.5: 0.33, 1.0: 0.1, 1.9: 0.35} if woman else
                     {0.0: 0.06, 0.5: 0.44, 1.0: 0.1, 1.9: 0.4})  # fmt: skip
    open_jacket = bool(rng.random() < 0.12) and kind != "dress"
    if open_jacket:
        sleeve = 1.9
        top = replace(top, pattern=choose(rng, {"plain": 1, "plaid": 1, "vstripe": 1}))
    skin = np.clip(_any(rng, _SKIN) * np.float32(rng.uniform(0.94, 1.04)), 0, 1)
    redness = np.float32(rng.uniform(0.2, 1) if woman else 0.1)
    styles: dict[HairStyle, float] = {"short": 0.93, "bob": 0.07}
    if woman:
        styles = {"long": 0.5, "bob": 0.22, "bun": 0.16, "short": 0.12}
    return Outfit(
        gender="WOMEN" if woman else "MEN",
        category=_sample_category(rng, woman, kind, open_jacket),
        number=index + 1,
        skin=skin,
        hair=np.clip(_any(rng, _HAIR) * np.float32(rng.uniform(0.85, 1.1)), 0, 1),
        hair_style=choose(rng, styles),
        lips=skin * np.float32(0.72) * (1 - redness) + _LIP_RED * redness,
        top=top,
        bottom=top if kind == "dress" else bottom,
        bottom_kind=kind,
        bottom_length=bottom_length,
        sleeve=sleeve,
        neckline=choose(rng, {"crew": 1, "v": 1, "tank": 1} if sleeve == 0 else {"crew": 2, "v": 1}),
        hem=choose(rng, {0.82: 0.2, 1.0: 0.5, 1.08: 0.3}),
        tucked=bool(rng.random() < 0.3),
        belted=bool(rng.random() < 0.3),
        open_jacket=open_jacket,
        inner=_sample_colour(rng, _CLOTH, unlike=top.first),
        shoes=_sample_colour(rng, _BOTTOM),
        build=float(rng.uniform(0.93, 1.1)),
        shoulder=0.74 if woman else 0.88,
    )


def paint_garment(garment: Garment, surface: Surface) -> Array:
    """Colours of points of a garment, float32 (h, w, 3); for a plain one, one colour (3,)."""
    if garment.pattern == "plain":
        return garment.first
    share = _pattern(garment, surface).astype(np.float32)[..., None]
    return garment.first * (1 - share) + garment.second * share


def choose(rng: np.random.Generator, weights: dict[Choice, float]) -> Choice:
    """Draws a key with probability proportional to its value."""
    options = list(weights)
    weight = np.array(list(weights.values()), float)
    return options[int(rng.choice(len(options), p=weight / weight.sum()))]


def _pattern(garment: Garment, surface: Surface) -> Array:
    """Share of the second colour, in [0, 1]."""
    around, along = surface.around, surface.along
    across, down = around / garment.period, along / garment.period
    match garment.pattern:
        case "hstripe":
            return soft_step(garment.duty - np.mod(down + garment.phase, 1), 0.12)
        case "vstripe":
            return soft_step(garment.duty - np.mod(across + 0.5 * garment.duty, 1), 0.12)
        case "plaid":
            horizontal = soft_step(0.36 - np.mod(down + garment.phase, 1), 0.12)
            return 0.5 * horizontal + 0.5 * soft_step(0.36 - np.mod(across + 0.18, 1), 0.12)
        case "check":
            squares: Array = np.mod(np.floor(down / 0.6) + np.floor(across / 0.6), 2)
            return squares
        case "dots":
            row = np.floor(down)
            y = np.mod(down, 1) - 0.5
            x = np.mod(across + 0.5 * np.mod(row, 2), 1) - 0.5
            return soft_step(0.30 - np.sqrt(x * x + y * y), 0.15)
        case "block":
            return soft_step(along - (0.7 + 0.5 * garment.phase), 0.05)
        case "logo":
            on_front = np.abs(surface.angle) < 1.3
            return soft_step(_logo(garment.logo, around, along - 0.95), 0.05) * on_front
    raise ValueError(f"unknown pattern {garment.pattern}")


def _logo(kind: int, x: Array, y: Array) -> Array:
    """Signed distance into a disc, square, diamond or bar on the chest."""
    if kind == 0:
        return 0.36 - np.sqrt(x * x + y * y)
    if kind == 1:
        return 0.32 - np.maximum(np.abs(x), np.abs(y))
    if kind == 2:
        return 0.34 - (np.abs(x) + np.abs(y)) * 0.8
    return np.minimum(0.5 - np.abs(x), 0.17 - np.abs(y))


def _sample_garment(rng: np.random.Generator, palette: list[Colour], patterns: dict[str, float]) -> Garment:
    pattern = choose(rng, patterns)
    first = _sample_colour(rng, palette)
    return Garment(
        pattern=pattern,
        first=first,
        second=_sample_colour(rng, _CLOTH, unlike=first),
        period=float(rng.uniform(*_PERIODS)),
        phase=float(rng.uniform()),
        duty=float(rng.uniform(0.35, 0.6)),
        logo=int(rng.integers(4)),
    )


def _sample_bottom(rng: np.random.Generator, woman: bool) -> tuple[BottomKind, float]:
    kinds: dict[BottomKind, float] = {"trousers": 0.82, "shorts": 0.18}
    if woman:
        kinds = {"trousers": 0.5, "shorts": 0.14, "skirt": 0.16, "dress": 0.2}
    kind = choose(rng, kinds)
    if kind == "trousers":
        return kind, choose(rng, {1.45: 1, 1.95: 2})
    if kind == "shorts":
        return kind, float(rng.uniform(0.35, 0.6))
    return kind, choose(rng, {0.5: 1, 0.8: 1, 1.3: 1} if kind == "skirt" else {0.45: 1, 0.8: 1, 1.5: 1})


def _sample_category(rng: np.random.Generator, woman: bool, kind: BottomKind, open_jacket: bool) -> str:
    if kind == "dress":
        return "Dresses"
    if open_jacket:
        return choose(rng, {"Jackets_Coats": 1, "Cardigans": 1} if woman else {"Jackets_Vests": 1})
    if woman:
        return choose(rng, {"Tees_Tanks": 1, "Blouses_Shirts": 1, "Sweaters": 1, "Jackets_Coats": 1})
    return choose(rng, {"Tees_Tanks": 1, "Shirts_Polos": 1, "Sweatshirts_Hoodies": 1})


def _sample_colour(rng: np.random.Generator, palette: list[Colour], unlike: Colour | None = None) -> Colour:
    while True:
        brightness, shift = np.float32(rng.uniform(0.92, 1)), np.float32(rng.uniform(-0.02, 0.02))
        colour: Colour = np.clip(_any(rng, palette) * brightness + shift, 0, 1)
        if unlike is None or np.abs(colour - unlike).sum() > _CONTRAST:
            return colour


def _any(rng: np.random.Generator, palette: list[Colour]) -> Colour:
    return palette[int(rng.integers(len(palette)))]

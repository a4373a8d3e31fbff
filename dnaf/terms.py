"""What a data set may be used for, as the READMEs in data/raw tell it."""

from dataclasses import dataclass

_RESEARCH = "non-commercial research only"


@dataclass(frozen=True)
class Terms:
    """A data set's name and terms.

    Attributes:
        license: the identifier that huggingface.co has for it; `other` needs a name and a link.
        text: the terms, in sentences.
    """

    title: str
    license: str
    text: str
    license_name: str | None = None
    license_link: str | None = None


_DEEPFASHION = "http://mmlab.ie.cuhk.edu.hk/projects/DeepFashion/InShopRetrieval.html"
_MARKET = "https://zheng-lab.cecs.anu.edu.au/Project/project_reid.html"
_TERMS = {
    "demo": Terms(
        "the demo of dnaf",
        "apache-2.0",
        "Drawn people in drawn clothes, made by the project `dnaf` under its licence, Apache-2.0. No "
        "photograph and nobody's likeness is in them, and what a model does on them says nothing about "
        "photographs.",
    ),
    "deepfashion": Terms(
        "DeepFashion In-shop Clothes Retrieval",
        "other",
        f"For {_RESEARCH}, and not to be passed on. Its owners, the Multimedia Lab of CUHK, give the "
        f"password of the photographs to those who sign their agreement: [project page]({_DEEPFASHION}).",
        _RESEARCH,
        _DEEPFASHION,
    ),
    "market1501": Terms(
        "Market-1501",
        "other",
        f"For {_RESEARCH}, and not to be passed on. Its owners have it: [data set's page]({_MARKET}).",
        _RESEARCH,
        _MARKET,
    ),
}


def terms_of(dataset: str) -> Terms:
    """The terms of a data set of this name; of a user's own, that they are not known."""
    text = (
        "The data set of whoever made this; its terms are not known here, ask them. Where its images "
        "come from a published data set, the terms of that hold."
    )
    return _TERMS.get(dataset, Terms(f"a data set named `{dataset}`", "unknown", text))

"""What a model has not met: said before anybody wonders about its images."""

from pathlib import Path

from dnaf.core import files
from dnaf.model.pretrained.known_bases import is_of_the_demo

_PROVENANCE = "provenance.json"
_DRAWN_ONLY = "It knows drawn people only: of a photograph expect rough colours and shapes."


def limits(model: Path, dataset: str) -> str:
    """A sentence on what a model does not know; empty if it may know photographs.

    Args:
        model: its folder, which says what base it stands on; it need not be there.
        dataset: that params.yaml names; that of the training, unless it was changed since.

    Raises:
        StateError: the folder's record of its base is damaged.
    """
    record = model / _PROVENANCE
    files.require_intact(model, [record] if record.is_file() else [])
    base = files.read_json(record).get("base") if record.is_file() else None
    # The record is relative to the model's folder, if it is not absolute.
    is_drawn = is_of_the_demo(str(model / base["folder"])) if base else dataset == "demo"
    return _DRAWN_ONLY if is_drawn else ""

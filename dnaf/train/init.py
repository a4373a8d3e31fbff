"""`train.init`: training starts from the adapter of a model that was trained before, as fine-tuning does."""

import json
from pathlib import Path
from typing import Any

from dnaf.core.errors import BaseModelError, ConfigError
from dnaf.model.components import Components
from dnaf.model.conditioning.adapter import DNAFAdapter
from dnaf.model.pretrained.checked_component import check_component, read_config
from dnaf.model.pretrained.provenance import Provenance
from dnaf.model.saving import PROVENANCE

_ADVICE = "Set train.init to a model that stage train wrote, or to null."


def init_adapter(components: Components, folder: Path) -> Provenance:
    """Gives the adapter of a model on a base the weights of a trained one, in place.

    Args:
        folder: of a model as stage train writes it, of the same base and the same form.

    Returns:
        Where the weights came from.

    Raises:
        ConfigError: the model has no base.
        BaseModelError: the folder is missing, incomplete, of another base, or of another form: the first
            difference is named.
    """
    if components.adapter.base is None:
        raise ConfigError(
            f"params.yaml: train.init: only for a model on a base (found {folder} with model.base null). "
            "Set model.base to that model's, or train.init to null."
        )
    _require_base(components.adapter.base, folder)
    adapter = check_component(
        folder / "adapter", (DNAFAdapter.__name__,), DNAFAdapter.from_config, advice=_ADVICE
    )
    found, expected = _form(adapter.config), _form(components.adapter.config)
    for key, value in expected.items():
        if found.get(key) != value:
            raise BaseModelError(
                f"{adapter.folder / 'config.json'}: an adapter of another form (found {key} "
                f"{found.get(key)}, expected {value}). Set the section model as it was trained with, or "
                "train.init to null."
            )
    components.adapter.load_state_dict(adapter.load().state_dict())
    return Provenance.of(folder, adapter.files)


def _require_base(base: Provenance, folder: Path) -> None:
    path = folder / PROVENANCE
    try:
        recorded = Provenance(**read_config(path, _ADVICE)["base"])
    except (KeyError, TypeError) as error:
        raise BaseModelError(f"{path}: not a provenance ({error!r}). {_ADVICE}") from error
    if recorded.digest != base.digest:
        raise BaseModelError(
            f"{path}: an adapter of another base model (found {recorded.folder} of sha256 {recorded.digest}, "
            f"expected {base.folder} of sha256 {base.digest}). Set model.base to that, or train.init to null."
        )


def _form(config: Any) -> dict[str, Any]:
    """A config as JSON has it, without diffusers' own keys and the size of the images of the training."""
    form = {key: value for key, value in config.items() if not key.startswith("_") and key != "trained_size"}
    plain: dict[str, Any] = json.loads(json.dumps(form))
    return plain

"""A base model whose configs were mutated is loaded, or refused with a BaseModelError; and asks nobody."""

import json
import shutil
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnaf.core.errors import BaseModelError, ConfigError
from dnaf.model.pretrained.base_model import load_autoencoder, load_base
from tests.helpers import base_folders
from tests.helpers import training_project as _one_thread  # noqa: F401
from tests.helpers.attacks import MOST_SECONDS, at_most
from tests.helpers.no_network import no_network

DEEP: Any = 1
for _ in range(60):
    DEEP = [DEEP]
HOSTILE: tuple[Any, ...] = (
    0,
    -1,
    1,
    3,
    0.5,
    1e10,
    int(3e8),
    int(3e5),
    1e-30,
    2**70,
    float("nan"),
    float("inf"),
    float("-inf"),
    True,
    None,
    "",
    "x",
    "hf-hub:timm/resnet18.a1_in1k",
    "local-dir:/etc",
    "../../etc",
    "\x1b[31m\n",
    "é" * 5000,
    [],
    [0] * 5000,
    [int(3e5)] * 4,
    [None],
    ["x"],
    {},
    {"x": 1},
    DEEP,
)


def mutate(path: Path, rng: np.random.Generator) -> str:
    """Replaces, removes or adds a value, or damages the text; gives what was done."""
    config = json.loads(path.read_text())
    keys = [key for key in config if not key.startswith("_diffusers")]
    key = str(rng.choice(keys))
    kind = int(rng.integers(10))
    value = HOSTILE[rng.integers(len(HOSTILE))]
    if kind == 0:
        del config[key]
    elif kind == 1:
        data = bytearray(path.read_bytes())
        at = int(rng.integers(len(data)))
        data[at] ^= 1 << int(rng.integers(8))
        path.write_bytes(data)
        return f"{path.name}: bit of byte {at}"
    elif kind == 2:
        path.write_text("[" * 100_000 if rng.integers(2) else '{"a":' * 100_000)
        return f"{path.name}: deep"
    elif kind == 3 and isinstance(config[key], list) and config[key]:
        config[key][rng.integers(len(config[key]))] = value
    else:
        config[key] = value
    path.write_text(json.dumps(config))
    return f"{path.parent.name}/{path.name}: {key} -> {str(value)[:40]}"


def try_to_load(folder: Path, named: str) -> str:
    """What came of it; anything but a loaded base and a sentence is a failure."""
    try:
        with at_most(MOST_SECONDS):
            load_base(folder)
            load_autoencoder(folder)
    except (BaseModelError, ConfigError) as error:
        message = str(error)
        assert message.startswith(str(folder)), (named, message)
        assert len(message) < 700, (named, message)
        assert "\n" not in message, (named, message)
        return "named error"
    except AssertionError:
        raise
    except BaseException as error:
        raise AssertionError(f"{named}: {error!r}") from error
    return "loaded"


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    root = tmp_path_factory.mktemp("bases")
    families = [base_folders.write_sd(root / family, family) for family in ("sd-1.5", "sdxl")]
    return [base_folders.write_own(root / "own"), *families]


@pytest.mark.parametrize("count", [90, pytest.param(10_000, marks=pytest.mark.slow)])
def test_a_mutated_config_is_loaded_or_a_named_error(folders: list[Path], tmp_path: Path, count: int) -> None:
    outcomes: Counter[str] = Counter()
    with no_network() as asked:
        for case in range(count):
            rng = np.random.default_rng([11, case])
            folder = tmp_path / "base"
            shutil.copytree(folders[case % len(folders)], folder)
            configs = sorted(path for path in folder.rglob("*.json") if "tokenizer" not in path.parent.name)
            configs = [path for path in configs if path.name != "model_index.json"]
            named = mutate(configs[rng.integers(len(configs))], rng)
            outcomes[try_to_load(folder, f"case {case}: {named}")] += 1
            shutil.rmtree(folder)
    assert not asked
    sys.stdout.write(f"{count:,} mutated configs: {dict(outcomes)}\n")
    assert outcomes.keys() == {"loaded", "named error"}


@pytest.mark.parametrize(
    ("file", "key", "value"),
    [
        ("unet/config.json", "norm_num_groups", 0),
        ("unet/config.json", "norm_num_groups", -1),
        ("unet/config.json", "layers_per_block", 300_000),
        ("unet/config.json", "layers_per_block", -1),
        ("unet/config.json", "attention_head_dim", -2),
        ("unet/config.json", "norm_eps", 0),
        ("vae/config.json", "scaling_factor", 0),
        ("vae/config.json", "layers_per_block", 300_000),
        ("text_encoder/config.json", "num_hidden_layers", 300_000),
        ("scheduler/scheduler_config.json", "num_train_timesteps", -1),
        ("scheduler/scheduler_config.json", "num_train_timesteps", 1e10),
        ("scheduler/scheduler_config.json", "num_train_timesteps", 300_000_000),
        ("scheduler/scheduler_config.json", "beta_end", 5),
        ("scheduler/scheduler_config.json", "beta_start", float("nan")),
        ("scheduler/scheduler_config.json", "beta_schedule", "none"),
        ("scheduler/scheduler_config.json", "timestep_spacing", "none"),
        ("unet/config.json", "act_fn", DEEP),
    ],
)
def test_a_value_that_no_model_has_is_named_at_once(
    file: str, key: str, value: object, folders: list[Path], tmp_path: Path
) -> None:
    folder = tmp_path / "base"
    shutil.copytree(folders[1], folder)
    path = folder / file
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
    with at_most(MOST_SECONDS), pytest.raises(BaseModelError) as error:
        load_base(folder)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)

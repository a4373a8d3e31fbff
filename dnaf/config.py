"""params.yaml as frozen, typed, range-checked sections. The only reader of params.yaml.

A stage loads its own section and nothing else, so that DVC's record of what a stage depends on is true.
Read with ruamel.yaml as YAML 1.2, like DVC: PyYAML takes `5e-05`, which `dvc exp run -S` writes, for text.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from dnaf.errors import ConfigError

PARAMS = Path("params.yaml")
_MAX_BYTES = 1_000_000

Positive = Annotated[int, Field(ge=1)]
Fraction = Annotated[float, Field(ge=0, le=1)]
LevelMapping = Literal["nearest", "index"]
MixedPrecision = Literal["no", "bf16", "fp16"]
TimestepSampling = Literal["uniform", "cubic", "fourth_root"]
ProtocolName = Literal["gfla", "patn", "dptn", "pidm", "pcdms", "cfld", "clean"]


class Section(BaseModel):
    """A section of params.yaml; units and meaning of each key stand beside it in params.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
    name: ClassVar[str]


class Dataset(Section):
    """`datasets.<name>`: its format, the size (height, width) of prepared images, how many test pairs."""

    format: Literal["deepfashion", "market1501", "custom"]
    height: Annotated[int, Field(ge=16, le=1024, multiple_of=4)]
    width: Annotated[int, Field(ge=16, le=1024, multiple_of=4)]
    max_test_pairs: Positive


class MakeDemo(Section):
    name = "make_demo"
    num_train_outfits: Annotated[int, Field(ge=1, le=100_000)]
    num_test_outfits: Annotated[int, Field(ge=1, le=100_000)]


class Render(Section):
    name = "render"
    renderer: Literal["openpose", "nted", "cfld", "heatmaps"]
    canvas_height: Annotated[int, Field(ge=16, le=2048)]
    canvas_width: Annotated[int, Field(ge=16, le=2048)]

    @property
    def canvas(self) -> tuple[int, int]:
        return self.canvas_height, self.canvas_width


class Model(Section):
    name = "model"
    base: Annotated[str, Field(min_length=1)] | None
    pose_adapter: bool
    appearance_blocks: bool
    noise_aware: bool
    style_pose: bool
    channels: Annotated[list[Annotated[int, Field(ge=8, multiple_of=8)]], Field(min_length=2, max_length=4)]
    layers_per_block: Annotated[int, Field(ge=1, le=4)]
    head_dim: Annotated[int, Field(ge=4)]
    style_encoder: Annotated[str, Field(min_length=1)]
    style_encoder_weights: Annotated[str, Field(min_length=1)] | None
    style_scale: Annotated[float, Field(gt=0, le=2)]
    level_mapping: LevelMapping
    unshuffle: Literal[1, 2, 4, 8]

    @model_validator(mode="after")
    def _heads_divide_channels(self) -> "Model":
        for channels in self.channels[1:]:
            if channels % self.head_dim:
                raise ValueError(f"head_dim {self.head_dim} must divide all channels but the first")
        return self


class Train(Section):
    name = "train"
    steps: Positive
    batch_size: Positive
    accumulate: Positive
    lr: Annotated[float, Field(gt=0, le=1)]
    lr_warmup_steps: Annotated[int, Field(ge=0)]
    weight_decay: Annotated[float, Field(ge=0, le=1)]
    max_grad_norm: Annotated[float, Field(gt=0)]
    ema_decay: Annotated[float, Field(ge=0, lt=1)]
    loss: Literal["l1", "mse"]
    foreground_weight: Annotated[float, Field(ge=0)]
    min_snr_gamma: Annotated[float, Field(gt=0)] | None
    timestep_sampling: TimestepSampling
    condition_dropout: Fraction
    drop_pose: bool
    mirror: Fraction
    style_grad: bool
    gradient_checkpointing: bool
    mixed_precision: MixedPrecision
    log_every: Positive
    checkpoint_every: Positive
    sample_every: Positive
    report_to: Literal["none", "tensorboard"]

    @field_validator("min_snr_gamma")
    @classmethod
    def _min_snr_weighs_squares(cls, gamma: float | None, info: ValidationInfo) -> float | None:
        if gamma is not None and info.data.get("loss") != "mse":
            raise ValueError("null, or train.loss mse, whose weights it gives")
        return gamma


class Generate(Section):
    name = "generate"
    solver: Literal["ddim", "ddpm", "deis", "dpm++", "euler", "heun", "lcm", "pndm", "unipc"]
    num_inference_steps: Annotated[int, Field(ge=1, le=1000)]
    guidance_scale: Annotated[float, Field(ge=1, le=100)]
    guidance_interval: Annotated[list[Fraction], Field(min_length=2, max_length=2)]
    style_noise: Literal["fixed", "fresh"]
    mixed_precision: Literal["no", "bf16", "fp16"]
    batch_size: Positive
    num_samples: Positive

    @model_validator(mode="after")
    def _interval_starts_before_it_stops(self) -> "Generate":
        if self.guidance_interval[0] > self.guidance_interval[1]:
            raise ValueError("guidance_interval: its start must not be after its stop")
        return self


class Reference(Section):
    name = "reference"
    max_images: Positive | None
    batch_size: Positive


class Evaluate(Section):
    name = "evaluate"
    batch_size: Positive
    num_bootstrap: Annotated[int, Field(ge=0)]


class Applications(Section):
    name = "applications"
    num_rows: Annotated[int, Field(ge=2)]
    num_frames: Annotated[int, Field(ge=2, le=100)]


class Report(Section):
    name = "report"
    num_rows: Positive


class Weights(Section):
    """Files of the metrics' networks; what they must be stands in `dnaf/evaluate/weights.py`."""

    name = "weights"
    inception_imagenet: str | None
    inception_fid: str | None
    alexnet: str | None
    vgg16: str | None
    squeezenet1_1: str | None
    dinov2: str | None


SECTIONS: tuple[type[Section], ...] = (
    MakeDemo,
    Render,
    Model,
    Train,
    Generate,
    Reference,
    Evaluate,
    Weights,
    Report,
    Applications,
)
TOP_LEVEL = (
    "dataset",
    "method",
    "protocol",
    "methods",
    "protocols",
    "seed",
    "datasets",
    *(section.name for section in SECTIONS),
)

AnySection = TypeVar("AnySection", bound=Section)


def load(section: type[AnySection], path: Path = PARAMS) -> AnySection:
    """Loads one section.

    Raises:
        ConfigError: names the key, the value found and what is allowed.
    """
    values = _get(_read(path), section.name, path)
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: {section.name}: wrong type (found {values!r}, expected keys).")
    return _validate(section, values, section.name, path)


def load_chosen_dataset(path: Path = PARAMS) -> str:
    """Loads the name of the data set that the pipeline runs on."""
    dataset: str = _scalar(Annotated[str, Field(min_length=1, strict=True)], "dataset", path)
    return dataset


def load_size(dataset: str, path: Path = PARAMS) -> tuple[int, int]:
    """Loads the (height, width) in pixels that a data set's images are prepared in."""
    height, width = _dataset_values(dataset, ("height", "width"), path)
    return int(height), int(width)


def load_format(dataset: str, path: Path = PARAMS) -> str:
    """Loads the on-disk format of a data set's files."""
    return str(_dataset_values(dataset, ("format",), path)[0])


def load_max_test_pairs(dataset: str, path: Path = PARAMS) -> int:
    """Loads how many test pairs of a data set are drawn at most."""
    return int(_dataset_values(dataset, ("max_test_pairs",), path)[0])


def load_seed(path: Path = PARAMS) -> int:
    """Loads the root seed, from which all randomness derives."""
    seed: int = _scalar(Annotated[int, Field(ge=0, lt=2**63, strict=True)], "seed", path)
    return seed


def load_codec(path: Path = PARAMS) -> tuple[str | None, int]:
    """Loads what the codec of latents depends on: the base model's folder, if any, and `unshuffle`."""
    base, unshuffle = _some_keys("model", ("base", "unshuffle"), Model, path).values()
    return base, unshuffle


def load_weights(names: Collection[str], path: Path = PARAMS) -> dict[str, Path | None]:
    """Loads some keys of the section `weights`: files by name, None where there is none."""
    values = _some_keys("weights", names, Weights, path)
    return {name: None if value is None else Path(value) for name, value in values.items()}


def load_method(path: Path = PARAMS) -> str:
    """Loads the method that metrics/summary.json reports."""
    method: str = _scalar(Annotated[str, Field(min_length=1, strict=True)], "method", path)
    return method


def load_methods(path: Path = PARAMS) -> list[str]:
    """Loads the methods that are evaluated and compared, in the order of the tables."""
    methods: list[str] = _scalar(Annotated[list[str], Field(min_length=1, strict=True)], "methods", path)
    return methods


def load_protocol(path: Path = PARAMS) -> ProtocolName:
    """Loads the protocol under which metrics/summary.json reports."""
    protocol: ProtocolName = _scalar(ProtocolName, "protocol", path)
    return protocol


def load_protocols(path: Path = PARAMS) -> list[ProtocolName]:
    """Loads the protocols under which every method is scored, in the order of the tables."""
    kind = Annotated[list[ProtocolName], Field(min_length=1, strict=True)]
    protocols: list[ProtocolName] = _scalar(kind, "protocols", path)
    return protocols


def _dataset_values(dataset: str, keys: tuple[str, ...], path: Path) -> list[int | str]:
    datasets = _get(_read(path), "datasets", path)
    if not isinstance(datasets, dict) or not isinstance(datasets.get(dataset), dict):
        known = ", ".join(datasets) if isinstance(datasets, dict) else "none"
        raise ConfigError(f"{path}: datasets.{dataset}: unknown data set (expected one of: {known}).")
    return list(_some_keys(f"datasets.{dataset}", keys, Dataset, path).values())


def _some_keys(prefix: str, keys: Collection[str], section: type[Section], path: Path) -> dict[str, Any]:
    """Some keys of a section: a stage reads no more than it declares to DVC."""
    values: Any = _read(path)
    for part in prefix.split("."):
        values = _get(values, part, path)
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: {prefix}: wrong type (found {values!r}, expected keys).")
    try:
        section.model_validate(values)
    except ValidationError as error:
        errors = [e for e in error.errors() if e["type"] != "missing" or e["loc"][0] in keys]
        if errors:
            raise _config_error(section, errors, prefix, path) from error
    return {key: values[key] for key in keys}


def _scalar(kind: Any, key: str, path: Path) -> Any:
    value = _get(_read(path), key, path)
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        raise ConfigError(_message(path, key, error.errors()[0])) from error


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ConfigError(f"{path}: too large (expected at most {_MAX_BYTES:,} bytes).")
        values = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"{path}: could not be read ({error.strerror}). Run from the project's root."
        ) from error
    except (YAMLError, UnicodeDecodeError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"{path}: not valid YAML ({reason}).") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: not a mapping of sections.")
    for key in values:
        if key not in TOP_LEVEL:
            raise ConfigError(f"{path}: {key}: unknown key (expected one of: {', '.join(TOP_LEVEL)}).")
    return values


def _get(values: dict[str, Any], key: str, path: Path) -> Any:
    if key not in values:
        raise ConfigError(f"{path}: {key}: missing. Copy it from params/demo.yaml.")
    return values[key]


def _validate(section: type[AnySection], values: Any, prefix: str, path: Path) -> AnySection:
    try:
        return section.model_validate(values)
    except ValidationError as error:
        raise _config_error(section, error.errors(), prefix, path) from error


def _config_error(section: type[Section], errors: list[Any], prefix: str, path: Path) -> ConfigError:
    # A misspelt key is both unknown and missing; the unknown one is what the user wrote.
    first = next((error for error in errors if error["type"] == "extra_forbidden"), errors[0])
    key = ".".join([prefix, *(str(part) for part in first["loc"])])
    if first["type"] == "extra_forbidden":
        allowed = ", ".join(section.model_fields)
        return ConfigError(f"{path}: {key}: unknown key (expected one of: {allowed}).")
    if first["type"] == "missing":
        return ConfigError(f"{path}: {key}: missing. Copy it from params/demo.yaml.")
    return ConfigError(_message(path, key, first))


def _message(path: Path, key: str, error: Any) -> str:
    expected = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input should be ")
    return f"{path}: {key}: not allowed (found {error['input']!r}, expected {expected})."

"""All parameters: meaning, unit, range, and the demo's value. The only reader of params.yaml.

A stage loads its own section and nothing else, so that DVC's record of what a stage depends on is true.
What is written here is the comment in params.yaml, the row in docs/parameters.md and the check of the value.
"""

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from dnaf.core import sections
from dnaf.core.errors import ConfigError
from dnaf.core.sections import AnySection, Section

PARAMS = Path("params.yaml")


def _no_word_for_nothing(value: str) -> str:
    if value.strip().lower() in ("", "none", "null", "nil", "~"):
        raise ValueError("null, as YAML writes nothing, or a path")
    return value


def _name_of_a_folder(value: str) -> str:
    """It is a folder's name on any system, a cell of a table that is no formula, and a word of a command."""
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", value) or value.lower() in _RESERVED:
        raise ValueError("letters, digits, _ . and -, and no name that Windows keeps for itself")
    return value


def _each_once(values: list[str]) -> list[str]:
    seen: dict[str, str] = {}
    for value in values:
        if (twin := seen.setdefault(value.lower(), value)) is not value or values.count(value) > 1:
            raise ValueError(f"each once, and not by case alone another ({twin} and {value})")
    return values


_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
Text = Annotated[str, Field(min_length=1)]
PathText = Annotated[Text, AfterValidator(_no_word_for_nothing)]
Name = Annotated[str, AfterValidator(_name_of_a_folder)]
Positive = Annotated[int, Field(ge=1)]
Fraction = Annotated[float, Field(ge=0, le=1)]
LevelMapping = Literal["nearest", "coarser", "index"]
FormatName = Literal["deepfashion", "market1501", "custom"]  # each a file of dnaf/data/formats
RendererName = Literal["openpose", "nted", "cfld", "heatmaps"]  # each a file of dnaf/data/pose_maps
MixedPrecision = Literal["no", "bf16", "fp16"]
TimestepSampling = Literal["uniform", "cubic", "fourth_root"]
WeightFiles = Mapping[str, Path | None]
"""Files of the section `weights`, by name; None where there is none."""
ProtocolName = Literal[  # each a file of dnaf/evaluate/protocols/field
    "gfla",
    "pocold",
    "patn",
    "dptn",
    "pidm",
    "pcdms",
    "pcdms512",
    "cfld",
    "cfld256",
    "cfld512",
    "fpdm",
    "leffa",
    "pytorch_fid",
]


def _module_and_name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", value, re.ASCII):
        raise ValueError("module:name, as extensions.contrast:CONTRAST")
    return value


ModuleAndName = Annotated[str, AfterValidator(_module_and_name)]


class Dataset(Section):
    """`datasets.<name>`: what the files in data/raw/<name> are, and what is made of them."""

    format: FormatName = Field(
        default="deepfashion", description="what the files are called, see docs/data.md"
    )
    height: int = Field(
        default=128,
        ge=16,
        le=1024,
        multiple_of=4,
        description="pixels; images are prepared, generated and compared in this size",
    )
    width: int = Field(default=96, ge=16, le=1024, multiple_of=4, description="pixels")
    max_test_pairs: Positive = Field(
        default=80,
        description="test pairs, drawn with random_state=0 if there are more; 12,000 by the published rule",
    )


class MakeDemo(Section):
    name = "make_demo"
    num_train_outfits: int = Field(default=400, ge=1, le=100_000, description="outfits, six views each")
    num_test_outfits: int = Field(default=40, ge=1, le=100_000, description="outfits, six views each")


class Render(Section):
    name = "render"
    renderer: RendererName = Field(
        default="openpose",
        description="as controlnet_aux, 3 channels | as NTED, 20 | as CFLD, 21 | a blob a joint, 18",
    )
    canvas_height: int = Field(
        default=256,
        ge=16,
        le=2048,
        description="pixels; sticks are 4 pixels wide here, then resized to the data set's size",
    )
    canvas_width: int = Field(default=176, ge=16, le=2048, description="pixels")

    @property
    def canvas(self) -> tuple[int, int]:
        return self.canvas_height, self.canvas_width


class Model(Section):
    name = "model"
    base: PathText | None = Field(
        default="data/base/people",
        description="folder of a frozen base model, see docs/base-models.md; null: all is trained",
    )
    pose_adapter: bool = Field(default=True, description="figure (a); false: the model does not see the pose")
    appearance_blocks: bool = Field(
        default=True, description="figure (c); false: ablation without multi-scale style features"
    )
    noise_aware: bool = Field(
        default=True, description="figure (b); false: ablation without shared keys and values"
    )
    style_tokens: bool = Field(
        default=True,
        description="the style branch sees its own appearance features too, as figure (a) draws it",
    )
    clean_style: bool = Field(
        default=False, description="true: ablation with keys and values of the style without noise, at t = 0"
    )
    style_pose: bool = Field(default=True, description="give the style branch the source's own pose")
    channels: list[Annotated[int, Field(ge=8, multiple_of=8)]] = Field(
        default=[32, 64],
        min_length=2,
        max_length=4,
        description="without base: width of each UNet level, finest first; attention from the second on",
    )
    layers_per_block: int = Field(
        default=1, ge=1, le=4, description="without base: residual blocks of each UNet level"
    )
    head_dim: int = Field(default=32, ge=4, description="without base: channels of one attention head")
    style_encoder: Text = Field(
        default="tf_efficientnet_lite0", description="any timm model with `features_only`"
    )
    style_encoder_weights: PathText | None = Field(
        default=None,
        description="file or Hugging Face folder of its weights; null: those of the base, else random",
    )
    style_scale: float = Field(
        default=1.0,
        gt=0,
        le=2,
        description="size of the images that the style encoder sees, relative to their own",
    )
    level_mapping: LevelMapping = Field(
        default="coarser",
        description="a UNet level reads the style map nearest in cell size | twice its size | its index",
    )
    unshuffle: Literal[1, 2, 4, 8] = Field(
        default=2, description="pixels per latent cell along each side, without base; the latent is lossless"
    )

    @model_validator(mode="after")
    def _heads_divide_channels(self) -> "Model":
        for channels in self.channels[1:]:
            if channels % self.head_dim:
                raise ValueError(f"head_dim {self.head_dim} must divide all channels but the first")
        return self


class Train(Section):
    name = "train"
    init: PathText | None = Field(
        default="data/adapter/people",
        description="folder of a trained model on the same base; training starts from its adapter; null: new",
    )
    steps: Positive = Field(default=150, description="steps of the optimizer")
    batch_size: Positive = Field(default=8, description="pairs, of all processes together")
    accumulate: Positive = Field(
        default=1,
        description="micro-batches of a batch, which run one after the other: less memory, the same step",
    )
    lr: float = Field(
        default=5e-4, gt=0, le=1, description="peak learning rate of AdamW; cosine decay to 5 %"
    )
    lr_warmup_steps: int = Field(default=50, ge=0, description="steps of linear warm-up")
    weight_decay: float = Field(default=0.0, ge=0, le=1, description="of AdamW, decoupled from the gradient")
    max_grad_norm: float = Field(default=1.0, gt=0, description="longer gradients are scaled to this L2 norm")
    ema_decay: float = Field(
        default=0.98, ge=0, lt=1, description="of the weights that are saved; 0: the last step's"
    )
    loss: Literal["l1", "mse"] = Field(default="mse", description="between prediction and truth")
    foreground_weight: float = Field(
        default=0.0,
        ge=0,
        description="extra weight of cells that differ from the background",
    )
    max_noise_weight: Annotated[float, Field(ge=1)] | None = Field(
        default=4.0,
        description="weights errors by 1 / sigma, at most by this; mse: its square; null: no",
    )
    min_snr_gamma: Annotated[float, Field(gt=0)] | None = Field(
        default=None,
        description="clip weights of little noised latents at this SNR, 5.0 in arXiv 2303.09556; null: no",
    )
    timestep_sampling: TimestepSampling = Field(
        default="uniform",
        description="t = T u | T (1 - u^3), as CFLD | T u^0.25, most noise",
    )
    condition_dropout: Fraction = Field(
        default=0.1, description="share of targets trained without style, for guidance"
    )
    max_sources: int = Field(
        default=1,
        ge=1,
        le=16,
        description="images of the person that a pair is given: a random number, at most this, of the outfit",
    )
    drop_pose: bool = Field(
        default=False, description="a target trained without style is trained without pose too"
    )
    mirror: Fraction = Field(default=0.5, description="share of pairs that are mirrored")
    validation_outfits: int = Field(
        default=12,
        ge=0,
        description="of the training part, not trained on: for sheets, and to choose weights by; 0: none",
    )
    style_grad: bool = Field(default=False, description="gradients through the style branch too")
    gradient_checkpointing: bool = Field(
        default=False,
        description="compute activations again in the backward pass: more time, far less memory",
    )
    mixed_precision: MixedPrecision = Field(default="no", description="of the forward and backward pass")
    log_every: Positive = Field(default=20, description="steps from line to line of the log")
    checkpoint_every: Positive = Field(
        default=100, description="steps; a killed run goes on from the last checkpoint"
    )
    sample_every: Positive = Field(
        default=50, description="steps from one sheet of samples, and one validation, to the next"
    )
    report_to: Literal["none", "tensorboard"] = Field(
        default="none", description="where to log in runs/, in addition to the plots of DVC"
    )

    @field_validator("validation_outfits")
    @classmethod
    def _features_are_exchanged_between_outfits(cls, num_outfits: int) -> int:
        if num_outfits == 1:
            raise ValueError("0, or at least 2")
        return num_outfits

    @field_validator("min_snr_gamma")
    @classmethod
    def _min_snr_weighs_squares(cls, gamma: float | None, info: ValidationInfo) -> float | None:
        if gamma is not None and info.data.get("loss") != "mse":
            raise ValueError("null, or train.loss mse, whose weights it gives")
        return gamma


class Generate(Section):
    name = "generate"
    scheduler: Literal["ddim", "ddpm", "deis", "dpm++", "euler", "heun", "lcm", "pndm", "unipc"] = Field(
        default="ddpm", description="see docs/sampling.md"
    )
    num_inference_steps: int = Field(
        default=12, ge=1, le=1000, description="model calls; of heun and pndm more"
    )
    guidance_scale: float = Field(default=2.5, ge=1, le=100, description="1: no guidance")
    guidance_interval: list[Fraction] = Field(
        default=[0.0, 1.0],
        min_length=2,
        max_length=2,
        description="start and stop, as shares of the model calls; no guidance outside, which costs less",
    )
    num_sources: int = Field(
        default=1,
        ge=1,
        le=16,
        description="images of the person that a pair is given, where the test list has others of the outfit",
    )
    style_noise: Literal["fixed", "fresh"] = Field(
        default="fresh", description="noise of the style latents: one for all model calls | one for each"
    )
    mixed_precision: MixedPrecision = Field(
        default="no", description="of the UNet, style encoder and autoencoder"
    )
    batch_size: Positive = Field(default=40, description="pairs")
    num_samples: Positive = Field(default=8, description="sample sheets that `uv run dvc plots show` shows")

    @model_validator(mode="after")
    def _interval_starts_before_it_stops(self) -> "Generate":
        if self.guidance_interval[0] > self.guidance_interval[1]:
            raise ValueError("guidance_interval: its start must not be after its stop")
        return self


class Reference(Section):
    name = "reference"
    max_images: Positive | None = Field(
        default=500,
        description="training images that FID compares with; null: all of them, as every protocol wants it",
    )
    batch_size: Positive = Field(default=40, description="images")


class Evaluate(Section):
    name = "evaluate"
    batch_size: Positive = Field(default=40, description="pairs")
    num_bootstrap: int = Field(default=1000, ge=0, description="resamplings behind the 95 % intervals")


class Weights(Section):
    """Files of the metrics' networks; `dnaf/weights/registry.py` says what they must be."""

    name = "weights"
    inception_imagenet: PathText | None = Field(
        default=None, description="torchvision's Inception-v3: FID of all protocols but pytorch_fid"
    )
    inception_fid: PathText | None = Field(
        default=None, description="pytorch-fid's Inception-v3: FID of pytorch_fid"
    )
    alexnet: PathText | None = Field(default=None, description="LPIPS")
    vgg16: PathText | None = Field(default=None, description="LPIPS of pytorch_fid")
    squeezenet1_1: PathText | None = Field(default=None, description="LPIPS of pytorch_fid")
    dinov2: PathText | None = Field(
        default=None, description="Frechet distance in DINOv2's features; null: not computed"
    )


class Own(Section):
    """Python of the user's own, by `module:name`, which the working directory has; see docs/extending.md."""

    name = "own"
    metrics: Annotated[list[ModuleAndName], AfterValidator(_each_once)] = Field(
        default=[], description="of single pairs, as `module:name`"
    )
    protocols: Annotated[list[ModuleAndName], AfterValidator(_each_once)] = Field(
        default=[], description="as `module:name`; their own names can then be in `protocols`"
    )


class Report(Section):
    name = "report"
    num_rows: Positive = Field(default=8, description="pairs shown in the qualitative figure")


class Applications(Section):
    name = "applications"
    num_rows: int = Field(default=4, ge=2, description="test pairs shown in each sheet of an application")
    num_frames: int = Field(default=7, ge=2, le=100, description="poses from the source's to the target's")


_METHODS = [
    *("dnaf", "copy_source", "mean_image", "ground_truth"),
    *("adgan", "pise", "gfla", "dptn", "casd", "nted", "pidm"),
]
_DATASETS = {
    "demo": Dataset(),
    "deepfashion": Dataset(height=256, width=176, max_test_pairs=12_000),
    "market1501": Dataset(format="market1501", height=128, width=64, max_test_pairs=12_000),
}


class Params(Section):
    """All of params.yaml, in the order of the file."""

    name = "params"
    dataset: Text = Field(
        default="demo", description="a key of `datasets`; its files are in `data/raw/<dataset>`"
    )
    method: Text = Field(
        default="dnaf", description="whose metrics are in metrics/summary.json, for `uv run dvc metrics diff`"
    )
    protocol: ProtocolName | Name = Field(default="cfld", description="under which; one of `protocols`")
    seed: int = Field(
        default=0, ge=0, lt=2**63, description="all randomness is a function of this number and of a position"
    )
    methods: Annotated[list[Name], AfterValidator(_each_once)] = Field(
        default=_METHODS, min_length=1, description="evaluated and compared, in the order of the tables"
    )
    protocols: Annotated[list[ProtocolName | Name], AfterValidator(_each_once)] = Field(
        default=["cfld"], min_length=1, description="under which each method is scored, see docs/protocols.md"
    )
    datasets: dict[Name, Dataset] = Field(
        default=_DATASETS, description="what `data/raw/<name>` holds, by name"
    )
    make_demo: MakeDemo = Field(default=MakeDemo(), description="how many people are drawn")
    render: Render = Field(default=Render(), description="from keypoints to pose maps")
    model: Model = Field(default=Model(), description="what is trained, and on what")
    train: Train = Field(default=Train(), description="how it is trained, see docs/training.md")
    generate: Generate = Field(default=Generate(), description="how images are sampled, see docs/sampling.md")
    reference: Reference = Field(default=Reference(), description="the real images of FID")
    evaluate: Evaluate = Field(default=Evaluate(), description="how images are scored")
    weights: Weights = Field(
        default=Weights(),
        description="files, see `uv run python -m stages.fetch_weights`; null: seeded random weights",
    )
    own: Own = Field(default=Own(), description="your metrics and protocols, see docs/extending.md")
    report: Report = Field(default=Report(), description="tables, figure and page")
    applications: Applications = Field(default=Applications(), description="sheets of the applications")

    @model_validator(mode="after")
    def _the_chosen_are_among_those_that_are_run(self) -> "Params":
        for key, choices in (
            ("dataset", self.datasets),
            ("method", self.methods),
            ("protocol", self.protocols),
        ):
            if getattr(self, key) not in choices:
                raise ValueError(f"{key} {getattr(self, key)} is not one of {key}s: {', '.join(choices)}")
        return self

    @model_validator(mode="after")
    def _protocols_are_known(self) -> "Params":
        unknown = [] if self.own.protocols else _unknown(self.protocols)
        if unknown:
            raise ValueError(f"protocols: {unknown[0]} is not one of {', '.join(get_args(ProtocolName))}")
        return self


def load(section: type[AnySection], path: Path = PARAMS) -> AnySection:
    """Loads one section.

    Raises:
        ConfigError: names the key, the value found and what is allowed.
    """
    return sections.validate(section, sections.get(_read(path), section.name, path), path, section.name)


def load_chosen_dataset(path: Path = PARAMS) -> str:
    """Loads the name of the data set that the pipeline runs on."""
    return str(_value("dataset", path))


def load_size(dataset: str, path: Path = PARAMS) -> tuple[int, int]:
    """Loads the (height, width) in pixels that a data set's images are prepared in."""
    loaded = _dataset(dataset, ("height", "width"), path)
    return loaded.height, loaded.width


def load_format(dataset: str, path: Path = PARAMS) -> str:
    """Loads the on-disk format of a data set's files."""
    return _dataset(dataset, ("format",), path).format


def load_max_test_pairs(dataset: str, path: Path = PARAMS) -> int:
    """Loads how many test pairs of a data set are drawn at most."""
    return _dataset(dataset, ("max_test_pairs",), path).max_test_pairs


def load_seed(path: Path = PARAMS) -> int:
    """Loads the root seed, from which all randomness derives."""
    return int(_value("seed", path))


def load_autoencoder(path: Path = PARAMS) -> tuple[str | None, int]:
    """Loads what the autoencoder of latents depends on: the base model's folder, if any, and `unshuffle`."""
    model = _some_keys(Model, ("base", "unshuffle"), path)
    return model.base, model.unshuffle


def load_weights(names: Collection[str], path: Path = PARAMS) -> dict[str, Path | None]:
    """Loads some keys of the section `weights`: files by name, None where there is none."""
    weights = _some_keys(Weights, names, path)
    values = {name: getattr(weights, name) for name in names}
    return {name: None if value is None else Path(value) for name, value in values.items()}


def load_method(path: Path = PARAMS) -> str:
    """Loads the method that metrics/summary.json reports."""
    return str(_value("method", path))


def load_methods(path: Path = PARAMS) -> list[str]:
    """Loads the methods that are evaluated and compared, in the order of the tables."""
    return list(_value("methods", path))


def load_protocol(path: Path = PARAMS) -> str:
    """Loads the protocol under which metrics/summary.json reports."""
    (protocol,) = _known_protocols("protocol", [_value("protocol", path)], path)
    return protocol


def load_protocols(path: Path = PARAMS) -> list[str]:
    """Loads the protocols under which every method is scored, in the order of the tables."""
    return _known_protocols("protocols", _value("protocols", path), path)


def load_own_metrics(path: Path = PARAMS) -> list[str]:
    """Loads the user's own metrics, as `module:name`."""
    return _some_keys(Own, ("metrics",), path).metrics


def load_own_protocols(path: Path = PARAMS) -> list[str]:
    """Loads the user's own protocols, as `module:name`."""
    return _some_keys(Own, ("protocols",), path).protocols


def _known_protocols(key: str, names: list[str], path: Path) -> list[str]:
    """The names; unknown ones only where the user has protocols, whose names stand in their own files."""
    own = _read(path).get(Own.name)
    unknown = _unknown(names)
    if unknown and not (own and own.get("protocols")):
        *known, last = map(repr, get_args(ProtocolName))
        raise ConfigError(
            f"{path}: {key}: not allowed (found {unknown[0]!r}, expected {', '.join(known)} or {last})."
        )
    return names


def _unknown(protocols: list[str]) -> list[str]:
    return [name for name in protocols if name not in get_args(ProtocolName)]


def _dataset(dataset: str, keys: tuple[str, ...], path: Path) -> Dataset:
    datasets = sections.get(_read(path), "datasets", path)
    if not isinstance(datasets, dict) or not isinstance(datasets.get(dataset), dict):
        known = ", ".join(datasets) if isinstance(datasets, dict) else "none"
        raise ConfigError(f"{path}: datasets.{dataset}: unknown data set (expected one of: {known}).")
    return sections.validate(Dataset, datasets[dataset], path, f"datasets.{dataset}", keys)


def _some_keys(section: type[AnySection], keys: Collection[str], path: Path) -> AnySection:
    """A section of which only some keys are there: a stage reads no more than it declares to DVC."""
    values = sections.get(_read(path), section.name, path)
    return sections.validate(section, values, path, section.name, keys)


def _value(key: str, path: Path) -> Any:
    return sections.validate_field(Params, key, sections.get(_read(path), key, path), path)


def _read(path: Path) -> dict[str, Any]:
    values = sections.read(path)
    for key in values:
        if key not in Params.model_fields:
            allowed = ", ".join(Params.model_fields)
            raise ConfigError(f"{path}: {key}: unknown key (expected one of: {allowed}).")
    return values

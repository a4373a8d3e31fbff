"""What a run shows while it goes: its curves and sheets of pose, source, target, generated."""

import math
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import torch
from PIL import Image

from dnaf.core import files, images, seeds
from dnaf.core.seals import write_sealed
from dnaf.data.loader import PairImages
from dnaf.data.tensors import to_pixels

if TYPE_CHECKING:
    from dnaf.pipeline import DNAFPipeline

LOSS_COLUMNS = ["step", "loss", "lr"]
VALIDATION_COLUMNS = ["step", "x0_error", "other_features"]

_NUM_SAMPLES = 8
_ENLARGE = 2
# A model that predicts the clean latent needs few calls; one that predicts noise shows nothing in so few.
_INFERENCE_STEPS = {"sample": 4, "epsilon": 20, "v_prediction": 20}


class Record:
    """Curves and sample sheets of one run; the sheets are also kept in its scratch folder.

    DVC removes a stage's outputs before it starts the stage again; the scratch copies survive a kill.

    Args:
        pairs: some of which the sheets show.

    Attributes:
        rows: of the loss curve.
    """

    def __init__(
        self, pairs: PairImages, loss_curve: Path, validation_curve: Path, samples: Path, scratch: Path
    ) -> None:
        self.rows: list[dict[str, float]] = []
        self._pairs = pairs
        self._loss_curve, self._validation_curve = loss_curve, validation_curve
        self._samples = samples
        self._scratch_samples = scratch / "samples"

    @property
    def last_loss(self) -> float | None:
        return self.rows[-1]["loss"] if self.rows else None

    def recent_loss(self, num_steps: int) -> float:
        """Mean loss of the last steps, as single ones jump; NaN before the first."""
        recent = [row["loss"] for row in self.rows[-num_steps:]]
        return sum(recent) / len(recent) if recent else math.nan

    def add(self, step: int, loss: float, lr: float) -> None:
        """Adds a finished step (counted from 1)."""
        self.rows.append({"step": step, "loss": loss, "lr": lr})

    def restore(self) -> None:
        """Writes again what an earlier, killed process of this run had written."""
        if self.rows:
            self.write_loss_curve()
        for sheet in sorted(self._scratch_samples.glob("*.png")):
            self._samples.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(sheet, self._samples / sheet.name)

    def write_loss_curve(self) -> None:
        """CSV with `LOSS_COLUMNS`."""
        write_sealed(self._loss_curve, _csv(self.rows, LOSS_COLUMNS))

    def write_validation_curve(self, rows: list[dict[str, float]]) -> None:
        """CSV with `VALIDATION_COLUMNS` of `Validation.rows`; nothing but their names without validation."""
        files.write_atomic(self._validation_curve, _csv(rows, VALIDATION_COLUMNS))

    def write_samples(self, pipeline: "DNAFPipeline", step: int, seed: int) -> images.Pixels:
        """Writes and gives a sheet of pairs: a row each, columns pose, source, target, generated."""
        table = self._pairs.pairs[["source", "target"]]
        chosen = images.evenly_spaced(len(table), _NUM_SAMPLES)
        rows = [(str(source), str(target)) for source, target in table.iloc[chosen].to_numpy()]
        sources = [Image.fromarray(self._pairs.pixels(source)) for source, _ in rows]
        source_pose_maps = torch.stack([self._pairs.pose_map(source) for source, _ in rows])
        pose_maps = torch.stack([self._pairs.pose_map(target) for _, target in rows])
        pipeline.set_progress_bar_config(disable=True)
        generated = pipeline(
            style=sources,
            style_pose_map=source_pose_maps,
            pose_map=pose_maps,
            num_inference_steps=_INFERENCE_STEPS[pipeline.scheduler.config.prediction_type],
            generator=torch.Generator().manual_seed(seeds.seed(seed, "samples")),
            output_type="pt",
        ).images
        sheet = images.sheet(
            [
                [
                    self._pairs.pose_map_image(target),
                    self._pairs.pixels(source),
                    self._pairs.pixels(target),
                    to_pixels(result),
                ]
                for (source, target), result in zip(rows, generated, strict=True)
            ],
            _ENLARGE,
        )
        for folder in (self._scratch_samples, self._samples):
            files.write_atomic(folder / f"step-{step:09d}.png", images.encode_png(sheet))
        return sheet


def _csv(rows: list[dict[str, float]], columns: list[str]) -> str:
    return pd.DataFrame(rows, columns=columns).to_csv(index=False, float_format="%.6g", lineterminator="\n")

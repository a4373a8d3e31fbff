"""Counted FLOPs of one generated image: the naive way of sampling DNAF against the pipeline's, step by step.

    python -m benchmarks.flops

Stable Diffusion 1.5's own configuration, Swin-B at half the image's size, on PyTorch's meta device: every
operator of this package's code is called and counted, nothing is computed. Prints a Markdown table for each
size; a minute or two. FLOPs are 2 a multiply-add; what is counted includes encoding and decoding.

The naive way is what the method's description says, taken literally: at every step and for each branch of
guidance, the whole training-time forward of one pair, which encodes its pose, style and prompt and runs the
style pass. Rows down to the star compute the same image, to rounding; `tests/benchmarks/test_flops.py` holds
them to 1e-5.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from diffusers import UNet2DConditionModel
from diffusers.image_processor import VaeImageProcessor

from benchmarks.device import count_flops
from benchmarks.random_model import stable_diffusion
from dnaf.model.denoiser import DNAFDenoiser
from dnaf.model.schedulers import make_scheduler, training_schedule
from dnaf.pipeline import DNAFPipeline, assemble

SIZES = ((512, 352), (256, 176))
CALLS, FAST_CALLS = 50, 20
HALF = (0.25, 0.75)  # of the model calls, where the fast setting guides
GROUP = (11, 30)  # sources and poses: DeepFashion's 8,570 pairs have 3,144 sources, 2.73 poses each
GUIDANCE = 2.0

# (noisy latent, noisy style latent, timestep) -> (prediction without style, with it)
Branches = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]
Way = Callable[[DNAFDenoiser, "Batch"], Branches]


@dataclass
class Batch:
    """What is sampled: S styles with pose maps and noise, T targets with theirs, `style_index` between."""

    style: torch.Tensor
    style_pose_map: torch.Tensor
    pose_map: torch.Tensor
    style_index: torch.Tensor
    noise: torch.Tensor
    style_noise: torch.Tensor

    def separate(self) -> "Batch":
        """The same pairs, each with a style row of its own."""
        style_index = self.style_index.to(self.noise.device)
        return Batch(
            self.style[style_index],
            self.style_pose_map[style_index],
            self.pose_map,
            torch.arange(len(self.pose_map)),
            self.noise,
            self.style_noise[style_index],
        )


def random_batch(pipeline: DNAFPipeline, size: tuple[int, int], num_styles: int, num_targets: int) -> Batch:
    """Random inputs on the pipeline's device; poses are dealt to the styles in turn."""
    device, channels = pipeline.device, pipeline.adapter.config.pose_channels
    latent = (
        pipeline.autoencoder.latent_channels,
        *(side // pipeline.autoencoder.downscale for side in size),
    )
    return Batch(
        torch.rand(num_styles, 3, *size, device=device) * 2 - 1,
        torch.rand(num_styles, channels, *size, device=device),
        torch.rand(num_targets, channels, *size, device=device),
        torch.arange(num_targets) % num_styles,
        torch.randn(num_targets, *latent, device=device),
        torch.randn(num_styles, *latent, device=device),
    )


@torch.no_grad()
def sample_plainly(pipeline: DNAFPipeline, batch: Batch, num_calls: int, way: Way) -> torch.Tensor:
    """Samples every pair with a style pass of its own, with guidance at every step."""
    pairs = batch.separate()
    scheduler, schedule = pipeline.scheduler, training_schedule(pipeline.scheduler)
    branches = way(pipeline.denoiser, pairs)
    style_latent = pipeline.autoencoder.encode(pairs.style)
    latent = pairs.noise * scheduler.init_noise_sigma
    scheduler.set_timesteps(num_calls)
    for timestep in scheduler.timesteps:
        level = timestep.expand(len(latent))
        noisy_style = schedule.add_noise(style_latent, pairs.style_noise, level)
        noisy = scheduler.scale_model_input(latent, timestep)
        without, with_style = branches(noisy, noisy_style, level.to(latent.device))
        prediction = without + GUIDANCE * (with_style - without)
        latent = scheduler.step(prediction.float(), timestep, latent, return_dict=False)[0]
    return pipeline.autoencoder.decode(latent).clamp(-1, 1)


def naive(denoiser: DNAFDenoiser, pairs: Batch) -> Branches:
    """The training-time forward of the pairs, once for each branch."""

    def branch(kept: bool, *latents: torch.Tensor) -> torch.Tensor:
        keep = torch.full((len(pairs.pose_map),), kept, device=pairs.noise.device)
        return denoiser(*latents, pairs.style, pairs.style_pose_map, pairs.pose_map, keep, style_grad=True)

    return lambda *latents: (branch(False, *latents), branch(True, *latents))


def encoded_once(denoiser: DNAFDenoiser, pairs: Batch) -> Branches:
    """As `naive`, but what does not change from step to step is computed once."""
    encoded = denoiser.encode(pairs.style, pairs.style_pose_map, pairs.pose_map)
    style_index = pairs.style_index.to(pairs.noise.device)

    def branch(kept: bool, *latents: torch.Tensor) -> torch.Tensor:
        return denoiser.denoise(
            *latents, encoded, style_index, torch.full_like(style_index, kept, dtype=torch.bool)
        )

    return lambda *latents: (branch(False, *latents), branch(True, *latents))


def style_pass_shared(denoiser: DNAFDenoiser, pairs: Batch) -> Branches:
    """As `encoded_once`, with both branches in one call: rows [styles | dropped targets | targets]."""
    encoded = denoiser.encode(pairs.style, pairs.style_pose_map, pairs.pose_map).repeat_targets(2)
    style_index = pairs.style_index.to(pairs.noise.device).repeat(2)
    keep = torch.arange(len(style_index), device=style_index.device) >= len(pairs.pose_map)

    def branches(
        noisy: torch.Tensor, noisy_style: torch.Tensor, timestep: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        both = noisy.repeat(2, 1, 1, 1)
        without, with_style = denoiser.denoise(
            both, noisy_style, timestep[0], encoded, style_index, keep
        ).chunk(2)
        return without, with_style

    return branches


WAYS = {
    "naive: style pass and target for each branch, at every step": naive,
    "+ pose, style and prompt features once": encoded_once,
    "+ style pass shared by both branches (S+2D)": style_pass_shared,
}


def ours(
    pipeline: DNAFPipeline, batch: Batch, num_calls: int, interval: tuple[float, float] = (0.0, 1.0)
) -> torch.Tensor:
    """The pipeline's own call, for the whole batch at once."""
    images: torch.Tensor = pipeline(
        style=VaeImageProcessor.denormalize(batch.style),
        style_pose_map=batch.style_pose_map,
        pose_map=batch.pose_map,
        style_index=batch.style_index,
        num_inference_steps=num_calls,
        guidance_scale=GUIDANCE,
        guidance_interval=interval,
        latents=batch.noise,
        style_noise=batch.style_noise,
        output_type="pt",
    ).images
    return VaeImageProcessor.normalize(images)


def plain_stable_diffusion(unet: UNet2DConditionModel, batch: Batch, num_calls: int) -> None:
    """The UNet alone, with guidance: rows [unconditional | conditional]."""
    prompt = torch.empty(2, 77, unet.config.cross_attention_dim, device=batch.noise.device)
    timestep = torch.zeros((), device=batch.noise.device)
    for _ in range(num_calls):
        unet(batch.noise[:1].repeat(2, 1, 1, 1), timestep, prompt)


@dataclass(frozen=True)
class Row:
    """A line of the table: FLOPs of one model call and of a whole image."""

    name: str
    num_calls: int
    per_call: float
    per_image: float


def count(
    name: str, num_calls: int, sampled: Callable[[int], object], num_images: int = 1, fewest: int = 1
) -> Row:
    """Counts `sampled(calls)` for few calls; all calls of a setting, or all pairs of calls, cost the same."""
    few, more = (count_flops(lambda calls=calls: sampled(calls)) for calls in (fewest, 2 * fewest))
    per_call = (more - few) / fewest
    once = few - fewest * per_call
    return Row(name, num_calls, per_call / num_images, (once + num_calls * per_call) / num_images)


@torch.no_grad()
def ladder(pipeline: DNAFPipeline, size: tuple[int, int]) -> tuple[float, list[Row]]:
    """FLOPs of one row of the plain UNet, and the table's lines."""
    pair, group = random_batch(pipeline, size, 1, 1), random_batch(pipeline, size, *GROUP)
    plain = count_flops(lambda: plain_stable_diffusion(pipeline.unet, pair, 1)) / 2
    rows = [
        count(name, CALLS, lambda calls, way=way: sample_plainly(pipeline, pair, calls, way))
        for name, way in WAYS.items()
    ]
    poses = f"{GROUP[1] / GROUP[0]:.2f} poses"
    rows.append(
        count("+ unguided branch without style (S+U+D)", CALLS, lambda calls: ours(pipeline, pair, calls))
    )
    rows.append(
        count(f"+ style pass shared by {poses}", CALLS, lambda calls: ours(pipeline, group, calls), GROUP[1])
    )
    half = [
        ("+ guidance on half of the calls *", CALLS, "ddim"),
        (f"+ {FAST_CALLS} calls of DPM++ *", FAST_CALLS, "dpm++"),
    ]
    scheduler = pipeline.scheduler
    for name, calls, chosen in half:
        pipeline.scheduler = make_scheduler(chosen, scheduler)
        rows.append(count(name, calls, lambda n: ours(pipeline, group, n, HALF), GROUP[1], fewest=2))
    pipeline.scheduler = scheduler
    return plain, rows


def main() -> None:
    pipeline = assemble(stable_diffusion(torch.device("meta")))
    pipeline.set_progress_bar_config(disable=True)
    for size in SIZES:
        plain, rows = ladder(pipeline, size)
        print(f"\n{size[0]}x{size[1]}, U = {plain / 1e9:.0f} GFLOP, one row of the plain UNet\n")
        print("| way | GFLOP a model call, per image (U) | model calls | TFLOP an image | fewer than naive |")
        print("|---|---:|---:|---:|---:|")
        for row in rows:
            print(
                f"| {row.name} | {row.per_call / 1e9:,.0f} ({row.per_call / plain:.2f}) | {row.num_calls} | "
                f"{row.per_image / 1e12:.1f} | {rows[0].per_image / row.per_image:.2f} x |",
                flush=True,
            )
    print("\n\\* changes the image; all others compute the same one, to rounding")


if __name__ == "__main__":
    main()

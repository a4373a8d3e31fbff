"""The DNAF denoiser: an unmodified diffusers UNet, the adapter's weights, and how they meet."""

from dataclasses import dataclass, replace

import torch
from diffusers import UNet2DConditionModel
from diffusers.utils.accelerate_utils import apply_forward_hook
from torch import nn

from dnaf.model.conditioning.adapter import DNAFAdapter
from dnaf.model.conditioning.attachment import Attachment, attach
from dnaf.model.conditioning.noise_aware import Appearance, KeysValues, StyleContext, keys_values


@dataclass
class Encoded:
    """What does not depend on the timestep, computed once per image.

    Attributes:
        appearance: the appearance blocks with keys and values, by the path of their transformer.
        style_residuals: pose residuals of the styles' own poses; [] when the style branch gets no pose.
        residuals: pose residuals of the targets; [] without a pose adapter.
        prompt: keys and values of the fixed prompt, by the name of the UNet's cross-attentions.
    """

    appearance: dict[str, Appearance]
    style_residuals: list[torch.Tensor]
    residuals: list[torch.Tensor]
    prompt: dict[str, KeysValues]

    def repeat_targets(self, times: int) -> "Encoded":
        """The same styles with every target `times` times, in the order of `torch.Tensor.repeat`."""
        residuals = [residual.repeat(times, 1, 1, 1) for residual in self.residuals]
        return replace(self, residuals=residuals)


class DNAFDenoiser(nn.Module):
    """UNet, style encoder and adapter as the one module that is trained, compiled and wrapped for DDP.

    Rows of one UNet batch are [styles | unconditional | targets]; several targets may share one style row,
    and one target may have several.
    The style rows carry the style latent noised to the same timestep; their self-attention inputs are the
    noise-aware features. Unconditional rows are targets without style, for guidance.
    """

    def __init__(
        self,
        unet: UNet2DConditionModel,
        adapter: DNAFAdapter,
        style_encoder: nn.Module | None,
    ) -> None:
        super().__init__()
        self.unet = unet
        self.adapter = adapter
        self.style_encoder = style_encoder
        self._attachment: Attachment | None = None

    def encode(self, style: torch.Tensor, style_pose_map: torch.Tensor, pose_map: torch.Tensor) -> Encoded:
        """Style (S,3,H,W) in [-1,1], its own pose map (S,3,H,W) and the wanted ones (T,3,H,W) in [0,1].

        The UNet is plain until the first call, and again when the last denoiser that called it is deleted.

        Raises:
            BaseModelError: the UNet's attention processors are neither DNAF's nor diffusers' default.
        """
        if not torch.compiler.is_compiling():
            self._attachment = attach(self.unet)
        targets = self.adapter.encode_pose(pose_map)
        styles = self.adapter.encode_pose(style_pose_map) if self.adapter.config.style_pose else []
        maps = [] if self.style_encoder is None else self.style_encoder(style)
        appearance = self.adapter.encode_style(maps, styles)
        prompt = _prompt_keys_values(self.unet, self.adapter.prompt_embedding)
        return Encoded(appearance, styles, targets, prompt)

    def forward(
        self,
        noisy: torch.Tensor,
        noisy_style: torch.Tensor,
        timestep: torch.Tensor,
        style: torch.Tensor,
        style_pose_map: torch.Tensor,
        pose_map: torch.Tensor,
        keep: torch.Tensor,
        style_grad: bool,
        keep_pose: torch.Tensor | None = None,
        has_other: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """One training step's prediction, target i with style i; see `encode` and `denoise`.

        Args:
            keep_pose: (T,) bool; False: this target does not see its pose.
            has_other: (T,K-1) bool, which further styles each target has; style rows are then [T | T·(K-1)].
        """
        encoded = self.encode(style, style_pose_map, pose_map)
        if keep_pose is not None:
            encoded.residuals = [residual * keep_pose.view(-1, 1, 1, 1) for residual in encoded.residuals]
        style_index = torch.arange(len(noisy), device=noisy.device)
        if has_other is not None:
            others = torch.arange(len(noisy), len(noisy_style), device=noisy.device).view_as(has_other)
            style_index = torch.cat([style_index[:, None], others.where(has_other, -1)], 1)
        fewer = has_other is not None
        return self.denoise(noisy, noisy_style, timestep, encoded, style_index, keep, style_grad, fewer=fewer)

    def denoise(
        self,
        noisy: torch.Tensor,
        noisy_style: torch.Tensor,
        timestep: torch.Tensor,
        encoded: Encoded,
        style_index: torch.Tensor,
        keep: torch.Tensor | None = None,
        style_grad: bool = True,
        num_unconditional: int = 0,
        fewer: bool = False,
    ) -> torch.Tensor:
        """Predicts for the target rows what the scheduler's `prediction_type` says.

        Args:
            noisy: (P+T,C,h,w) latents at `timestep`: P unconditional rows, then the targets.
            noisy_style: (S,C,h,w) style latents at the `style_timestep` of their targets'.
            timestep: a scalar; or (T,), then P must be 0 and style rows in the order that `forward` has.
            encoded: from `encode`, its `residuals` for all rows of `noisy`.
            style_index: (T,) index of each target's style; or (T,K), of its styles, -1 where it has fewer.
            keep: (T,) bool; False: this target does not see its style.
            style_grad: False runs the style rows first, without gradients through them.
            num_unconditional: P, rows that see no style; cheaper than targets with `keep` False.
            fewer: whether there is a -1 in `style_index`, which only the caller knows without waiting.

        Returns:
            (P+T,C,h,w).
        """
        context = StyleContext(
            0,
            style_index,
            keep,
            encoded.appearance,
            share=self.adapter.config.noise_aware,
            style_tokens=self.adapter.config.style_tokens,
            num_unconditional=num_unconditional,
            prompt=encoded.prompt,
            fewer=fewer,
        )
        if context.share and style_grad:
            context.num_styles = len(noisy_style)
            return self._joint(noisy, noisy_style, timestep, encoded, context)
        if context.share:
            of_styles = self.style_timestep(_of_styles(timestep, len(noisy_style)))
            context.cache = self.record(noisy_style, of_styles, encoded)
        return self._unet(noisy, timestep, encoded.residuals, context)

    def style_timestep(self, timestep: torch.Tensor) -> torch.Tensor:
        """At which timestep the style is noised and seen, where its target is seen at this one."""
        return torch.zeros_like(timestep) if self.adapter.config.clean_style else timestep

    def denoise_recorded(
        self,
        noisy: torch.Tensor,
        timestep: torch.Tensor,
        encoded: Encoded,
        cache: dict[str, torch.Tensor] | None,
    ) -> torch.Tensor:
        """Predicts for targets (T,C,h,w), target i with style i, whatever pass `record` made the style's.

        Args:
            encoded: its `appearance` may lack blocks, or be empty; those add nothing then.
            cache: from `record`; None: without noise-aware features.
        """
        style_index = torch.arange(len(noisy), device=noisy.device)
        context = StyleContext(
            0,
            style_index,
            None,
            encoded.appearance,
            share=cache is not None,
            cache=cache,
            prompt=encoded.prompt,
        )
        return self._unet(noisy, timestep, encoded.residuals, context)

    @torch.no_grad()
    def record(
        self, noisy_style: torch.Tensor, timestep: torch.Tensor, encoded: Encoded
    ) -> dict[str, torch.Tensor]:
        """The style-only pass: inputs (S,N,C) of every self-attention layer, by layer name."""
        style_index = torch.arange(len(noisy_style), device=noisy_style.device)
        cache: dict[str, torch.Tensor] = {}
        context = StyleContext(
            0,
            style_index,
            appearance=encoded.appearance,
            style_tokens=self.adapter.config.style_tokens,
            prompt=encoded.prompt,
            cache=cache,
            recording=True,
        )
        self._unet(noisy_style, timestep, encoded.style_residuals, context)
        return cache

    def _joint(
        self,
        noisy: torch.Tensor,
        noisy_style: torch.Tensor,
        timestep: torch.Tensor,
        encoded: Encoded,
        context: StyleContext,
    ) -> torch.Tensor:
        num_styles, residuals = len(noisy_style), encoded.residuals
        style_residuals = encoded.style_residuals
        # One batch of S + P + T rows: a style attends to itself alone, a target to its style too.
        if timestep.ndim or self.adapter.config.clean_style:
            of_styles = self.style_timestep(_of_styles(timestep, num_styles))
            timestep = torch.cat([of_styles.expand(num_styles), timestep.expand(len(noisy))])
        if not style_residuals:
            style_residuals = [torch.zeros_like(r[:1]).expand(num_styles, -1, -1, -1) for r in residuals]
        both = [torch.cat(pair) for pair in zip(style_residuals, residuals, strict=True)]
        return self._unet(torch.cat([noisy_style, noisy]), timestep, both, context)[num_styles:]

    def _unet(
        self,
        sample: torch.Tensor,
        timestep: torch.Tensor,
        residuals: list[torch.Tensor],
        context: StyleContext,
    ) -> torch.Tensor:
        prediction: torch.Tensor = self.unet(
            sample,
            timestep,
            **self.adapter.prompt(sample),
            cross_attention_kwargs={"style": context},
            # A new list: diffusers empties the caller's.
            down_intrablock_additional_residuals=list(residuals) or None,
            return_dict=False,
        )[0]
        return prediction


def _of_styles(timestep: torch.Tensor, num_styles: int) -> torch.Tensor:
    """Timesteps (T,) of targets -> (S,), those of their styles, rows [T | T·(K-1)]; a scalar is all rows'."""
    num_others = num_styles // len(timestep) - 1 if timestep.ndim else 0
    return torch.cat([timestep, timestep.repeat_interleave(num_others)]) if num_others else timestep


# The decorator fetches a UNet that was offloaded: these layers run outside its forward.
@apply_forward_hook
def _prompt_keys_values(unet: UNet2DConditionModel, prompt: torch.Tensor) -> dict[str, KeysValues]:
    return {
        name: keys_values(unet.get_submodule(name.removesuffix(".processor")), prompt)
        for name, processor in unet.attn_processors.items()
        if not processor.is_self_attention
    }

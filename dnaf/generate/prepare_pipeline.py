"""A model ready to sample: its scheduler, its precision, its device."""

import torch

from dnaf.core import config
from dnaf.core.errors import ConfigError, one_line
from dnaf.model.schedulers import make_scheduler
from dnaf.pipeline import DNAFPipeline

_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


def prepare_pipeline(pipeline: DNAFPipeline, params: config.Generate, device: torch.device) -> DNAFPipeline:
    """The same with the scheduler and precision of `params`, on the device.

    Raises:
        ConfigError: the scheduler does not fit the model.
    """
    pipeline.scheduler = make_scheduler(params.scheduler, pipeline.scheduler)
    try:
        pipeline.scheduler.set_timesteps(params.num_inference_steps)
    except ValueError as error:
        raise ConfigError(
            f"params.yaml: generate.num_inference_steps: does not fit {params.scheduler} (found "
            f"{params.num_inference_steps}; {one_line(error)}). Change one of the two."
        ) from error
    if params.mixed_precision != "no":
        for component in (pipeline.unet, pipeline.style_encoder, pipeline.autoencoder):
            # What has no weights is exact arithmetic, and stays so.
            if component is not None and any(True for _ in component.parameters()):
                component.to(_DTYPES[params.mixed_precision])
    pipeline.set_progress_bar_config(disable=True)
    return pipeline.to(device)

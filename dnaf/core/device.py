"""Which device work runs on; stages ask here, everything else is told."""

import torch


def default_device() -> torch.device:
    """The accelerator of this machine if it has one, else the CPU."""
    if torch.accelerator.is_available():
        return torch.device(torch.accelerator.current_accelerator() or "cpu")
    return torch.device("cpu")

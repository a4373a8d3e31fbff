"""The weights files that metrics and model know: their names, addresses and checksums.

The checksums stand here and not in params.yaml, so that a metric's name cannot be given to other weights.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dnaf.core import commands
from dnaf.core.errors import DataError
from dnaf.core.files import digest


@dataclass(frozen=True)
class KnownWeights:
    """A published weights file.

    Attributes:
        name: its key in `WEIGHTS` and in the section `weights` of params.yaml.
        purpose: what it is for, in a few words.
        file: its name in `checkpoints/`.
        url: gives its address, as the library that publishes it has it; importing that takes seconds.
        digest: first hex digits of its sha256; None where none is published: then recorded, not checked.
    """

    name: str
    purpose: str
    file: str
    url: Callable[[], str]
    digest: str | None


def url_of(name: str) -> str:
    """The address of a file of `WEIGHTS`."""
    return WEIGHTS[name].url()


def check(known: KnownWeights, path: Path) -> str:
    """The sha256 of a file that should be these weights, as 64 hex digits.

    Raises:
        DataError: it cannot be read or is another version.
    """
    remedy = commands.stage("fetch_weights", known.name)
    try:
        found = digest(path)
    except OSError as error:
        raise DataError(
            f"{path}: could not be read ({error.strerror}). Run `{remedy}`, or put the weights there."
        ) from error
    if known.digest and not found.startswith(known.digest):
        raise DataError(
            f"{path}: not the expected weights (found sha256 {found[:16]}…, expected {known.digest}…). "
            f"Remove the file and run `{remedy}`."
        )
    return found


def _torchvision(weights: str) -> Callable[[], str]:
    def url() -> str:
        from torchvision.models import get_weight

        return str(get_weight(f"{weights}.IMAGENET1K_V1").url)

    return url


def _pytorch_fid() -> str:
    from pytorch_fid.inception import FID_WEIGHTS_URL

    return str(FID_WEIGHTS_URL)


def _timm(model: str) -> Callable[[], str]:
    def url() -> str:
        from huggingface_hub import hf_hub_url
        from timm.models import get_pretrained_cfg

        return hf_hub_url(get_pretrained_cfg(model).hf_hub_id, "model.safetensors")

    return url


WEIGHTS = {
    known.name: known
    for known in (
        # Digests: the libraries' own convention, first hex digits of the sha256 in the file's name.
        KnownWeights(
            "inception_imagenet",
            "FID as this field publishes it",
            "inception_v3_google-0cc3c7bd.pth",
            _torchvision("Inception_V3_Weights"),
            "0cc3c7bd",
        ),
        KnownWeights(
            "inception_fid",
            "FID and KID of pytorch-fid and most other fields",
            "pt_inception-2015-12-05-6726825d.pth",
            _pytorch_fid,
            "6726825d",
        ),
        KnownWeights(
            "alexnet",
            "LPIPS (alex)",
            "alexnet-owt-7be5be79.pth",
            _torchvision("AlexNet_Weights"),
            "7be5be79",
        ),
        KnownWeights("vgg16", "LPIPS (vgg)", "vgg16-397923af.pth", _torchvision("VGG16_Weights"), "397923af"),
        KnownWeights(
            "squeezenet1_1",
            "LPIPS (squeeze)",
            "squeezenet1_1-b8a52dc0.pth",
            _torchvision("SqueezeNet1_1_Weights"),
            "b8a52dc0",
        ),
        KnownWeights(
            "dinov2",
            "Frechet distance in DINOv2's features",
            "vit_large_patch14_dinov2.lvd142m.safetensors",
            _timm("vit_large_patch14_dinov2.lvd142m"),
            None,
        ),
        KnownWeights(
            "swin",
            "the model's style encoder",
            "swin_base_patch4_window7_224.ms_in22k_ft_in1k.safetensors",
            _timm("swin_base_patch4_window7_224.ms_in22k_ft_in1k"),
            None,
        ),
    )
}

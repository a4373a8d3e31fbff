"""Each protocol's numbers, computed once more in the plain way that its repository's script does it.

Written with Pillow, OpenCV, skimage, the lpips package, torchvision's Inception and scipy's matrix root
alone; nothing of `dnaf` but the random weights of the networks is used for the expected numbers. Batches are
made small, so that what a script drops is dropped here too.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import lpips
import numpy as np
import pytest
import scipy.linalg
import torch
from numpy.typing import NDArray
from PIL import Image as PilImage
from pytorch_fid import inception as pytorch_fid
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import nn
from torch.nn import functional

from dnaf.core import config, images
from dnaf.core.images import Pixels, Size
from dnaf.core.shards import Shards
from dnaf.data.store import ImageStore, write_store
from dnaf.evaluate.batch_networks import Networks, pair_networks
from dnaf.evaluate.networks.features import feature_networks
from dnaf.evaluate.networks.inception import build_network
from dnaf.evaluate.networks.weights import initialise
from dnaf.evaluate.protocols.protocol import Protocol
from dnaf.evaluate.protocols.registry import PROTOCOLS
from dnaf.evaluate.protocols.view import view_generated, view_real
from dnaf.evaluate.real_images import RealImages
from dnaf.evaluate.reference import read_reference, write_reference
from dnaf.evaluate.score import Extras, ReferenceData, Score, score
from dnaf.evaluate.submissions.find import TestPairs
from dnaf.evaluate.submissions.open import Results
from dnaf.weights.registry import WEIGHTS

SIZE = (256, 176)  # of the data set
ORIGINAL = (330, 226)
NUM_PAIRS, NUM_REAL, BATCH = 6, 9, 4
NO_WEIGHTS = dict.fromkeys(
    ("inception_imagenet", "inception_fid", "alexnet", "vgg16", "squeezenet1_1", "dinov2")
)
DATA = Path(__file__).resolve().parents[2] / "data"
CPU = Shards(0, 1, torch.device("cpu"))

Floats = NDArray[np.float64]
Prepare = Callable[[Pixels], NDArray[Any]]


def photograph(seed: int, size: Size) -> Pixels:
    """Something smooth with edges and some noise."""
    generator = np.random.default_rng(seed)
    blurred = cv2.GaussianBlur(generator.normal(size=(*size, 3)), (0, 0), 9)
    image = cv2.normalize(blurred, None, 0, 255, cv2.NORM_MINMAX)
    image[size[0] // 3 :, size[1] // 2 :] += 60
    return np.clip(image + generator.normal(0, 4, image.shape), 0, 255).astype(np.uint8)


STEMS = [f"fashionWOMENDressesid{item:08d}01_1front" for item in range(NUM_REAL + NUM_PAIRS)]
ORIGINALS = {stem: photograph(seed, ORIGINAL) for seed, stem in enumerate(STEMS)}
TRAIN, TEST = STEMS[:NUM_REAL], STEMS[NUM_REAL:]
PAIRS = list(zip(TEST, TEST[1:] + TEST[:1], strict=True))
# As this field's methods generate them: square.
GENERATED = {pair: photograph(100 + number, (256, 256)) for number, pair in enumerate(PAIRS)}


SQUARE, CROPPED, LARGE = (256, 256), (256, 176), (512, 352)
LINEAR, CUBIC = cv2.INTER_LINEAR, cv2.INTER_CUBIC


def pil(size: Size, how: PilImage.Resampling = PilImage.Resampling.BICUBIC) -> Prepare:
    return lambda image: np.asarray(PilImage.fromarray(image).resize(size[::-1], how), np.float32)


def cv(size: Size, interpolation: int) -> Prepare:
    return lambda image: cv2.resize(image.astype(np.float32), size[::-1], interpolation=interpolation)


def linear_uint8(image: Pixels) -> NDArray[Any]:
    return cv2.resize(image, CROPPED[::-1]).astype(np.float32)


def torch_floor(size: Size) -> Prepare:
    def prepare(image: Pixels) -> NDArray[Any]:
        batch = torch.from_numpy(image).permute(2, 0, 1)[None] / 255
        resized = functional.interpolate(batch, size, mode="bicubic", antialias=True)
        levels: NDArray[np.uint8] = (resized * 255).clamp(0, 255).byte()[0].permute(1, 2, 0).numpy()
        return levels.astype(np.float32)

    return prepare


def white(prepare: Prepare) -> Prepare:
    return lambda image: np.pad(prepare(image), ((0, 0), (40, 40), (0, 0)), constant_values=255)


def then(first: Prepare, second: Prepare) -> Prepare:
    return lambda image: second(first(image))


def same(image: Pixels) -> NDArray[Any]:
    return image.astype(np.float32)


# Ground truth and generated image as pixels are compared, then as networks see them.
PREPARE: dict[str, tuple[Prepare, Prepare, Prepare, Prepare]] = {
    "gfla": (pil(SQUARE), same, pil(SQUARE), same),
    "pocold": (pil(CROPPED),) * 4,
    "patn": (white(pil(CROPPED)), white(pil(CROPPED)), same, same),
    "dptn": (white(pil(CROPPED)), white(linear_uint8), pil(CROPPED), linear_uint8),
    "pidm": (pil(SQUARE), same, then(pil(SQUARE), cv(CROPPED, LINEAR)), cv(CROPPED, LINEAR)),
    "pcdms": (then(pil(SQUARE), cv(CROPPED, CUBIC)), cv(CROPPED, CUBIC)) * 2,
    "pcdms512": (then(pil((512, 512)), cv(LARGE, CUBIC)), cv(LARGE, CUBIC)) * 2,
    "cfld": (pil(CROPPED), torch_floor(CROPPED), pil(CROPPED), torch_floor(CROPPED)),
    "cfld256": (pil(CROPPED), torch_floor(CROPPED)) * 2,
    "cfld512": (pil(LARGE), torch_floor(LARGE)) * 2,
    "fpdm": (pil(CROPPED),) * 4,
    "leffa": (pil(CROPPED, PilImage.Resampling.LANCZOS),) * 4,
    "pytorch_fid": (pil(CROPPED),) * 4,
}
SIGMA = {"pidm": 1.2, "pcdms": 1.2, "pcdms512": 1.2}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("protocols")
    with write_store(folder / "images.zip", {}) as store:
        for stem, image in ORIGINALS.items():
            store.add(f"{stem}.jpg", images.encode_png(image))
    with write_store(folder / "prepared.zip", {}) as store:
        for stem, image in ORIGINALS.items():
            store.add_image(f"{stem}.png", images.resize(image, SIZE))
    return folder


def small_batches(protocol: Protocol) -> Protocol:
    return replace(
        protocol,
        fid_batch=protocol.fid_batch and BATCH,
        lpips_batch=protocol.lpips_batch and BATCH,
    )


def ours(folder: Path, protocol: Protocol) -> Score:
    """The numbers of this package, through the same functions that its stages call."""
    real = RealImages(ImageStore(folder / "images.zip"), ImageStore(folder / "prepared.zip"), SIZE)
    features = feature_networks(protocol, NO_WEIGHTS, DATA, CPU.device)
    params = config.Reference(max_images=None, batch_size=5)
    place = folder / protocol.name
    write_reference(place, protocol, real, TRAIN, features, params, CPU)
    sets, info = read_reference(place, protocol)
    results = Results(place, GENERATED.__getitem__, "{0[0]} {0[1]}".format, None, True, {"file_type": "png"})
    test = TestPairs(PAIRS, [source for source, _ in PAIRS], "")
    networks = Networks(features, pair_networks(protocol, NO_WEIGHTS, CPU.device))
    evaluate = config.Evaluate(batch_size=3, num_bootstrap=10)
    scored = score(
        results, test, ReferenceData(real, sets, info), Extras(), protocol, networks, evaluate, 0, CPU
    )
    assert scored is not None
    return scored


def plain_pixels(name: str, real: NDArray[Any], generated: NDArray[Any]) -> dict[str, float]:
    """As GFLA's Reconstruction_Metrics, in float64."""
    real, generated = real.astype(np.float64), generated.astype(np.float64)
    data_range = 255 if name in ("leffa", "pytorch_fid") else generated.max() - generated.min()
    metrics = {
        "ssim_gaussian": structural_similarity(
            real,
            generated,
            gaussian_weights=True,
            sigma=SIGMA.get(name, 1.5),
            use_sample_covariance=False,
            channel_axis=2,
            data_range=data_range,
        ),
        "psnr": peak_signal_noise_ratio(real / 255, generated / 255, data_range=1),
        "l1": np.abs(real / 255 - generated / 255).mean(),
        "mae": np.abs(real - generated).sum() / (real + generated).sum(),
    }
    if name == "leffa":
        metrics["ssim_reflected"] = plain_torchmetrics_ssim(real / 255, generated / 255)
    if name not in ("patn", "leffa", "pytorch_fid"):
        metrics["ssim"] = structural_similarity(
            real / 255, generated / 255, win_size=51, data_range=1, channel_axis=2
        )
    return metrics


def plain_torchmetrics_ssim(real: Floats, generated: Floats) -> float:
    """torchmetrics' StructuralSimilarityIndexMeasure(data_range=1), without its package, in float64."""
    coordinates = torch.arange(-5, 6, dtype=torch.float64)
    row = torch.exp(-((coordinates / 1.5) ** 2) / 2)
    kernel = torch.outer(row / row.sum(), row / row.sum()).expand(3, 1, 11, 11)
    x, y = (torch.from_numpy(image).permute(2, 0, 1)[None] for image in (generated, real))
    x, y = (functional.pad(image, (5, 5, 5, 5), mode="reflect") for image in (x, y))
    x_mean, y_mean, xx, yy, xy = (
        functional.conv2d(each, kernel, groups=3) for each in (x, y, x * x, y * y, x * y)
    )
    upper = (2 * x_mean * y_mean + 0.01**2) * (2 * (xy - x_mean * y_mean) + 0.03**2)
    lower = (x_mean**2 + y_mean**2 + 0.01**2) * (xx - x_mean**2 + yy - y_mean**2 + 0.03**2)
    return float((upper / lower).mean())


def chw(image: NDArray[Any]) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float()


def plain_lpips(net: str, trunk: str) -> Callable[[NDArray[Any], NDArray[Any], bool], float]:
    """The package's own module; only its trunk, which it would download, comes from elsewhere."""
    import torchvision

    network = lpips.LPIPS(net=net, pnet_rand=True, verbose=False).eval()
    weights = getattr(torchvision.models, trunk)(weights=None)
    if net == "vgg":
        del weights.classifier
    initialise(weights, WEIGHTS[trunk], None)
    state = weights.features.state_dict()
    network.net.load_state_dict({k: state[k.partition(".")[2]] for k in network.net.state_dict()})

    def distance(real: NDArray[Any], generated: NDArray[Any], scaled: bool) -> float:
        first, second = (chw(image) / 255 for image in (real, generated))
        with torch.no_grad():
            return float(network(first, second, normalize=scaled))

    return distance


def plain_inception(name: str) -> Callable[[NDArray[Any]], NDArray[np.float32]]:
    """Block after block, with batch norms, and the input that the repositories wrote."""
    family = "fid" if name == "pytorch_fid" else "imagenet"
    network = build_network(family)
    initialise(network, WEIGHTS[f"inception_{family}"], None)
    network.eval().fc = nn.Identity()
    assert isinstance(network.Mixed_7c, pytorch_fid.FIDInceptionE_2) == (name == "pytorch_fid")

    def features(image: NDArray[Any]) -> NDArray[np.float32]:
        x = functional.interpolate(chw(image) / 255, size=(299, 299), mode="bilinear", align_corners=False)
        if name == "pytorch_fid":
            x = 2 * x - 1
        else:
            x[:, 0] = x[:, 0] * (0.229 / 0.5) + (0.485 - 0.5) / 0.5
            x[:, 1] = x[:, 1] * (0.224 / 0.5) + (0.456 - 0.5) / 0.5
            x[:, 2] = x[:, 2] * (0.225 / 0.5) + (0.406 - 0.5) / 0.5
        with torch.no_grad():
            return network(x)[0].numpy()

    return features


def plain_fid(real: Floats, generated: Floats) -> float:
    """pytorch-fid's formula. The root is taken in the span of the images, where it is not singular."""
    basis = np.linalg.svd(np.concatenate([real - real.mean(0), generated - generated.mean(0)]).T)[0]
    basis = basis[:, : len(real) + len(generated) - 2]
    covariances = [np.cov(rows @ basis, rowvar=False) for rows in (real, generated)]
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1]).real
    difference = real.mean(0) - generated.mean(0)
    return float(difference @ difference + sum(map(np.trace, covariances)) - 2 * np.trace(root))


def plain_kid(real: Floats, generated: Floats) -> float:
    """Binkowski et al. 2018, all pairs of different images."""

    def kernel(first: Floats, second: Floats) -> Floats:
        return (first @ second.T / first.shape[1] + 1) ** 3

    def mean_of_others(rows: Floats) -> float:
        values = kernel(rows, rows)
        return float((values.sum() - np.trace(values)) / (len(rows) * (len(rows) - 1)))

    return mean_of_others(real) + mean_of_others(generated) - 2 * float(kernel(real, generated).mean())


@pytest.mark.parametrize("name", PREPARE)
def test_pixel_metrics_of_each_pair_are_those_of_skimage(name: str, folder: Path) -> None:
    scored = ours(folder, replace(PROTOCOLS[name], networks=None, fid_network=None, lpips_nets=()))
    real, generated, _, _ = PREPARE[name]
    assert "fid_random" not in scored.metrics
    for row, pair in zip(scored.table.to_dict("records"), PAIRS, strict=True):
        expected = plain_pixels(name, real(ORIGINALS[pair[1]]), generated(GENERATED[pair]))
        assert row.keys() == {"source", "target", *expected}
        for metric, value in expected.items():
            assert row[metric] == pytest.approx(value, abs=1e-6), (metric, pair)


@pytest.mark.parametrize("name", PREPARE)
def test_images_are_those_that_the_plain_script_compares(name: str) -> None:
    protocol, pair = PROTOCOLS[name], PAIRS[0]
    for view, (real, generated) in zip(
        (protocol.pixels, protocol.networks), (PREPARE[name][:2], PREPARE[name][2:]), strict=True
    ):
        if view is not None:
            original, image = ORIGINALS[pair[1]], GENERATED[pair]
            np.testing.assert_array_equal(view_real(original, view, SIZE), real(original))
            np.testing.assert_array_equal(view_generated(image, view, SIZE), generated(image))


# What these do with images is what another protocol does, of another size.
SAME_NETWORKS = ("pocold", "pcdms512", "cfld256", "cfld512", "fpdm", "leffa")


@pytest.mark.parametrize("name", [name for name in PREPARE if name not in ("patn", *SAME_NETWORKS)])
def test_network_metrics_are_those_of_the_plain_script(name: str, folder: Path) -> None:
    protocol = small_batches(PROTOCOLS[name])
    metrics = ours(folder, protocol).metrics
    _, _, real, generated = PREPARE[name]

    num_fid = NUM_PAIRS - NUM_PAIRS % BATCH if protocol.fid_batch else NUM_PAIRS
    num_real = NUM_REAL - NUM_REAL % BATCH if protocol.fid_batch else NUM_REAL
    features = plain_inception(name)
    real_rows = np.stack([features(real(ORIGINALS[stem])) for stem in TRAIN[:num_real]]).astype(np.float64)
    rows = np.stack([features(generated(GENERATED[p])) for p in PAIRS[:num_fid]]).astype(np.float64)
    assert metrics["fid_random"] == pytest.approx(plain_fid(real_rows, rows), rel=2e-4)
    assert metrics["kid_random"] == pytest.approx(plain_kid(real_rows, rows), rel=2e-4)

    num_lpips = NUM_PAIRS - NUM_PAIRS % BATCH if protocol.lpips_batch else NUM_PAIRS
    nets = {"lpips_random": ("alex", "alexnet")}
    if name == "pytorch_fid":
        nets |= {"lpips_vgg_random": ("vgg", "vgg16"), "lpips_squeeze_random": ("squeeze", "squeezenet1_1")}
    for metric, (net, trunk) in nets.items():
        distance = plain_lpips(net, trunk)
        values = [
            distance(real(ORIGINALS[pair[1]]), generated(GENERATED[pair]), name != "pcdms")
            for pair in PAIRS[:num_lpips]
        ]
        assert metrics[metric] == pytest.approx(np.mean(values), abs=1e-6), metric
    block = metrics["protocol"]
    dropped = {"fid": NUM_PAIRS - num_fid, "lpips": NUM_PAIRS - num_lpips}
    assert block["dropped"] == {key: number for key, number in dropped.items() if number}
    assert block["real_set"]["count"] == num_real


def test_the_published_protocols_drop_what_their_scripts_drop() -> None:
    batches = {name: (p.fid_batch, p.lpips_batch, p.lpips_masked_batch) for name, p in PROTOCOLS.items()}
    assert batches == {
        "gfla": (64, 64, 64),
        "pocold": (64, 64, 64),
        "patn": (None, None, None),
        "dptn": (64, None, 64),
        "pidm": (64, 64, 64),
        "pcdms": (128, 64, 64),
        "pcdms512": (128, 64, 64),
        "cfld": (None, None, None),
        "cfld256": (None, None, None),
        "cfld512": (None, None, None),
        "fpdm": (None, 10, 64),
        "leffa": (None, None, None),
        "pytorch_fid": (None, None, None),
    }

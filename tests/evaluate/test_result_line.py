from typing import Any

from dnaf.evaluate.result_line import result_line

NUMBERS: dict[str, float] = {
    "fid_random": 0.030584,
    "fid_random_low": 0.01,
    "fid_random_high": 0.05,
    "kid_random": 3.6e-05,
    "ssim_gaussian": 0.6317918,
    "psnr": 17.7,
    "lpips": 0.2,
    "num_pairs": 8570,
    "num_expected": 8570,
}


def metrics(**results: str) -> dict[str, Any]:
    return {**NUMBERS, "protocol": {"image_size": "64x48", "results": {"file_type": "png", **results}}}


def test_the_main_numbers_are_told_under_their_names_without_intervals() -> None:
    assert result_line(metrics()) == (
        "fid_random 0.03058, ssim_gaussian 0.6318, lpips 0.2; 8,570 of 8,570 pairs"
    )


def test_of_published_images_names_and_resizing_are_told() -> None:
    line = result_line(metrics(naming="<source>_2_<target>_vis.png", image_size="256x176"))
    assert line.endswith(
        "; 8,570 of 8,570 pairs, names <source>_2_<target>_vis.png, 256x176 resized to 64x48"
    )
    assert result_line(metrics(naming="a.png", image_size="64x48")).endswith(" pairs, names a.png, 64x48")

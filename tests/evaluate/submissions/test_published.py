import os
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from dnaf.core import images
from dnaf.core.errors import DataError
from dnaf.core.images import Pixels
from dnaf.data.demo.encrypted_zip import write_encrypted_zip
from dnaf.evaluate.submissions.method_card import Panels
from dnaf.evaluate.submissions.published import Layout, PublishedImages, digest_of, find_images
from dnaf.evaluate.submissions.result_names import ResultNames
from tests.helpers.evaluation_project import random_image
from tests.helpers.published_results import encode, pad, strip, write_folder, write_zip

STEMS = [f"fashionWOMENDressesid{item:08d}01_{view}" for item in (1, 2) for view in ("1front", "3back")]
PAIRS = [(STEMS[0], STEMS[1]), (STEMS[1], STEMS[0]), (STEMS[2], STEMS[3])]
SIZE = (64, 48)
ALONE = Layout("<source>_2_<target>.png", None, None, 0, SIZE)
NAMES = ResultNames("deepfashion", PAIRS)


def of(pair: tuple[str, str]) -> Pixels:
    return random_image("generated " + "".join(pair))


def complete(form: str = "{}_2_{}.png") -> dict[str, bytes]:
    return {form.format(*pair): encode(of(pair), form) for pair in PAIRS}


def published(*paths: Path, layout: Layout = ALONE) -> PublishedImages:
    return PublishedImages(paths[0].parent, find_images(paths, layout, NAMES, PAIRS), layout, PAIRS)


def write(root: Path, kind: str, files: Mapping[str, bytes]) -> list[Path]:
    """One zip, one folder, a zip in a folder, or images that lie in the method's folder themselves."""
    if kind == "zip":
        write_zip(root / "results.zip", files)
    elif kind == "folder":
        write_folder(root / "results/deep/er", files)
    elif kind == "zip in a folder":
        write_zip(root / "results/deep/er.zip", files)
    else:
        write_folder(root, files)
    return sorted(root.iterdir())


@pytest.mark.parametrize("kind", ["zip", "folder", "zip in a folder", "files"])
def test_every_pair_has_its_image_wherever_it_lies(tmp_path: Path, kind: str) -> None:
    found = published(*write(tmp_path, kind, complete()))
    for pair in PAIRS:
        assert np.array_equal(found.generated(pair), of(pair))
        assert found.ground_truth(pair) is None


def test_nothing_is_written_beside_the_results(tmp_path: Path) -> None:
    paths = write(tmp_path, "zip", complete())
    found = published(*paths)
    found.generated(PAIRS[0])
    assert sorted(tmp_path.rglob("*")) == paths


@pytest.mark.parametrize(("count", "generated"), [(3, 2), (5, 4), (7, 6), (10, 3), (11, 10)])
def test_panels_are_cut_out_of_strips(tmp_path: Path, count: int, generated: int) -> None:
    layout = Layout(
        "<source>_2_<target>.png", Panels(count=count, ground_truth=1, generated=generated), None, 0, SIZE
    )
    files = {}
    for pair in PAIRS:
        panels = [random_image(f"panel {index}") for index in range(count)]
        panels[1], panels[generated] = random_image(pair[1]), of(pair)
        files["{}.jpg___{}.jpg_vis.png".format(*pair)] = encode(strip(panels), ".png")
    found = published(*write(tmp_path, "zip", files), layout=layout)
    for pair in PAIRS:
        assert np.array_equal(found.generated(pair), of(pair))
        assert np.array_equal(found.ground_truth(pair), random_image(pair[1]))


def test_a_margin_is_cut_off_both_sides(tmp_path: Path) -> None:
    files = {"{}_{}_vis.png".format(*pair): encode(pad(of(pair), 40), ".png") for pair in PAIRS}
    found = published(*write(tmp_path, "zip", files), layout=Layout("", None, None, 40, SIZE))
    assert np.array_equal(found.generated(PAIRS[0]), of(PAIRS[0]))


def test_of_several_sizes_in_folders_the_chosen_one_is_read(tmp_path: Path) -> None:
    files = {f"512/{name}": encode(random_image("large"), ".png") for name in complete()}
    files |= {f"256/{name}": data for name, data in complete().items()}
    found = published(*write(tmp_path, "zip", files), layout=Layout("", None, "256", 0, SIZE))
    assert np.array_equal(found.generated(PAIRS[0]), of(PAIRS[0]))


def test_what_systems_leave_behind_and_tables_are_passed_over(tmp_path: Path) -> None:
    name = next(iter(complete()))
    files = complete() | {
        f"__MACOSX/._{name}": b"x",
        ".DS_Store": b"x",
        "a/Thumbs.db": b"x",
        "statistics.npz": b"x",
    }
    for kind in ("zip", "folder"):
        coverage = find_images(write(tmp_path / kind, kind, files), ALONE, NAMES, PAIRS)
        assert (len(coverage.places), coverage.unknown, coverage.num_others) == (3, [], 1)
        assert coverage.num_left_by_systems == 3


def test_coverage_tells_types_missing_unknown_and_duplicate(tmp_path: Path) -> None:
    files = complete("{}_2_{}_vis.jpg")
    first, second, third = files
    del files[third]
    files |= {"a/" + first: files[first], "nobody.png": files[second]}
    coverage = find_images(write(tmp_path, "zip", files), ALONE, NAMES, PAIRS)
    assert coverage.missing == [PAIRS[2]]
    assert coverage.file_types == {"jpg": 2}
    assert [len(coverage.unknown), len(coverage.duplicate)] == [1, 1]


@pytest.mark.parametrize("kind", ["zip", "folder", "files"])
@pytest.mark.parametrize("index", range(3))
@pytest.mark.parametrize("fault", ["missing", "twice", "of another pair", "of another type"])
def test_a_set_that_is_not_exact_is_refused_with_name_and_counts(
    tmp_path: Path, kind: str, index: int, fault: str
) -> None:
    files = complete()
    name = list(files)[index]
    if fault == "missing":
        del files[name]
        reason = r"is missing \(1 such; found 2 of 3 pairs\)"
    elif fault == "twice":
        files[name.replace("_2_", "_to_")] = files[name]
        reason = r"another image of the same pair .*\(1 such; found 3 of 3 pairs\)"
    elif fault == "of another pair":
        files[f"{STEMS[0]}_2_{STEMS[3]}.png"] = files[name]
        reason = r"shows no test pair by its name \(1 such images; found 3 of 3 pairs, expected names like <s"
    else:
        files[name.replace(".png", ".jpg")] = encode(random_image(name), ".jpg")
        del files[name]
        reason = r"two types \(found \{'jpg': 1, 'png': 2\}"
    with pytest.raises(DataError, match=reason):
        published(*write(tmp_path, kind, files))


def test_an_image_of_another_size_is_refused_when_it_is_read(tmp_path: Path) -> None:
    files = complete()
    files[list(files)[1]] = encode(random_image("x")[:60], ".png")
    found = published(*write(tmp_path, "zip", files))
    found.generated(PAIRS[0])
    with pytest.raises(DataError, match=r"wrong size \(found 60x48, expected 64x48, height x width, as "):
        found.generated(PAIRS[1])


def test_a_damaged_image_is_refused_by_name(tmp_path: Path) -> None:
    files = complete()
    name = list(files)[1]
    files[name] = files[name][: len(files[name]) // 2]
    found = published(*write(tmp_path, "zip", files))
    with pytest.raises(DataError, match=f"results.zip: {name}: not a readable JPEG or PNG"):
        found.generated(PAIRS[1])


def test_a_member_that_was_damaged_in_the_zip_is_refused(tmp_path: Path) -> None:
    [path] = write(tmp_path, "zip", complete())
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    found = published(path)
    with pytest.raises(DataError, match=r"results\.zip: damaged or truncated \(member "):
        [found.generated(pair) for pair in PAIRS]


def test_a_half_copied_zip_is_refused(tmp_path: Path) -> None:
    [path] = write(tmp_path, "zip", complete())
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match=r"not a readable zip archive \(found a truncated zip"):
        published(path)


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    write_encrypted_zip(tmp_path / "results.zip", complete(), b"secret", np.random.default_rng(0))
    with pytest.raises(DataError, match=r"results.zip: encrypted\. Unpack it"):
        published(tmp_path / "results.zip")


def test_a_strip_that_does_not_divide_is_refused(tmp_path: Path) -> None:
    layout = Layout("", Panels(count=5, ground_truth=2, generated=4), None, 0, SIZE)
    found = published(*write(tmp_path, "zip", complete()), layout=layout)
    with pytest.raises(DataError, match=r"not a strip of 5 panels \(found a width of 48 pixels"):
        found.generated(PAIRS[0])


@pytest.mark.parametrize("margin", [0, 24, 40])
def test_a_margin_that_is_not_there_is_not_cut(tmp_path: Path, margin: int) -> None:
    found = published(*write(tmp_path, "zip", complete()), layout=Layout("", None, None, margin, SIZE))
    assert np.array_equal(found.generated(PAIRS[0]), of(PAIRS[0]))


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda image: pad(image, 8), "64x64"),
        (lambda image: image.swapaxes(0, 1), "48x64"),
        (lambda image: image[:, :40], "64x40"),
        (lambda image: images.resize(image, (64, 64)), "64x64"),
        (lambda image: image[:1, :1], "1x1"),
    ],
    ids=["padded", "height and width exchanged", "cut", "stretched", "one pixel"],
)
@pytest.mark.parametrize("margin", [0, 40])
def test_results_of_another_shape_are_refused(
    tmp_path: Path, change: Callable[[Pixels], Pixels], found: str, margin: int
) -> None:
    files = {
        "{}_2_{}.png".format(*pair): images.encode_png(np.ascontiguousarray(change(of(pair))))
        for pair in PAIRS
    }
    results = published(*write(tmp_path, "zip", files), layout=Layout("", None, None, margin, SIZE))
    with pytest.raises(DataError, match=rf"another shape than the data set's .found {found}, expected 64x48"):
        results.generated(PAIRS[0])


@pytest.mark.parametrize("size", [(64, 48), (128, 96), (513, 384)])
def test_results_of_a_larger_size_and_the_same_shape_are_taken(tmp_path: Path, size: tuple[int, int]) -> None:
    files = {"{}_2_{}.png".format(*pair): images.encode_png(images.resize(of(pair), size)) for pair in PAIRS}
    assert published(*write(tmp_path, "zip", files)).generated(PAIRS[0]).shape[:2] == size


@pytest.mark.parametrize("size", [(63, 47), (32, 24), (4, 3)])
def test_results_smaller_than_the_data_set_are_refused(tmp_path: Path, size: tuple[int, int]) -> None:
    files = {"{}_2_{}.png".format(*pair): images.encode_png(images.resize(of(pair), size)) for pair in PAIRS}
    found = f"{size[0]}x{size[1]}"
    with pytest.raises(
        DataError, match=rf"smaller than the data set's images \(found {found}, expected at lea"
    ):
        published(*write(tmp_path, "zip", files)).generated(PAIRS[0])


def halves() -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Two images of one run, and one of another."""
    first = complete()
    last = list(first)[2]
    return {name: data for name, data in first.items() if name != last}, {last: first[last]}


def two_zips(root: Path) -> None:
    for name, half in zip("ab", halves(), strict=True):
        write_zip(root / f"{name}.zip", half)


def two_zips_in_a_folder(root: Path) -> None:
    two_zips(root / "results")


def a_zip_and_a_folder(root: Path) -> None:
    first, second = halves()
    write_zip(root / "a.zip", first)
    write_folder(root / "b", second)


def a_folder_and_files_beside_it(root: Path) -> None:
    first, second = halves()
    write_folder(root / "a", first)
    write_folder(root, second)


@pytest.mark.parametrize(
    "make", [two_zips, two_zips_in_a_folder, a_zip_and_a_folder, a_folder_and_files_beside_it]
)
def test_images_out_of_two_archives_or_folders_are_refused(
    make: Callable[[Path], None], tmp_path: Path
) -> None:
    make(tmp_path)
    with pytest.raises(
        DataError, match=r"images from 2 places \(found some in .* and some in .*, expected one"
    ):
        published(*sorted(tmp_path.iterdir()))


def test_an_archive_without_images_of_pairs_is_no_second_source(tmp_path: Path) -> None:
    write(tmp_path, "zip", complete())
    write_zip(tmp_path / "tables.zip", {"metrics.csv": b"x", ".DS_Store": b"x"})
    assert np.array_equal(published(*sorted(tmp_path.iterdir())).generated(PAIRS[0]), of(PAIRS[0]))


def test_the_digest_of_a_folder_changes_with_any_image_and_any_name_in_it(tmp_path: Path) -> None:
    def digest(root: Path, files: Mapping[str, bytes]) -> str:
        [path] = write(root, "folder", files)
        coverage = find_images([path], ALONE, NAMES, PAIRS)
        assert coverage.sources == [path]
        return digest_of(path, coverage)

    files = complete()
    first = next(iter(files))
    digests = [
        digest(tmp_path / "a", files),
        digest(tmp_path / "b", files | {first: encode(random_image("x"), ".png")}),
        digest(tmp_path / "c", {name.replace("_2_", "_to_"): data for name, data in files.items()}),
    ]
    assert len(set(digests)) == 3
    assert digest(tmp_path / "d", files | {".DS_Store": b"x", "table.csv": b"x"}) == digests[0]


def test_an_image_too_large_to_be_one_is_refused(tmp_path: Path) -> None:
    files = complete()
    side = int(images.MAX_PIXELS**0.5) + 2
    files[next(iter(files))] = images.encode_png(np.zeros((side, side, 3), np.uint8), compress=True)
    with pytest.raises(DataError, match="image too large"):
        published(*write(tmp_path, "folder", files)).generated(PAIRS[0])


def link_around(folder: Path) -> None:
    for name in ("a", "b"):  # two links to the folder itself: 2^40 paths to every file
        (folder / name).symlink_to(".")


def link_out(folder: Path) -> None:
    elsewhere = folder.parent / "elsewhere.png"
    elsewhere.write_bytes(encode(of(PAIRS[0]), "x.png"))
    (folder / "a.png").symlink_to(elsewhere)


def link_to_a_folder_outside(folder: Path) -> None:
    (folder / "a").symlink_to(folder.parent.parent)


def link_to_nothing(folder: Path) -> None:
    (folder / "a.png").symlink_to("no such file")


def pipe(folder: Path) -> None:
    os.mkfifo(folder / "a.png")


def pipe_like_an_archive(folder: Path) -> None:
    os.mkfifo(folder / "a.zip")


@pytest.mark.parametrize(
    "damage", [link_around, link_out, link_to_a_folder_outside, link_to_nothing, pipe, pipe_like_an_archive]
)
def test_only_regular_files_are_read_and_no_link_is_followed(
    damage: Callable[[Path], None], tmp_path: Path
) -> None:
    folder = tmp_path / "method/images"
    write_folder(folder, complete())
    damage(folder)
    with pytest.raises(DataError, match=rf"^{folder}/a\S*: (a link|neither a file nor a folder) \(found"):
        published(folder)


def test_links_into_dvcs_cache_are_read(tmp_path: Path) -> None:
    """As DVC checks out what it tracks where `cache.type` is symlink."""
    folder = tmp_path / "method/images"
    folder.mkdir(parents=True)
    for number, (name, data) in enumerate(complete().items()):
        cached = tmp_path / f"cache/files/md5/{number:02x}/{number:030x}"
        cached.parent.mkdir(parents=True)
        cached.write_bytes(data)
        (folder / name).symlink_to(cached)
    found = published(folder)
    assert np.array_equal(found.generated(PAIRS[0]), of(PAIRS[0]))

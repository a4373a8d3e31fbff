"""Select the training and test pairs and check them against the images.

Reads: data/raw/DATASET (lists and annotations), data/images.zip

Writes: data/pairs

params.yaml: datasets, dataset

Documentation: docs/data.md
"""

from pathlib import Path

from stages import _command


def main(dataset: _command.Dataset = None) -> str:
    from dnaf.core import config
    from dnaf.data.formats.registry import FORMATS
    from dnaf.data.pairs.split import SPLITS
    from dnaf.data.pairs.write import write_split

    dataset = dataset or config.load_chosen_dataset()
    data_format = FORMATS[config.load_format(dataset)]
    size, max_test_pairs = config.load_size(dataset), config.load_max_test_pairs(dataset)
    raw, pairs = Path("data/raw") / dataset, Path("data/pairs")
    with _command.writing(pairs):
        info = write_split(raw, Path("data/images.zip"), pairs, data_format, size, max_test_pairs)
    for split in SPLITS:
        counts = info[split]
        print(
            f"{split}: {counts['num_listed']:,} images, {counts['num_pairs']:,} pairs of "
            f"{counts['num_outfits']:,} outfits; removed {counts['num_removed']:,} images"
        )
    if info["num_removed_of_neither"]:
        print(f"in neither split: removed {info['num_removed_of_neither']:,} images")
    if "num_shared_items" in info:
        print(
            f"outfits in both splits: 0; test items that are trained on in another colour: "
            f"{info['num_shared_items']:,} of {info['num_test_items']:,} "
            f"({info['num_test_images_of_shared_items']:,} test images)"
        )
    num_train, num_test = (info[split]["num_pairs"] for split in SPLITS)
    return f"{num_train:,} training and {num_test:,} test pairs → {pairs}"


if __name__ == "__main__":
    _command.run(main)

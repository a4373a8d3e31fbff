"""The benchmarks' own claims, at a size that runs in seconds; their figures stand in docs/results.md."""

from dataclasses import astuple
from pathlib import Path

import pytest
import torch

from benchmarks import exchange, flops, sampling
from benchmarks.device import count_flops
from dnaf.data.loader import PairImages
from dnaf.pipeline import DNAFPipeline
from tests.helpers.training_project import SIZE, TrainingProject, tiny_pipeline

CALLS = 3


@pytest.fixture(scope="module")
def pipeline() -> DNAFPipeline:
    return tiny_pipeline()


@pytest.fixture(scope="module")
def batch(pipeline: DNAFPipeline) -> flops.Batch:
    torch.manual_seed(0)
    return flops.random_batch(pipeline, SIZE, num_styles=2, num_targets=3)


@pytest.mark.parametrize("way", flops.WAYS.values())
def test_every_exact_way_of_the_ladder_gives_the_pipeline_s_images(
    pipeline: DNAFPipeline, batch: flops.Batch, way: flops.Way
) -> None:
    plainly = flops.sample_plainly(pipeline, batch, CALLS, way)
    torch.testing.assert_close(flops.ours(pipeline, batch, CALLS), plainly, atol=1e-5, rtol=0)


def test_flops_are_counted_for_all_calls_from_few() -> None:
    meta = tiny_pipeline().to("meta")
    meta.set_progress_bar_config(disable=True)
    batch = flops.random_batch(meta, SIZE, 1, 2)
    row = flops.count("", 7, lambda calls: flops.ours(meta, batch, calls, flops.HALF), 2, fewest=2)
    eight = flops.count("", 8, lambda calls: flops.ours(meta, batch, calls, flops.HALF), 2, fewest=2)
    assert 2 * eight.per_image == count_flops(lambda: flops.ours(meta, batch, 8, flops.HALF))
    assert eight.per_image - row.per_image == row.per_call


def test_every_step_of_the_ladder_saves_flops() -> None:
    meta = tiny_pipeline().to("meta")
    meta.set_progress_bar_config(disable=True)
    _, rows = flops.ladder(meta, SIZE)
    figures = [row.per_image for row in rows]
    assert figures == sorted(figures, reverse=True)
    assert len(set(figures)) == len(figures)
    assert all(all(figure) for figure in map(astuple, rows))


@pytest.mark.parametrize("gpu", [False, pytest.param(True, marks=pytest.mark.slow)])  # it compiles
@torch.no_grad()
def test_the_sampling_benchmark_prints_a_whole_table(capsys: pytest.CaptureFixture[str], gpu: bool) -> None:
    sampling.main(gpu=gpu, small=True)
    header, _, *rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert len(rows) == (3 if gpu else 5)
    for row in rows:
        assert row.count("|") == header.count("|")
        assert "nan" not in row


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> PairImages:
    return PairImages(TrainingProject(tmp_path_factory.mktemp("exchange")).sources("test"))


def test_the_figure_of_the_exchange_is_an_image(pairs: PairImages, tmp_path: Path) -> None:
    table = exchange.exchange(tiny_pipeline(), pairs, 4, (150, 800))
    exchange.draw(table, tmp_path / "exchange.png")
    assert (tmp_path / "exchange.png").read_bytes().startswith(b"\x89PNG")

"""A metric is said once: columns, weights and documentation come from its own description."""

import re

from dnaf.core import config, markdown
from dnaf.evaluate.metrics.metric import NetworkMetric, SetMetric
from dnaf.evaluate.metrics.registry import COLUMNS, METRICS, PUBLISHED, to_markdown
from dnaf.evaluate.protocols.registry import PROTOCOLS
from tests.helpers.raw_folder import ROOT

CODE = [*(ROOT / "dnaf").rglob("*.py"), *(ROOT / "stages").glob("*.py")]


def test_the_documentation_has_the_table_of_all_metrics() -> None:
    page = (ROOT / "docs/protocols.md").read_text(encoding="utf-8")
    assert page == markdown.rewritten(page, "metrics", to_markdown()), "uv run python -m stages.parameters"


def test_every_column_has_a_key_and_a_label_of_its_own() -> None:
    assert len({column.key for column in COLUMNS}) == len(COLUMNS)
    assert len({column.label for column in COLUMNS}) == len(COLUMNS)
    assert all(column.about and not column.about.endswith(".") for column in COLUMNS)


def test_the_weights_of_params_yaml_are_those_that_metrics_need() -> None:
    assert {name for column in COLUMNS for name in column.weights} == set(config.Weights.model_fields)


def test_only_metrics_of_networks_can_be_of_random_ones() -> None:
    for metric in METRICS:
        if any(column.can_be_random for column in metric.columns):
            assert isinstance(metric, NetworkMetric | SetMetric)


def test_every_protocol_builds_the_networks_that_it_names_and_no_other() -> None:
    files = dict.fromkeys(config.Weights.model_fields)
    for protocol in PROTOCOLS.values():
        built = [m for m in METRICS if isinstance(m, NetworkMetric) and m.build(protocol, files)]
        assert len(built) == len(protocol.lpips_nets)


def test_no_module_but_its_own_names_a_column() -> None:
    """A second list of metrics would be forgotten when one is added."""
    keys = {column.key for column in (*COLUMNS, *PUBLISHED)} - {"ssim", "lpips", "psnr", "l1", "fid"}
    named = re.compile("|".join(rf"['\"]{key}['\"]" for key in sorted(keys)))
    elsewhere = {
        str(path.relative_to(ROOT)): named.findall(text)
        for path in CODE
        if path.parent.name != "metrics" and named.search(text := path.read_text(encoding="utf-8"))
    }
    assert not elsewhere

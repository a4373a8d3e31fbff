"""The page of all parameters."""

from dnaf.core import config
from dnaf.core.parameters import table as parameter_table
from tests.helpers.raw_folder import ROOT

SETS = ROOT / "params"


def test_the_page_of_parameters_is_what_the_command_writes() -> None:
    page = (ROOT / "docs/parameters.md").read_text()
    assert page == parameter_table.to_markdown(SETS), "uv run python -m stages.parameters"


def test_the_page_has_every_key_and_every_value_of_another_set() -> None:
    page = parameter_table.to_markdown(SETS)
    for section in (value for value in vars(config).values() if hasattr(value, "model_fields")):
        assert all(f"\n| `{key}` | " in page or f"\n### {key}\n" in page for key in section.model_fields)
    assert "### demo-scratch\n" in page
    assert "\nmodel:\n  base: null\n" in page
    assert "| `min_snr_gamma` | `null` | number, > 0 or `null` | " in page
    assert "| `channels` | `32`, `64` | 2 to 4 of: integer, ≥ 8, multiple of 8 | " in page
    assert "| `loss` | `mse` | `l1`, `mse` | " in page

"""What the commands that compare revisions have in common: their arguments, and a look at the parameters."""

import sys
from collections.abc import Mapping, Sequence

from dnaf.core.errors import ConfigError


def by_name(variants: Sequence[str], form: str) -> dict[str, str]:
    """Arguments NAME=REVISION as revisions by name.

    Args:
        form: what is expected, with an example; for the error.

    Raises:
        ConfigError: a part is missing, or a name comes twice.
    """
    revisions: dict[str, str] = {}
    for variant in variants:
        name, _, revision = variant.partition("=")
        if not name or not revision or name in revisions:
            raise ConfigError(f"{variant}: not a variant, or its second mention (expected {form}).")
        revisions[name] = revision
    return revisions


def print_differences(variants: Mapping[str, Sequence[str]], reference: str) -> None:
    """Prints in which parameters each variant differs from the reference; warns if it is more than one."""
    from dnaf.report.revisions import differences

    for difference in differences(variants, reference):
        print(difference)
        if difference.is_confounded:
            print(
                f"warning: {difference.variant} changes {len(difference.changes)} parameters, not one: their "
                "effects cannot be told apart.",
                file=sys.stderr,
            )

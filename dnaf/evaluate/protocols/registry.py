"""The protocols by name. A new one is a file in `field/`, and its name in `dnaf/core/config.py`."""

from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from typing import get_args

from dnaf.core.config import ProtocolName
from dnaf.core.errors import ConfigError
from dnaf.data.formats.registry import FORMATS
from dnaf.evaluate.protocols.own import imported
from dnaf.evaluate.protocols.protocol import Protocol, View


def _of_file(name: str) -> Protocol:
    protocol: Protocol = import_module(f"dnaf.evaluate.protocols.field.{name}").PROTOCOL
    return protocol


PROTOCOLS = {name: _of_file(name) for name in get_args(ProtocolName)}


def protocol_for(name: str, format_name: str, own: Sequence[str] = ()) -> Protocol:
    """The protocol as it is used on data sets of a format.

    Market-1501's images are compared in their own 128x64 pixels by every script, and never padded.

    Args:
        own: the user's own, as `module:name`.

    Raises:
        ConfigError: there is none of that name, or one of the user's cannot be imported, is none, or has the
            name of another one.

    Source: GFLA@3afa8fe:README.md (`test_12864`), DPTN@59a7590:metrics/metrics.py:382-470.
    """
    known = dict(PROTOCOLS)
    for text in own:
        added = imported("protocols", text, Protocol)
        if added.name in known:
            raise ConfigError(
                f"params.yaml: own.protocols: {text}: another protocol has that name (found {added.name}). "
                "Give it another one, by `replace(…, name=…)`."
            )
        known[added.name] = added
    if name not in known:
        raise ConfigError(
            f"params.yaml: protocols: not allowed (found {name!r}, expected one of {', '.join(known)}). "
            "Choose one of these, or add your own to own.protocols."
        )
    protocol = known[name]
    if not FORMATS[format_name].has_own_size:
        return protocol
    networks = None if protocol.networks is None else _unsized(protocol.networks)
    return replace(protocol, pixels=_unsized(protocol.pixels), networks=networks)


def _unsized(view: View) -> View:
    return View(
        tuple((how, None) for how, _ in view.real), tuple((how, None) for how, _ in view.generated), None
    )

"""What the source matters: how much L1 rises when the source of another outfit is given."""

from collections.abc import Mapping

from dnaf.evaluate.metrics.metric import Column, ComparedPair, PairMetric, TableMetric, Values
from dnaf.evaluate.metrics.psnr import L1, l1

_L1_WRONG = "l1_wrong_source"


def _measure(pair: ComparedPair) -> Mapping[str, float]:
    return {} if pair.wrong_source is None else {_L1_WRONG: l1(pair.real, pair.wrong_source)}


def _increase(wrong: Values, right: Values) -> float:
    return float(wrong.mean()) / float(right.mean()) - 1


L1_WRONG_SOURCE = PairMetric((), _measure, hidden=(_L1_WRONG,))
WRONG_SOURCE = TableMetric(
    Column(
        key="wrong_source_increase",
        name="L1 with the wrong source",
        spec="+.0%",
        better=None,
        about="ours only: how much `l1` rises when the source of another outfit is given",
        is_main=True,
        note="**L1 with the wrong source**: by how much L1 rises when the source of another {unit} is given; "
        "near zero means that the source is ignored.",
    ),
    (_L1_WRONG, L1.key),
    _increase,
)

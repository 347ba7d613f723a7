"""Expectations of our own, for what the standard ones do not say: money that has to tie to the cent.

Frames have money as doubles of two decimals, which are equal exactly where the decimals are; half a cent is never met.
"""

from __future__ import annotations

from typing import Any, Literal

from great_expectations.execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import MulticolumnMapExpectation
from great_expectations.expectations.metrics.map_metric_provider import (
    MulticolumnMapMetricProvider,
    multicolumn_condition_partial,
)

_HALF_A_CENT = 0.005
_KEYS = ("batch_id", "table", "column_list", "row_condition", "condition_parser", "ignore_row_if")


class _Ours(MulticolumnMapExpectation):
    """A rule on each row; one with a NULL is judged as well."""

    ignore_row_if: Literal["all_values_are_missing", "any_value_is_missing", "never"] = "never"
    args_keys = ("column_list",)
    success_keys = ("mostly",)


class DifferenceToTheCent(MulticolumnMapMetricProvider):
    condition_metric_name = "romi.difference_to_the_cent"
    condition_domain_keys = _KEYS

    @multicolumn_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column_list: Any, **_: Any) -> Any:  # noqa: N805
        whole, part, rest = _three(column_list)
        return (whole - part - rest).abs() < _HALF_A_CENT


class ExpectDifferenceToTheCent(_Ours):
    """Expect the third column to be the first less the second, to the cent."""

    map_metric = "romi.difference_to_the_cent"


class RatioToTheCent(MulticolumnMapMetricProvider):
    condition_metric_name = "romi.ratio_to_the_cent"
    condition_domain_keys = _KEYS

    @multicolumn_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column_list: Any, **_: Any) -> Any:  # noqa: N805
        dividend, divisor, ratio = _three(column_list)
        ties = (ratio * divisor - dividend).abs() < _HALF_A_CENT
        return (ratio.isna() & (divisor == 0)) | ((divisor != 0) & ties)


class ExpectRatioToTheCent(_Ours):
    """Expect the third column to be the first over the second, and to be NULL exactly where the second is 0."""

    map_metric = "romi.ratio_to_the_cent"


class ShareOfCounts(MulticolumnMapMetricProvider):
    condition_metric_name = "romi.share_of_counts"
    condition_domain_keys = _KEYS

    @multicolumn_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column_list: Any, **_: Any) -> Any:  # noqa: N805
        wrong, whole, share = _three(column_list)
        is_right = (whole - wrong - share * whole).abs() < 1e-6
        return (share.isna() & (whole == 0)) | ((whole != 0) & is_right)


class ExpectShareOfCounts(_Ours):
    """Expect the third column to be the share of the second that is not in the first; NULL where that is 0."""

    map_metric = "romi.share_of_counts"


class TotalsAreEqual(MulticolumnMapMetricProvider):
    condition_metric_name = "romi.totals_are_equal"
    condition_domain_keys = _KEYS

    @multicolumn_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column_list: Any, **_: Any) -> Any:  # noqa: N805
        half = column_list.shape[1] // 2
        return (column_list.iloc[:, :half].to_numpy() == column_list.iloc[:, half:].to_numpy()).all(axis=1) & (
            column_list.notna().all(axis=1)
        )


class ExpectTotalsToBeEqual(_Ours):
    """Expect the first half of the columns to equal the second, each its own; what stands on one side only fails."""

    map_metric = "romi.totals_are_equal"


def _three(column_list: Any) -> tuple[Any, Any, Any]:
    return column_list.iloc[:, 0], column_list.iloc[:, 1], column_list.iloc[:, 2]


OWN: dict[str, type[MulticolumnMapExpectation]] = {
    one.__name__: one
    for one in (ExpectDifferenceToTheCent, ExpectRatioToTheCent, ExpectShareOfCounts, ExpectTotalsToBeEqual)
}

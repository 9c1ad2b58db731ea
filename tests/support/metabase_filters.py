"""Metabase's questions with their filters set, for tests that ask them of several engines."""

import duckdb

from scripts.outputs.metabase.questions import load_filters, load_questions

QUESTIONS = load_questions()
# What a filter without a list is set to: something in the middle, that leaves rows.
NUMBERS = {"largest_k": 5.0, "least_contrast": 0.5, "least_confidence": 0.2}
# Empty where nothing was refused, as in the real file, which has no row that is.
OF_TWO_MONTHS = {"migration_flows", "sizes_by_month", "value_by_month", "movements_called", "movers"}
# Empty before the first campaign.
OF_CAMPAIGNS = {"campaign_names", "campaigns", "campaign_uplift", "campaign_results"}
MAY_BE_EMPTY = {"rejection_reasons"} | OF_TWO_MONTHS | OF_CAMPAIGNS


def some_value(name: str, connection: duckdb.DuckDBPyConnection) -> str | float:
    """What a person may set a filter to: the first of its list."""
    found = load_filters()[name]
    if found.values is None:
        return NUMBERS[name]
    rows = connection.execute(QUESTIONS[found.values].sql).fetchall()
    if not rows and found.values in OF_CAMPAIGNS:
        return "nothing such"
    # The least severe check is the one that finds something.
    return str(sorted(rows)[1 if name == "severity" else 0][0])

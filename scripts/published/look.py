"""What several outputs show alike: the colours of segments and the parts of value. Touches nothing."""

# Okabe and Ito's colours, told apart by people with any colour vision, without black and in an order that keeps
# neighbours apart; beyond that many segments colours come again, shapes and numbers tell.
SERIES = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#B59F00", "#8C6BB1")
# The parts of a customer's value, the largest earnings first: columns of customer_values and segment_values.
VALUE_PARTS = (
    "interest", "interchange", "cash_advance_fees", "late_fees",
    "rewards", "funding", "expected_loss", "servicing",
)  # fmt: skip

"""The sheets What-if and its workings: assumptions to change, and formulas from them down to each play's verdict.

The formulas say what int_customer_values, int_segment_values and int_segment_plays say in SQL; a test lets a spreadsheet
program recalculate them. Reads the published tables; writes the workbook through Book. No text of the data gets into a
formula: formulas name cells.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scripts.outputs.workbook.book import (
    COUNT,
    EDGE,
    HEAD,
    MONEY,
    SHARE,
    Book,
    Properties,
    Sheet,
    SheetColumn,
)
from scripts.outputs.workbook.words import SheetTables
from scripts.published.look import VALUE_PARTS

# pandas' type stubs let a cell be anything; these frames' columns are the marts'.
Frame = Any

# The parts of a year's value by what drives them: a column of segment_values or none, and assumptions.
FORMULAS = {
    "interest": ("revolving_balance", "{revolving_balance}*purchase_apr"),
    "interchange": ("yearly_purchases", "{yearly_purchases}*interchange_rate"),
    "cash_advance_fees": ("yearly_cash_advances", "{yearly_cash_advances}*cash_advance_fee_rate"),
    "late_fees": ("behind_share", "{behind_share}*late_fee*late_fees_a_year"),
    "rewards": ("yearly_purchases", "-{yearly_purchases}*rewards_rate"),
    "funding": ("mean_balance", "-{mean_balance}*funding_rate"),
    "expected_loss": ("mean_balance", "-{mean_balance}*loss_rate"),
    "servicing": ("mean_balance", "-servicing_cost"),
}
DRIVERS = ("yearly_purchases", "revolving_balance", "yearly_cash_advances", "behind_share", "mean_balance")
# What a lever of the playbook moves; ways to reach a customer, each with its cost.
LEVERS = {
    "purchases": ("interchange", "rewards"),
    "balance": ("interest", "funding", "expected_loss"),
    "cash_advance": ("cash_advance_fees",),
}
KINDS = ("digital", "letter", "call")
VERDICTS = ("worth_testing", "too_small", "loses_money", "unknown")
# The cells of assumptions that formulas name, and between what a cell takes numbers: shares, rates, and the rest.
RATES = ("base_response_rate", "expected_uplift", "holdout_share")
SHARES = (
    "interchange_rate", "rewards_rate", "purchase_apr", "cash_advance_fee_rate", "funding_rate", "loss_rate",
)  # fmt: skip
ASSUMPTIONS = (
    *SHARES, "late_fee", "late_fees_a_year", "servicing_cost", *(f"contact_cost_{kind}" for kind in KINDS), *RATES,
    "value_horizon_years",
)  # fmt: skip
INPUT: Properties = {"bg_color": "#FFF2CC", "border": 1, "border_color": EDGE}
TOTAL: Properties = {"bold": True, "top": 1}
FREE = "#,##0.####"


@dataclass(frozen=True)
class Column:
    """A column of the workings: its head, number format, the formula or nothing for a number, and what that gives now.

    In a formula {name} is the cell of a column in the same row.
    """

    head: str
    form: str
    value: Any
    formula: Sequence[str] | str = ""


def customers_to_show(holdout: str) -> str:
    """The formula for how many customers show {expected_uplift} with such a part held out; see customers_to_show in SQL."""
    base, uplift = "base_response_rate", "{expected_uplift}"
    pooled = f"({base}+{uplift}*(1-{holdout}))"
    return (
        f"((1.959964*SQRT({pooled}*(1-{pooled})*(1/(1-{holdout})+1/{holdout}))"
        f"+0.841621*SQRT(({base}+{uplift})*(1-{base}-{uplift})/(1-{holdout})+{base}*(1-{base})/{holdout}))"
        f"/{uplift})^2"
    )


def needed(holdout: str) -> str:
    """The same, whole and at least 4; nothing where there is no such number."""
    return f'IFERROR(MAX(4,ROUNDUP({customers_to_show(holdout)},0)),"")'


def write_what_if(book: Book, data: SheetTables, currency: str) -> list[tuple[Sheet, str]]:
    """Add both sheets; return each with what there is on it."""
    return _WhatIf(book, data, currency).write()


class _WhatIf:
    """Both sheets while they are written."""

    def __init__(self, book: Book, data: SheetTables, currency: str) -> None:
        self.book, self.data, self.currency = book, data, currency
        self.values = data.frame(
            "select segment_values.*, known.customers as known_customers from marts.segment_values"
            " left join (select segment_id, count(value_base) as customers from marts.customer_values"
            " group by segment_id) as known using (segment_id) order by segment_id"
        )
        self.plays = data.frame("from marts.segment_playbook order by segment_id")
        self.assumptions = data.frame("from marts.value_assumptions").set_index("assumption")
        self.sheet = book.sheet(data.w("sheet.what_if"), (5, 28, 13, 13, 14, 15, 26, 26, 15, 13, 13, 13))
        self.workings = book.sheet(data.w("sheet.workings"), (5, 28, *(13 for _ in range(21))))

    def write(self) -> list[tuple[Sheet, str]]:
        """Write both."""
        data = self.data
        count = len(self.values)
        top = self.sheet.title(data.w("what_if.title"), data.w("what_if.intro", currency=self.currency))
        self._results_row = top + 2
        self._inputs_row = self._results_row + count + 4
        self._scenario(top)
        self._inputs()
        value_cells, play_cells = self._workings()
        self._results(value_cells, play_cells)
        self.sheet.raw.fit_to_pages(1, 1)
        return [(self.sheet, data.w("about.what_if")), (self.workings, data.w("about.workings"))]

    def _scenario(self, row: int) -> None:
        data = self.data
        head = self._inputs_row
        self.sheet.write(row, 0, data.w("what_if.scenario"), 2, bold=True)
        self.sheet.write(row, 2, data.t("value.base"), 2, bold=True, **INPUT)
        self.sheet.raw.data_validation(
            row, 2, row, 2, {"validate": "list", "source": f"=$C${head + 1}:$E${head + 1}"}
        )
        self._name("scenario", row, 2)

    def _name(self, name: str, row: int, column: int) -> None:
        quoted = self.sheet.name.replace("'", "''")
        self.book.book.define_name(name, f"='{quoted}'!{_at(row, column, True)}")

    def _inputs(self) -> None:
        """A row for each assumption: low, base, high, a cell for the reader's own, and what counts."""
        data, head = self.data, self._inputs_row
        style: Properties = {
            "bold": True,
            "bg_color": HEAD,
            "text_wrap": True,
            "border": 1,
            "border_color": EDGE,
        }
        heads = (
            (0, 2, data.t("value.assumption")), (2, 1, data.t("value.low")), (3, 1, data.t("value.base")),
            (4, 1, data.t("value.high")), (5, 1, data.w("what_if.own")), (6, 1, data.w("what_if.used")),
            (7, 5, data.t("value.unit")),
        )  # fmt: skip
        for column, span, words in heads:
            self.sheet.write(
                head, column, words, span, **style, **({"align": "right"} if 2 <= column <= 6 else {})
            )
        given = [name for name in ASSUMPTIONS if name in self.assumptions.index]
        for row, name in enumerate(given, head + 1):
            line = self.assumptions.loc[name]
            is_share = name in SHARES or name in RATES
            form = "0.0##%" if is_share else FREE
            lines = self.sheet.write(row, 0, line["meaning"], 2, text_wrap=True)
            for column, scenario in enumerate(("low", "base", "high"), 2):
                self.sheet.write(row, column, line[scenario], num_format=form)
            self.sheet.write(row, 5, None, num_format=form, **INPUT)
            own, low, high = _at(row, 5), _at(row, 2), _at(row, 4)
            heads_of = f"$C${head + 1}:$E${head + 1}"
            self.sheet.formula(
                row, 6, f"IF(ISNUMBER({own}),{own},INDEX({low}:{high},IFERROR(MATCH(scenario,{heads_of},0),2)))",
                line["base"], num_format=form, bold=True,
            )  # fmt: skip
            lines = max(lines, self.sheet.write(row, 7, line["unit"], 5, text_wrap=True, indent=1))
            self.sheet.raw.set_row(row, 15 * lines)
            limits: Properties = {"criteria": ">=", "value": 0}
            if is_share:
                least, most = (0.0001, 0.9) if name in RATES else (0, 1)
                limits = {"criteria": "between", "minimum": least, "maximum": most}
            self.sheet.raw.data_validation(
                row, 5, row, 5,
                {"validate": "decimal", **limits, "error_title": data.w("sheet.what_if"),
                 "error_message": data.w("what_if.refused")},
            )  # fmt: skip
            self._name(name, row, 6)

    def _workings(self) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
        """Value by its parts, then the plays; returns the cells of each column, to be named from the other sheet."""
        data, values, plays = self.data, self.values, self.plays
        row = self.workings.title(data.w("sheet.workings"), data.w("workings.intro"))
        money = f", {self.currency}"
        columns = {
            "customers": Column(data.t("customers"), COUNT, values["known_customers"]),
            **{
                driver: Column(
                    data.w(f"driver.{driver}") + ("" if driver == "behind_share" else money),
                    SHARE if driver == "behind_share" else MONEY, values[driver],
                )
                for driver in DRIVERS
            },
            **{
                part: Column(
                    data.t(f"part.{part}") + money, MONEY, values[part],
                    f'IF(COUNT({{{driver}}})<1,"",{formula})',
                )
                for part, (driver, formula) in ((part, FORMULAS[part]) for part in VALUE_PARTS)
            },
            "value": Column(
                data.t("glance.value") + money, MONEY, values["value_base"],
                "IF(COUNT({parts})<8,\"\",SUM({parts}))".replace("{parts}", f"{{{VALUE_PARTS[0]}}}:{{{VALUE_PARTS[-1]}}}"),
            ),
            "total": Column(
                data.t("value.total") + money, MONEY, values["total_base"],
                'IF(COUNT({value})<1,"",{value}*{customers})',
            ),
        }  # fmt: skip
        value_cells = self._block(row, columns, {})
        verdicts = row + 2 * len(values) + 7
        self.workings.heading(verdicts, data.w("workings.verdicts"))
        for place, verdict in enumerate(VERDICTS, verdicts + 1):
            self.workings.write(place, 1, data.w(f"verdict.{verdict}"))
        words = f"{_at(verdicts + 1, 1, True)}:{_at(verdicts + len(VERDICTS), 1, True)}"
        change = []
        for lever, each in zip(plays["lever"], range(len(plays)), strict=True):
            moved = [value_cells[part][each] for part in LEVERS.get(lever, ())]
            change.append(
                f'IF(COUNT({{lever_change}},{",".join(moved)})<{1 + len(moved)},"",{{lever_change}}*({"+".join(moved)}))'
                if moved else '""'
            )  # fmt: skip
        cost = [f"contact_cost_{kind}" if kind in KINDS else '""' for kind in plays["contact_kind"]]
        per_responder = (
            'IF(COUNT({change},{loss},{value})<3,"",'
            "value_horizon_years*({change}+{loss_change}*{loss}+{kept_share}*{value}))"
        )
        known = "COUNT({value_per_responder},{contact_cost})<2"
        play_columns = {
            "contactable": Column(data.w("play.contactable"), COUNT, plays["contactable_customers"]),
            "lever_change": Column(data.w("play.lever_change"), "0%", plays["lever_change"]),
            "change": Column(data.w("play.change") + money, FREE2, plays["value_change_per_response"], change),
            "loss_change": Column(data.w("play.loss_change"), "0%", plays["loss_change"]),
            "kept_share": Column(data.w("play.kept"), "0%", plays["kept_share"]),
            "value_per_responder": Column(
                data.w("play.value_per_responder") + money, FREE2, plays["value_per_responder"], per_responder
            ),
            "contact_cost": Column(data.w("play.contact_cost") + money, FREE2, plays["contact_cost"], cost),
            "expected_uplift": Column(
                data.w("play.uplift"), "0.00%", plays["expected_uplift"], "MIN(expected_uplift,0.999-base_response_rate)"
            ),
            "recommended_holdout": Column(
                data.w("play.holdout"), "0%", plays["recommended_holdout"],
                f"IFERROR(IF(ROUNDUP({customers_to_show('holdout_share')},0)<={{contactable}},holdout_share,0.5),0.5)",
            ),
            # A half goes to the even number, as in the warehouse.
            "held_out": Column(
                data.w("play.held_out"), COUNT, plays["held_out"],
                "IF(AND(MOD({recommended_holdout}*{contactable},1)=0.5,ISEVEN(INT({recommended_holdout}*{contactable}))),"
                "INT({recommended_holdout}*{contactable}),ROUND({recommended_holdout}*{contactable},0))",
            ),
            "contacts": Column(data.w("play.contacts"), COUNT, plays["contacts"], "{contactable}-{held_out}"),
            "expected_value": Column(
                data.w("play.value") + money, MONEY, plays["expected_value"],
                f'IF({known},"",{{contacts}}*{{expected_uplift}}*{{value_per_responder}})',
            ),
            "expected_cost": Column(
                data.w("play.cost") + money, MONEY, plays["expected_cost"],
                'IF(COUNT({contact_cost})<1,"",{contacts}*{contact_cost})',
            ),
            "expected_net": Column(
                data.w("play.net") + money, MONEY, plays["expected_net"],
                f'IF({known},"",{{expected_value}}-{{expected_cost}})',
            ),
            "break_even": Column(
                data.w("play.break_even"), "0.00%", plays["break_even_uplift"],
                f'IF({known},"",IF({{value_per_responder}}>0,IF({{contact_cost}}/{{value_per_responder}}<='
                '1-base_response_rate,{contact_cost}/{value_per_responder},""),""))',
            ),
            "needed": Column(
                data.w("play.needed"), COUNT, plays["customers_needed"], needed("{recommended_holdout}")
            ),
            "verdict": Column(
                data.w("play.verdict"), "General", [data.w(f"verdict.{each}") for each in plays["verdict"]],
                f"INDEX({words},IF({known},4,IF({{expected_uplift}}*{{value_per_responder}}<={{contact_cost}},3,"
                f"IF({{contactable}}<{needed('0.5')},2,1))))",
            ),
        }  # fmt: skip
        above = {"value": value_cells["value"], "loss": value_cells["expected_loss"]}
        play_cells = self._block(row + len(values) + 3, play_columns, above)
        self.workings.raw.freeze_panes(row + 1, 2)
        return value_cells, play_cells

    def _block(
        self, row: int, columns: dict[str, Column], above: dict[str, list[str]]
    ) -> dict[str, list[str]]:
        """Write a row for each segment; returns the cells of each column. above: cells of columns of another block."""
        data = self.data
        count = len(self.values)
        cells = {
            name: [_at(row + 1 + each, column) for each in range(count)]
            for column, name in enumerate(columns, 2)
        }
        heads = [SheetColumn(data.w("id")), SheetColumn(data.t("segment"), bold=True)]
        self.workings.table(
            row,
            [*heads, *(SheetColumn(column.head) for column in columns.values())],
            [
                (segment_id, name, *("" if each == "verdict" else None for each in columns))
                for segment_id, name in zip(
                    self.values["segment_id"], self.values["segment_name"], strict=True
                )
            ],
        )
        for place, column in enumerate(columns.values(), 2):
            for each, value in enumerate(column.value):
                formula = column.formula if isinstance(column.formula, str) else column.formula[each]
                if not formula:
                    self.workings.write(row + 1 + each, place, value, num_format=column.form)
                    continue
                names = {name: of[each] for name, of in {**above, **cells}.items()}
                self.workings.formula(
                    row + 1 + each, place, formula.format(**names), value, num_format=column.form
                )
        return cells

    def _results(self, value_cells: dict[str, list[str]], play_cells: dict[str, list[str]]) -> None:
        """What comes of it, beside what the build says."""
        data, row = self.data, self._results_row
        money = f", {self.currency}"
        heads = (
            data.w("id"), data.t("segment"), data.t("customers"), data.t("glance.value") + money,
            data.w("what_if.built_value") + money, data.w("what_if.total_change") + money,
            data.w("play.verdict"), data.w("what_if.built_verdict"), data.w("play.net") + money,
            data.w("play.break_even"), data.w("play.needed"), data.w("play.contactable"),
        )  # fmt: skip
        count = len(self.values)
        # Text where formulas with text go, so that heads stand to the left there.
        rows = [
            (
                value.segment_id,
                value.segment_name,
                *("" if 6 <= column <= 7 else None for column in range(2, len(heads))),
            )
            for value in self.values.itertuples()
        ]
        self.sheet.table(row, [SheetColumn(head, bold=place == 1) for place, head in enumerate(heads)], rows)
        quoted = self.workings.name.replace("'", "''")
        for each, (value, play) in enumerate(
            zip(self.values.itertuples(), self.plays.itertuples(), strict=True)
        ):
            at = row + 1 + each

            def of(cells: dict[str, list[str]], name: str, each: int = each) -> str:
                return f"'{quoted}'!{cells[name][each]}"

            now, total = of(value_cells, "value"), of(value_cells, "total")
            self.sheet.write(at, 2, value.known_customers, num_format=COUNT)
            self.sheet.formula(at, 3, now, value.value_base, num_format=MONEY, bold=True)
            self.sheet.write(at, 4, value.value_base, num_format=MONEY)
            self.sheet.formula(
                at, 5, f'IF(COUNT({total},{_at(at, 4)})<2,"",{total}-{_at(at, 4)}*{_at(at, 2)})',
                None if value.value_base != value.value_base else 0.0, num_format=MONEY,
            )  # fmt: skip
            verdict = data.w(f"verdict.{play.verdict}")
            self.sheet.formula(at, 6, of(play_cells, "verdict"), verdict, bold=True, indent=1)
            self.sheet.write(at, 7, verdict, indent=1)
            shown = (
                ("expected_net", MONEY, play.expected_net), ("break_even", "0.00%", play.break_even_uplift),
                ("needed", COUNT, play.customers_needed),
            )  # fmt: skip
            for column, (name, form, known) in enumerate(shown, 8):
                self.sheet.formula(at, column, of(play_cells, name), known, num_format=form)
            self.sheet.write(at, 11, play.contactable_customers, num_format=COUNT)
        last = row + count
        self.sheet.write(last + 1, 1, data.w("what_if.all"), **TOTAL)
        total = self.values["total_base"].sum(min_count=1)
        sums = {2: (self.values["known_customers"].sum(), COUNT), 5: (None if total != total else 0.0, MONEY)}
        for column, (known, form) in sums.items():
            cells = f"{_at(row + 1, column)}:{_at(last, column)}"
            self.sheet.formula(
                last + 1, column, f'IF(COUNT({cells})<1,"",SUM({cells}))', known, num_format=form, **TOTAL
            )
        changed = self.book.book.add_format({"font_color": "#C00000"})
        self.sheet.raw.conditional_format(
            row + 1, 6, last, 6,
            {"type": "formula", "criteria": f"=$G{row + 2}<>$H{row + 2}", "format": changed},
        )  # fmt: skip


FREE2 = "#,##0.00"


def _at(row: int, column: int, fixed: bool = False) -> str:
    """The name of a cell, both counted from 0."""
    mark = "$" if fixed else ""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return f"{mark}{letters}{mark}{row + 1}"

"""How the input writes numbers and dates, decided for each column of text and said in a note.

Reads the input through the scans of the opened parts; writes nothing. What is decided here goes to dbt as the var
`spellings`, by `<entity>.<column>`: a decimal comma as `,`, the order of a date as a key of DATE_ORDERS, the zone of
moments as its name; `<entity>.<column>.percent` where shares are in percent; and `statements.owed` where debt is negative. A column that is not in it has decimal points and dates
like 2025-12-31. The macros of dbt_project/macros/typing.sql read every row by it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from scripts.base.errors import UserError
from scripts.base.quoting import sql_name, sql_text
from scripts.base.sentences import listed, shown
from scripts.intake.source_files import Column, Entity, unpublished

# What stands where there is nothing.
EMPTIES = (
    "NA",
    "na",
    "N/A",
    "n/a",
    "#N/A",
    "NULL",
    "Null",
    "null",
    "\\N",
    "NaN",
    "nan",
    "None",
    "none",
    "-",
    "",
)
# A column is in percent points where so many of its values are: fewer may be rows with a value of another column.
FEWEST_PERCENT = 0.05
# A few rows tell nothing of how a whole file was made.
FEWEST_TO_JUDGE = 30
# The beginnings of each table that are looked at first.
SAMPLED_ROWS = 10_000

# Orders of a date (named: 31-Dec-2025, compact: 20251231); the year has two or four digits, and a time may follow.
DATE_ORDERS = {
    "dmy": "day, month, year",
    "mdy": "month, day, year",
    "compact": "year, month, day",
    "named": "day, month, year",
}
ISO = r"[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}([T ].*)?"
COMPACT = "[0-9]{8}"
NAMED = "[0-9]{1,2}[- /][A-Za-z]{3}[- /]([0-9]{4}|[0-9]{2})([T ].*)?"
IN_PARTS = "([0-9]{1,2})[-./]([0-9]{1,2})[-./]([0-9]{4}|[0-9]{2})([T ,].*)?"

# Signs of currencies and their codes, before or behind a number.
CURRENCY = r"(\p{Sc}|[A-Z]{1,2}\p{Sc}|[A-Z]{3}|[Rr]p|[Rr]s|RM|kr|zł|Kč)"
# Columns that say an amount's currency, where the input has one.
CURRENCY_COLUMNS = ("currency", "currency_code", "ccy")
# What sets thousands apart beside point and comma: spaces of several widths and apostrophes.
GROUPS = r" '\x{2019}\x{00A0}\x{2007}\x{2009}\x{202F}"


@dataclass(frozen=True)
class _Marks:
    """Values of a column that can only have a decimal comma, or only a point, and those that could have either."""

    commas: int = 0
    points: int = 0
    either_comma: int = 0
    either_point: int = 0

    @property
    def told(self) -> str | None:
        """The decimal mark that the column itself tells."""
        if self.commas == self.points:
            return "." if self.points else None
        return "," if self.commas > self.points else "."

    @property
    def has_any(self) -> bool:
        return bool(self.commas or self.points or self.either_comma or self.either_point)


def decide_spellings(
    connection: duckdb.DuckDBPyConnection,
    entities: Sequence[Entity],
    delimiters: Mapping[str, str],
    *,
    decimal_mark: str = "",
    date_order: str = "",
    time_zone: str = "",
    balances: str = "",
) -> dict[str, str]:
    """Find out how each column of text writes numbers and dates, and add what was decided to the entities' notes.

    Args:
        connection: where the parts' scans run.
        entities: with their parts.
        delimiters: between columns, by entity; none for Parquet.
        decimal_mark: `,` or `.` for columns that do not tell, or empty.
        date_order: a key of DATE_ORDERS for columns that do not tell, or empty.
        time_zone: in which moments become days, as Asia/Jakarta, or empty.
        balances: `negative` or `positive` where it is known how debt is kept, or empty.

    Raises UserError where dates can be read in two ways and nothing tells which, where moments have no zone to be
    days in, and where a summary is scaled already.
    """
    _refuse_scaled(connection, entities)
    text = {entity.name: _text_columns(connection, entity) for entity in entities}
    marks = {
        (entity.name, column.name): _marks_of(connection, entity, column.name)
        for entity in entities
        for column in text[entity.name]
        if column.is_number
    }
    found = _decide_marks(entities, marks, delimiters, decimal_mark)
    found |= _decide_dates(connection, entities, text, date_order)
    found |= _decide_zones(connection, entities, time_zone)
    found |= _decide_sign(connection, entities, balances)
    found |= _decide_percent(connection, entities)
    for entity in entities:
        _note_empties(connection, entity, text[entity.name])
    return found


def _text_columns(connection: duckdb.DuckDBPyConnection, entity: Entity) -> list[Column]:
    """Columns for numbers and dates that hold text, in any part."""
    found: set[str] = set()
    for part in entity.parts:
        described = connection.execute(f"describe from {unpublished(part.scan)}").fetchall()
        found |= {row[0] for row in described if row[1] == "VARCHAR"}
    return [
        column for column in entity.columns if column.name in found and (column.is_number or column.is_date)
    ]


def _values(entity: Entity, column: str, limit: int | None = None, distinct: bool = False) -> str:
    """Relation of a column's texts without blanks around them, from all parts that have it.

    distinct: each once, as it stands, so that few are cleaned where few differ.
    """
    bound = f" limit {limit}" if limit else ""
    once = "distinct " if distinct else ""
    blanks = r"'^[\s\x{00A0}\x{202F}]+|[\s\x{00A0}\x{202F}]+$'"
    return " union all ".join(
        f"(select regexp_replace(cast({sql_name(column)} as varchar), {blanks}, '', 'g') as value"
        f" from (select {once}{sql_name(column)} from {unpublished(part.scan)}{bound}))"
        for part in entity.parts
        if column in part.names
    )


# Numbers


def _marks_of(connection: duckdb.DuckDBPyConnection, entity: Entity, column: str) -> _Marks:
    """Look at the beginning; at all of it where that does not tell, or a comma stands further down."""
    marks = _count_marks(connection, _values(entity, column, SAMPLED_ROWS))
    commas = entity.commas.get(column)
    if commas is None:
        commas = connection.execute(
            f"select count_if(contains(value, ',')) from ({_values(entity, column)})"
        ).fetchall()[0][0]
    if not commas and (marks.points or not marks.either_point):
        return marks
    return _count_marks(connection, _values(entity, column))


def _count_marks(connection: duckdb.DuckDBPyConnection, values: str) -> _Marks:
    """Count what tells the decimal mark.

    A single mark is decisive when it is not followed by exactly three digits, or follows a lone 0 or more than three
    digits; groups before another mark, or two equal marks, tell what the other mark is.
    """
    before = rf"[-+(\x{{2212}}]*{CURRENCY}?[. ]?[-+]?"
    behind = rf"[ ]?%?{CURRENCY}?[-)]*( ?[CcDd][Rr])?"
    spaced = f"[{GROUPS}]"

    def decisive(mark: str, group: str) -> str:
        grouped = rf"[0-9]{{1,3}}(({group}|{spaced})[0-9]{{2,3}})+"
        return (
            rf"{before}([0-9]*{mark}([0-9]{{1,2}}|[0-9]{{4,}})|(0?|[0-9]{{4,}}){mark}[0-9]{{3}}"
            rf"|{grouped}{mark}[0-9]*|[0-9]{{1,3}}({group}[0-9]{{2,3}})*{group}[0-9]{{3}}{group}[0-9]{{3}}"
            rf"|[0-9]{{1,2}}({group}[0-9]{{2}})+{group}[0-9]{{3}}){behind}"
        )

    counted = connection.execute(
        "select "
        f"count_if(regexp_full_match(value, {sql_text(decisive(',', '[.]'))})), "
        f"count_if(regexp_full_match(value, {sql_text(decisive('[.]', ','))})), "
        f"count_if(regexp_full_match(value, {sql_text(before + '[1-9][0-9]{0,2},[0-9]{3}' + behind)})), "
        f"count_if(regexp_full_match(value, {sql_text(before + '[1-9][0-9]{0,2}[.][0-9]{3}' + behind)})) "
        f"from ({values})"
    ).fetchall()[0]
    return _Marks(*(int(count or 0) for count in counted))


def _decide_marks(
    entities: Sequence[Entity],
    marks: Mapping[tuple[str, str], _Marks],
    delimiters: Mapping[str, str],
    given: str,
) -> dict[str, str]:
    """A column that tells its mark keeps it; one that does not follows the rest of the input, all tables together."""
    told = [each.told for each in marks.values() if each.told]
    rest = given or (None if told.count(",") == told.count(".") else max(",.", key=told.count))
    found: dict[str, str] = {}
    for entity in entities:
        mine = {name: each for (of, name), each in marks.items() if of == entity.name and each.has_any}
        commas = []
        for name, each in mine.items():
            mark = each.told or rest
            if mark is None:
                # Semicolons between columns are what spreadsheets write where commas stand in numbers.
                mark = "," if delimiters.get(entity.name) == ";" and each.either_comma else "."
            if mark == ",":
                found[f"{entity.name}.{name}"] = ","
                commas.append(name)
            _note_mark(entity, name, each, mark, rest)
        if commas:
            every = len(commas) == len(mine)
            what = "numbers are" if every and len(mine) > 1 else f"{', '.join(commas)}: numbers are"
            entity.notes.append(f"{entity.name}: {what} read with a decimal comma.")
        entity.decimal_comma = bool(commas)
    return found


def _note_mark(entity: Entity, name: str, marks: _Marks, mark: str, rest: str | None) -> None:
    if marks.commas and marks.points:
        fewer = "comma" if mark == "." else "point"
        entity.notes.append(
            f"{entity.name}: {name}: some numbers have a decimal {fewer}, unlike most; they will be rejected."
        )
    elif not marks.told:
        seen = "," if marks.either_comma else "."
        meaning = "decimals" if seen == mark else "thousands"
        why = "as in the rest of the input" if rest else "no number tells; DECIMAL_MARK settles it"
        entity.notes.append(
            f"{entity.name}: {name}: {'commas' if seen == ',' else 'points'} in numbers like 1{seen}234 are taken to set"
            f" off {meaning}, {why}."
        )


# Dates


def _decide_dates(
    connection: duckdb.DuckDBPyConnection,
    entities: Sequence[Entity],
    text: Mapping[str, Sequence[Column]],
    given: str,
) -> dict[str, str]:
    """The reading in which most rows are dates; days over 12 tell day from month, here or in another column."""
    orders: dict[str, str] = {}
    open_ones: list[tuple[Entity, str, str]] = []
    for entity in entities:
        for column in text[entity.name]:
            if not column.is_date:
                continue
            order, example = _order_of(connection, entity, column.name)
            if order == "open":
                open_ones.append((entity, column.name, example))
            elif order:
                orders[f"{entity.name}.{column.name}"] = order
                entity.notes.append(
                    f"{entity.name}: {column.name}: dates like {shown(example)} are read as {DATE_ORDERS[order]}."
                )
    told = {order for order in orders.values() if order in ("dmy", "mdy")}
    for entity, column_name, example in open_ones:
        order = given or (told.copy().pop() if len(told) == 1 else "")
        if not order:
            raise UserError(
                f"{entity.name}: {column_name}: dates like {shown(example)} can be read as day or as month first, and no date of"
                " the input tells; say DATE_ORDER=dmy or DATE_ORDER=mdy."
            )
        orders[f"{entity.name}.{column_name}"] = order
        why = "as DATE_ORDER says" if given else "as in the rest of the input"
        entity.notes.append(
            f"{entity.name}: {column_name}: dates like {shown(example)} are read as {DATE_ORDERS[order]}, {why}."
        )
    return orders


def _order_of(connection: duckdb.DuckDBPyConnection, entity: Entity, column: str) -> tuple[str, str]:
    """The order of a column's dates and an example; "" for dates like 2025-12-31, "open" where day or month is first."""
    shapes = {"": ISO, "compact": COMPACT, "named": NAMED, "parts": IN_PARTS}
    counts = ", ".join(
        f"count_if(regexp_full_match(value, {sql_text(shape)})),"
        f" min(value) filter (where regexp_full_match(value, {sql_text(shape)}))"
        for shape in shapes.values()
    )
    row = connection.execute(f"select {counts} from ({_values(entity, column, SAMPLED_ROWS)})").fetchall()[0]
    found = {name: (int(row[2 * place] or 0), str(row[2 * place + 1])) for place, name in enumerate(shapes)}
    shape = max(found, key=lambda name: found[name][0])
    if shape != "parts":
        return shape, found[shape][1]
    first, second, example = connection.execute(
        f"""
        select
            count_if(try_cast(regexp_extract(value, {sql_text(IN_PARTS)}, 1) as integer) > 12),
            count_if(try_cast(regexp_extract(value, {sql_text(IN_PARTS)}, 2) as integer) > 12),
            min(value)
        from ({_values(entity, column)})
        where regexp_full_match(value, {sql_text(IN_PARTS)})
        """
    ).fetchall()[0]
    first, second = first or 0, second or 0
    if first == second:
        return "open", str(example)
    return ("dmy" if first > second else "mdy"), str(example)


def _decide_zones(
    connection: duckdb.DuckDBPyConnection, entities: Sequence[Entity], time_zone: str
) -> dict[str, str]:
    """Columns of moments are days only in a time zone; the machine's own is nobody's decision."""
    found = {}
    for entity in entities:
        for part in entity.parts:
            types = {
                row[0]: row[1]
                for row in connection.execute(f"describe from {unpublished(part.scan)}").fetchall()
            }
            for column in entity.columns:
                if column.is_date and types.get(column.name) == "TIMESTAMP WITH TIME ZONE":
                    found[f"{entity.name}.{column.name}"] = time_zone
    if not found:
        return {}
    columns = ", ".join(found)
    if not time_zone:
        raise UserError(
            f"{columns}: moments with a time zone, which are other days in other zones; say in which one the bank's days"
            " are, as in TIME_ZONE=Asia/Jakarta."
        )
    try:
        connection.execute("select timezone(?, now())", [time_zone])
    except duckdb.Error:
        raise UserError(
            f"TIME_ZONE={time_zone}: no such time zone; expected a name like Asia/Jakarta."
        ) from None
    entities[0].notes.append(f"{columns}: days are those of {time_zone}.")
    return found


# Money


def currency_of(connection: duckdb.DuckDBPyConnection, entities: Sequence[Entity]) -> str:
    """The one currency that the input's columns of currencies name; empty where it has none.

    Raises UserError where there are several: amounts of several currencies cannot be added up.
    """
    seen: set[str] = set()
    places = []
    for entity in entities:
        for name in CURRENCY_COLUMNS:
            values = _values(entity, name, distinct=True)
            if not values:
                continue
            found = connection.execute(
                f"select distinct upper(value) as code from ({values}) where value != '' order by code limit 6"
            ).fetchall()
            codes = [str(code) for (code,) in found]
            seen |= set(codes)
            places.append(f"{entity.name}: {name} holds {listed(codes) or 'nothing'}")
    if len(seen) > 1:
        raise UserError(
            f"{'; '.join(places)}; amounts of several currencies cannot be added up. Give the rows of one of them, or"
            " convert them."
        )
    return next(iter(seen), "")


def _decide_sign(
    connection: duckdb.DuckDBPyConnection, entities: Sequence[Entity], given: str
) -> dict[str, str]:
    """Debt is kept as a negative balance where no statement with something due has a balance above 0."""
    if given:
        turned = ("statements.owed", "transactions.owed", "accounts.owed")
        return dict.fromkeys(turned, given) if given == "negative" else {}
    for entity in entities:
        if entity.name != "statements":
            continue
        for limit in (SAMPLED_ROWS, None):
            minimum, balance = _plain_number("minimum_due"), _plain_number("closing_balance")
            bound = f" limit {limit}" if limit else ""
            rows = " union all ".join(
                f"(select minimum_due, closing_balance from {unpublished(part.scan)}{bound})"
                for part in entity.parts
            )
            owed, below = connection.execute(
                f"select count(*), coalesce(count_if(balance < 0), 0) from (select {minimum} as minimum,"
                f" {balance} as balance from ({rows.replace('union all', 'union all by name')}))"
                " where minimum > 0 and balance != 0"
            ).fetchall()[0]
            if not owed or below < owed:
                return {}
        entity.notes.append(
            f"{entity.name}: balances are below 0 wherever something is due, so that debt is taken to be negative; their"
            " sign is turned."
        )
        return {"statements.owed": "negative"}
    return {}


def _plain_number(name: str) -> str:
    """SQL of a number as far as its sign and whether it is 0 are concerned."""
    text = f"cast({sql_name(name)} as varchar)"
    digits = f"try_cast(nullif(regexp_replace({text}, '[^0-9]', '', 'g'), '') as hugeint)"
    return rf"if(regexp_matches({text}, '[-(\x{{2212}}]'), -{digits}, {digits})"


# Shares


def _decide_percent(connection: duckdb.DuckDBPyConnection, entities: Sequence[Entity]) -> dict[str, str]:
    """A share is in percent where all of its values have the sign, or none lies between 0 and 1 and some above 2.

    The least percentage is one month of twelve, 8.3; months with cash advances reach 1.5 times tenure. A column of which
    some values are in percent and others are not, or few are above 2, stays as it is, and what is above 1 is refused
    row by row.
    """
    found: dict[str, str] = {}
    for entity in entities:
        shares = [column.name for column in entity.columns if is_share(column.name)]
        if not shares:
            continue
        for limit in (SAMPLED_ROWS, None):
            counts = ", ".join(_counts_of_percent(name) for name in shares)
            bound = f" limit {limit}" if limit else ""
            rows = " union all by name ".join(
                f"(select {', '.join(map(sql_name, shares))} from {unpublished(part.scan)}{bound})"
                for part in entity.parts
            )
            counted = connection.execute(f"select {counts} from ({rows})").fetchall()[0]
            judged = {name: counted[5 * place : 5 * place + 5] for place, name in enumerate(shares)}
            percent = [
                name
                for name, (signs, unsigned, inside, above, all_rows) in judged.items()
                if (signs and not unsigned)
                or (above >= FEWEST_PERCENT * all_rows > 0 and not signs and not inside)
            ]
            if not percent:
                break
        found |= {f"{entity.name}.{name}.percent": "percent" for name in percent}
        if percent:
            entity.notes.append(
                f"{entity.name}: {', '.join(percent)} are in percent; they are divided by 100."
            )
    return found


def is_share(name: str) -> bool:
    """Whether a summary's column is a share, 0 to 1."""
    return name.endswith("_frequency") or name == "prc_full_payment"


def _counts_of_percent(name: str) -> str:
    """SQL of five counts: values with a percent sign, others that are not 0, values in (0, 1], above 2, and all."""
    text = f"cast({sql_name(name)} as varchar)"
    number = f"try_cast(replace(rtrim({text}, '% '), ',', '.') as double)"
    signed = f"contains({text}, '%')"
    return (
        f"count(*) filter ({signed}), count(*) filter ({number} != 0 and not {signed}), "
        f"count(*) filter ({number} > 0 and {number} <= 1), count(*) filter ({number} > 2), count({sql_name(name)})"
    )


# Values that are none


def _refuse_scaled(connection: duckdb.DuckDBPyConnection, entities: Sequence[Entity]) -> None:
    """A summary that went through a scaler holds no money, months and counts any more; its tenure gives it away."""
    for entity in entities:
        if "tenure" not in entity.names:
            continue
        names = [column.name for column in entity.columns if column.is_number and not is_share(column.name)]
        as_given = " union all by name ".join(
            f"(select {', '.join(map(sql_name, names))} from {unpublished(part.scan)})"
            for part in entity.parts
        )
        numbers = ", ".join(
            f"try_cast(replace(cast({sql_name(name)} as varchar), ',', '.') as double) as {sql_name(name)}"
            for name in names
        )
        values = f"(select {numbers} from ({as_given}))"
        given, months, largest = connection.execute(
            "select count(tenure), count_if(tenure between 1 and 12 and tenure = round(tenure)),"
            f" max(greatest({', '.join(map(sql_name, names))}))"
            f" from (from {values} limit {SAMPLED_ROWS})"
        ).fetchall()[0]
        if given < FEWEST_TO_JUDGE or (2 * months >= given and largest > 1):
            continue
        described = connection.execute(
            "select "
            + ", ".join(f"min({n}), max({n}), avg({n}), stddev({n})" for n in map(sql_name, names))
            + f" from {values}"
        ).fetchall()[0]
        judged = {name: described[4 * place : 4 * place + 4] for place, name in enumerate(names)}
        known = {name: each for name, each in judged.items() if each[0] is not None}
        centred = [name for name, (least, *_) in known.items() if least < 0]
        within_one = [name for name, (least, most, *_) in known.items() if least >= 0 and most <= 1]
        for scaled, how in ((centred, "below 0"), (within_one, "between 0 and 1 alone")):
            if 2 * len(scaled) > len(known):
                _, _, mean, deviation = known[scaled[0]]
                raise UserError(
                    f"{entity.name} looks scaled already: {', '.join(scaled[:4])}"
                    f"{f' and {len(scaled) - 4} more' if len(scaled) > 4 else ''} have values {how} ({scaled[0]}: mean"
                    f" {mean:.2f}, standard deviation {deviation or 0:.2f}). The job needs money, months and counts as they"
                    " are, and scales them itself; give the file from before the scaling."
                )


# What stands for nothing


def _note_empties(connection: duckdb.DuckDBPyConnection, entity: Entity, columns: Sequence[Column]) -> None:
    """Name the words that are read as empty. What a scan of all rows did not count is looked for at the beginning."""
    words = ", ".join(sql_text(word) for word in EMPTIES if word)
    found: dict[str, list[str]] = {}
    for column in columns:
        if entity.empties.get(column.name) == 0:
            continue
        rows = connection.execute(
            f"select distinct value from ({_values(entity, column.name)}) where value in ({words}) order by value"
        ).fetchall()
        for (word,) in rows:
            found.setdefault(word, []).append(column.name)
    for word, names in found.items():
        entity.notes.append(f"{entity.name}: {word} is read as empty in {', '.join(names)}.")

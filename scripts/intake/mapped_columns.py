"""What a mapping says, as SQL: the contract's columns beside the bank's own, in the scans of an opened entity.

Reads the input through the opened parts (types of columns, rows that are left out, keys of joined files); writes
nothing. The bank's own columns stay, for `rejected_rows` and for protected traits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import duckdb

from scripts.base.errors import UserError
from scripts.base.quoting import sql_name, sql_text
from scripts.base.sentences import shown
from scripts.intake.customer_ids import id_sql
from scripts.intake.mapping import (
    CODE_SEPARATOR,
    IN,
    KEY_SEPARATOR,
    LEAVE_OUT,
    OUT,
    CodeTarget,
    Form,
    TableMapping,
)
from scripts.intake.source_files import Column, Entity, Part, unpublished

# So many codes that the mapping does not name are told, the commonest first.
MOST_CODES = 5


def map_entity(connection: duckdb.DuckDBPyConnection, entity: Entity, table: TableMapping) -> None:
    """Put the mapped columns into the entity's parts, and take off the rows whose code is left out.

    Raises UserError where that leaves none.
    """
    _tell_codes(connection, entity, table)
    left_out: dict[str, int] = {}
    for place, part in enumerate(entity.parts):
        forms = _expressions(connection, entity, table, part)
        entity.parts[place] = _mapped(table, part, forms)
        if _leaves_out(table):
            left_out |= _count_left_out(connection, part, forms)
    if not left_out:
        return
    entity.files = [replace(file, rows=file.rows - left_out.get(str(file.path), 0)) for file in entity.files]
    if not any(file.rows > file.unreadable_rows for file in entity.files):
        raise UserError(
            f"{entity.name}: the mapping leaves out all of its {sum(left_out.values()):,} rows; give some code a type."
        )
    entity.notes.append(
        f"{entity.name}: {sum(left_out.values()):,} rows are left out, as the mapping says of their codes."
    )


def take_from(
    connection: duckdb.DuckDBPyConnection, entity: Entity, other: Entity, table: TableMapping
) -> None:
    """Make the entity's one part out of another's parts, as they were opened: each combination of its columns once."""
    selects = []
    names = [column.name for column in entity.columns]
    for part in other.parts:
        forms = _expressions(connection, entity, table, part)
        columns = ", ".join(f"{forms.get(name, sql_name(name))} as {sql_name(name)}" for name in names)
        selects.append(f"select {columns}, _intake_path from {part.scan}")
    grouped = ", ".join(sql_name(name) for name in names)
    scan = (
        f"(select {grouped}, min(_intake_path) as _intake_path from ({' union all by name '.join(selects)}) "
        f"where {sql_name(names[0])} is not null group by all)"
    )
    order = ", ".join(f"{sql_name(name)}" for name in names)
    numbered = f"(select *, row_number() over (order by {order}) as _row_number from {scan})"
    [(rows,)] = connection.execute(f"select count(*) from {unpublished(scan)}").fetchall()
    entity.files = [replace(other.files[0], source=entity.name, rows=int(rows), unreadable_rows=0)]
    entity.parts = [Part(entity.files, tuple(names), scan, numbered, text=True)]
    entity.notes.append(
        f"{entity.name}: taken from {other.name}, as the mapping says: {int(rows):,} of them."
    )


def join_files(connection: duckdb.DuckDBPyConnection, entity: Entity, joined: Entity, key: str) -> None:
    """Put the columns of a joined file beside those of the entity's parts; a name that both have stays the entity's.

    Raises UserError where the joined file has a key twice.
    """
    path = joined.files[0].path
    if any(file.unreadable_rows for file in joined.files):
        raise UserError(f"{path}: some of its rows cannot be read, so it cannot be joined; export it again.")
    added_names = list(dict.fromkeys(name for part in joined.parts for name in part.names))
    beside_it = f"({' union all by name '.join(f'from {part.scan}' for part in joined.parts)})"
    twice = connection.execute(
        f"select {id_sql(sql_name(key))} as key from {unpublished(beside_it)} group by key having count(*) > 1 order by key limit 1"
    ).fetchall()
    if twice:
        raise UserError(
            f"{path}: {shown(key)} {shown(twice[0][0])} stands there more than once, so that rows of {entity.name} would be doubled; "
            "a file to join has one row for each key."
        )
    for place, own in enumerate(entity.parts):
        added = [name for name in added_names if name not in own.names]
        columns = ", ".join(f"joined.{sql_name(name)}" for name in added)
        on = f"{id_sql('given.' + sql_name(key))} = {id_sql('joined.' + sql_name(key))}"

        def beside(scan: str, columns: str = columns, on: str = on) -> str:
            return f"(select given.*, {columns} from {scan} as given left join {beside_it} as joined on {on})"

        [(alone,)] = connection.execute(
            f"select count(*) from {unpublished(own.scan)} as given where {id_sql('given.' + sql_name(key))} not in "
            f"(select {id_sql('joined.' + sql_name(key))} from {unpublished(beside_it)} as joined"
            f" where joined.{sql_name(key)} is not null)"
        ).fetchall()
        if alone:
            entity.notes.append(
                f"{entity.name}: {alone:,} rows have no partner by {shown(key)} in {shown(path.name)}."
            )
        entity.parts[place] = replace(
            own, names=(*own.names, *added), scan=beside(own.scan), numbered=beside(own.numbered)
        )


def mapped_spellings(entity: Entity, table: TableMapping) -> dict[str, str]:
    """What the macros of dbt have to know: columns that the bank does not have, and numbers in other units."""
    found = {}
    for name, form in table.columns.items():
        if form.kind == "absent":
            found[f"{entity.name}.{name}.absent"] = "absent"
        if float(form.divide_by) != 1:
            found[f"{entity.name}.{name}.divide_by"] = form.divide_by
    return found


def _mapped(table: TableMapping, part: Part, forms: Mapping[str, str]) -> Part:
    # Where a name of the contract is one of the bank's with another meaning, the bank's is kept under another.
    theirs = {name: f"{name}_as_given" if name in forms else name for name in part.names}
    columns = ", ".join(
        [
            *(f"{sql} as {sql_name(name)}" for name, sql in forms.items()),
            *(f"{sql_name(name)} as {sql_name(kept)}" for name, kept in theirs.items()),
            "_intake_path",
        ]
    )
    where = f" where {_is_kept(forms)}" if _leaves_out(table) else ""
    # Numbers of rows are told by the numbered scan alone.
    counted = any(form.kind == "rows" for form in table.columns.values())
    scan = part.numbered if counted else part.scan
    return replace(
        part,
        names=(*forms, *theirs.values()),
        scan=f"(select {columns} from {scan}{where})",
        numbered=f"(select {columns}, _row_number from {part.numbered}{where})",
    )


def _leaves_out(table: TableMapping) -> bool:
    form = table.columns.get("transaction_type")
    targets = [*form.codes.values(), *filter(None, [form.other])] if form else []
    return any(LEAVE_OUT in (target.out, target.into) for target in targets)


def _is_kept(forms: Mapping[str, str]) -> str:
    return f"({forms['transaction_type']}) is distinct from {sql_text(LEAVE_OUT)}"


def _count_left_out(
    connection: duckdb.DuckDBPyConnection, part: Part, forms: Mapping[str, str]
) -> dict[str, int]:
    rows = connection.execute(
        f"select _intake_path, count(*) from {unpublished(part.scan)} where not ({_is_kept(forms)}) group by all"
    ).fetchall()
    return {str(path): int(count) for path, count in rows}


def _tell_codes(connection: duckdb.DuckDBPyConnection, entity: Entity, table: TableMapping) -> None:
    """Say which codes the mapping does not name, and which of its codes never occur: either may be a misspelling."""
    form = table.columns.get("transaction_type")
    if form is None or form.kind != "codes" or not form.columns:
        return
    ours = next(column for column in entity.columns if column.name == "transaction_type").values
    keys = " union all ".join(
        f"select {_code_key(form)} as code from {unpublished(part.scan)}" for part in entity.parts
    )
    found = connection.execute(
        f"select code, count(*) as row_count from ({keys}) group by code order by row_count desc, code"
    ).fetchall()
    unnamed = [
        (code, count) for code, count in found if code not in form.codes and (form.other or code not in ours)
    ]
    if unnamed:
        some = ", ".join(
            f"{shown(code) or '(empty)'} ({count:,} rows)" for code, count in unnamed[:MOST_CODES]
        )
        more = f" and {len(unnamed) - MOST_CODES:,} more" if len(unnamed) > MOST_CODES else ""
        fate = "they are taken as `other` says" if form.other else "they are refused"
        entity.notes.append(f"{entity.name}: codes that the mapping does not name: {some}{more}; {fate}.")
    never = sorted(set(form.codes) - {code for code, _ in found})
    if never:
        more = f" and {len(never) - MOST_CODES:,} more" if len(never) > MOST_CODES else ""
        entity.notes.append(
            f"{entity.name}: codes of the mapping that never occur: {', '.join(map(shown, never[:MOST_CODES]))}{more}."
        )


def _expressions(
    connection: duckdb.DuckDBPyConnection, entity: Entity, table: TableMapping, part: Part
) -> dict[str, str]:
    """SQL of each mapped column that is not the bank's column of the same name as it stands."""
    types = {
        row[0]: str(row[1])
        for row in connection.execute(f"describe from {unpublished(part.scan)}").fetchall()
    }
    amount = table.columns.get("amount")
    found = {}
    for name, form in table.columns.items():
        if form.kind == "column" and form.columns == (name,):
            continue
        column = next((each for each in entity.columns if each.name == name), Column(name, "varchar", True))
        found[name] = _expression(entity, column, form, amount, types)
    return found


def _expression(
    entity: Entity, column: Column, form: Form, amount: Form | None, types: Mapping[str, str]
) -> str:
    theirs = [sql_name(name) for name in form.columns]
    match form.kind:
        case "column":
            return theirs[0]
        case "absent":
            return f"cast(null as {column.data_type})"
        case "value":
            return f"cast({sql_text(form.value)} as {'varchar' if not column.is_date else 'date'})"
        case "joined":
            return f" || {sql_text(KEY_SEPARATOR)} || ".join(id_sql(name) for name in theirs)
        case "rows":
            number = "cast(_row_number as varchar)"
            if len(entity.files) == 1:
                return number
            prefix = len(str(entity.folder).rstrip("/")) + 1
            return f"_intake_path[{prefix + 1}:] || ':' || {number}"
        case "year_month_day":
            year, month, day = (id_sql(name) for name in theirs)
            return f"{year} || '-' || lpad({month}, 2, '0') || '-' || lpad({day}, 2, '0')"
        case "format":
            text = f"trim(cast({theirs[0]} as varchar))"
            return f"coalesce(strftime(try_strptime({text}, {sql_text(form.value)}), '%Y-%m-%d'), {text})"
        case "signed" | "told":
            return _without_sign(theirs[0], types[form.columns[0]])
        case "split":
            out, into = (
                _without_sign(name, types[each]) for name, each in zip(theirs, form.columns, strict=True)
            )
            given_out, given_in = (_is_given(name) for name in theirs)
            return (
                f"case when {given_out} and {given_in} then null when {given_in} then {into} else {out} end"
            )
        case "codes":
            return _type_sql(form, amount, types)
    raise AssertionError(form.kind)


def _without_sign(name: str, data_type: str) -> str:
    if data_type != "VARCHAR":
        return f"abs({name})"
    return rf"regexp_replace({name}, '[-+()\x{{2212}}]|[ ]*[CcDd][Rr][ ]*$', '', 'g')"


def _is_given(name: str) -> str:
    """Whether a column of amounts holds one that is not 0."""
    return f"coalesce(regexp_matches(cast({name} as varchar), '[1-9]'), false)"


def _is_negative(name: str) -> str:
    return rf"coalesce(regexp_matches(cast({name} as varchar), '[-(\x{{2212}}]'), false)"


def _direction(form: Form, types: Mapping[str, str]) -> str:
    """SQL of `out` or `in`; null where neither is told. CR and DR behind a number say so themselves."""
    theirs = [sql_name(name) for name in form.columns]
    turned = {OUT: IN, IN: OUT}
    if form.kind == "split":
        out, into = (_is_given(name) for name in theirs)
        against = f"{_is_negative(f'case when {into} then {theirs[1]} else {theirs[0]} end')}"
        return (
            f"case when {out} and {into} then null when ({into}) != ({against}) then '{IN}' else '{OUT}' end"
        )
    if form.kind == "signed":
        said = f"lower(right(trim(cast({theirs[0]} as varchar)), 2))"
        return (
            f"case when {said} = 'cr' then '{IN}' when {said} = 'dr' then '{OUT}' "
            f"when {_is_negative(theirs[0])} then '{form.value}' else '{turned[form.value]}' end"
        )
    said = f"lower({id_sql(theirs[1])})"
    ways = " ".join(
        f"when {said} in ({', '.join(map(sql_text, form.words[way]))}) "
        f"then case when {_is_negative(theirs[0])} then '{turned[way]}' else '{way}' end"
        for way in (OUT, IN)
    )
    return f"case {ways} end"


def _code_key(form: Form) -> str:
    # Spelled as ids are: 6011.0 is what a column of numbers with gaps becomes of 6011.
    parts = [f"coalesce(lower({id_sql(sql_name(name))}), '')" for name in form.columns]
    return f"trim({f' || {sql_text(CODE_SEPARATOR)} || '.join(parts)})"


def _type_sql(form: Form, amount: Form | None, types: Mapping[str, str]) -> str:
    def target(each: CodeTarget) -> str:
        if not each.needs_direction or amount is None:
            return sql_text(each.out)
        return f"case {_direction(amount, types)} when '{OUT}' then {sql_text(each.out)} when '{IN}' then {sql_text(each.into)} end"

    if not form.columns:
        assert form.other is not None
        return target(form.other)
    other = target(form.other) if form.other else _code_key(form)
    if not form.codes:
        return other
    # Codes of one target stand together: a bank has hundreds of merchant codes.
    by_target: dict[CodeTarget, list[str]] = {}
    for code, each in form.codes.items():
        by_target.setdefault(each, []).append(code)
    cases = " ".join(
        f"when {_code_key(form)} in ({', '.join(map(sql_text, codes))}) then {target(each)}"
        for each, codes in by_target.items()
    )
    return f"case {cases} else {other} end"

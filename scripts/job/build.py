"""The build: input to published segments, step by step. Writes below warehouse/, and data/sample for the sample."""

import datetime as dt
import json
import re
import time
from pathlib import Path
from typing import Any

import duckdb

from scripts.base.console import Console
from scripts.base.errors import UserError
from scripts.base.lock import build_lock
from scripts.base.parameters import dbt_variables, default_parameters, machine_limits
from scripts.base.paths import (
    DBT_TARGET,
    LINK,
    LOGS,
    MANIFEST,
    SAMPLE,
    SEEDS,
    STAGES,
    STAGING,
    VERSIONS,
    WORK,
    given_path,
    version_name,
)  # fmt: skip
from scripts.base.quoting import sql_text
from scripts.base.seeds import assumed_currency, check_seeds
from scripts.base.warehouse import make_warehouse
from scripts.dbt.failures import why_dbt_failed
from scripts.dbt.runner import run_dbt
from scripts.intake.csv_dialect import normalise
from scripts.intake.customer_ids import collect_customers
from scripts.intake.mapping import (
    UNMAPPED,
    InputMapping,
    find_mapping,
    load_mapping,
    mapping_beside,
    with_row_ids,
)
from scripts.intake.objections import Objections, hand_over, update_register
from scripts.intake.source import Contract, Intake, load_contract, open_source
from scripts.job.origin import Origin, check_kept, check_portfolio, choose_origin, read_origin
from scripts.job.summary import Summary, summarise
from scripts.outputs.metabase.resync import ask_for_resync
from scripts.outputs.report.page import write_report
from scripts.outputs.workbook.workbook import write_workbook
from scripts.published.version import prepare, publish, remove_leftovers


def build(given: dict[str, Any], warehouse: Path, console: Console) -> Summary:
    """Run the whole job and return what there is to say of it.

    given: the parameters that were set, by their var's name. Raises UserError where the input, a
    parameter or the surroundings are at fault; what was published before stays as it was.
    """
    settings = {**default_parameters(), **given}
    machine = machine_limits()
    check_seeds(SEEDS)
    make_warehouse(warehouse)
    with build_lock(warehouse):
        remove_leftovers(warehouse)
        work = warehouse / WORK
        published_before = read_origin(warehouse)
        origin = choose_origin(given, published_before, warehouse)
        if origin == published_before and not given.get("source"):
            console.note(f"SOURCE is left out: the input is that of the last build, {origin.words}")
        source = _sample(settings, console) if origin.is_sample else _named(settings, origin)
        contract = load_contract(STAGING)
        mapping = _mapping(settings, source, origin, published_before, contract, console)
        given = {**mapping.parameters, **given}
        settings |= given
        with console.stage("Open the input") as stage, _open_work(work) as connection:
            intake = open_source(
                connection,
                source,
                contract,
                mapping,
                decimal_mark=settings["decimal_mark"],
                date_order=settings["date_order"],
                time_zone=settings["time_zone"],
            )
            stage.rows = connection.execute("select coalesce(sum(rows), 0) from raw.inputs").fetchall()[0][0]
            customers = collect_customers(connection, intake.kind)
            delivery = check_portfolio(
                connection,
                customers,
                origin,
                published_before,
                warehouse,
                new_source=bool(settings["new_source"]),
                kept_share=settings["min_kept_share"],
            )
            objections = update_register(
                warehouse,
                settings["objections"],
                settings["objections_withdrawn"],
                connection,
                customers,
                settings["unmatched"],
                mapping.id_columns,
            )
            hand_over(connection, objections.ids)
            unread = keep_models(connection, warehouse / LINK)
            protected = _protected(connection, intake, settings["protected"])
        for note in (*intake.notes, *filter(None, [unread, delivery])):
            console.note(note)
        for note in _notes_on(objections, warehouse):
            console.note(note)
        currency = settings["currency"] or intake.currency
        for note in notes_on_currency(currency, intake.currency, assumed_currency(SEEDS)):
            console.note(note)
        variables = {
            **dbt_variables(given),
            "currency": currency,
            "source_kind": intake.kind,
            "spellings": dict(intake.spellings),
            "protected": protected,
            "input_path": str(origin.path),
            "mapping_path": str(mapping.path or ""),
            "is_sample": origin.is_sample,
        }
        manifest = _run_dbt(variables, warehouse, console)
        if not settings["new_source"]:
            check_kept(work, origin, published_before, warehouse, settings["min_kept_share"])
        try:
            with console.stage("Write the tables") as stage:
                version = prepare(
                    work=work,
                    warehouse=warehouse,
                    manifest=manifest,
                    run=dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%S%fZ"),
                    memory_limit=machine.memory,
                    threads=machine.threads,
                )
                stage.rows = sum(version.tables.values())
            with console.stage("Write the report"):
                write_report(version.path, version.outputs)
            with console.stage("Write the workbook") as stage:
                _, stage.rows = write_workbook(version.path, version.outputs)
            summary = summarise(version.path, warehouse)
            with console.stage("Publish"):
                published = publish(version, keep=settings["keep_versions"])
        finally:
            remove_leftovers(warehouse)
        _write_stages(console, warehouse / STAGES)
        unasked = ask_for_resync(warehouse, published.link)
        if unasked:
            console.note(unasked)
    return summary


def keep_models(connection: duckdb.DuckDBPyConnection, published: Path) -> str:
    """Where the work file holds no models, as one that is new or of an earlier release, take the published ones.

    Returns what could not be done, in a sentence, or nothing.
    """
    tables = {"int_model_runs": "model_runs", "int_model_parameters": "model_parameters"}
    here = connection.execute("select table_name from duckdb_tables() where schema_name = 'model'").fetchall()
    if ("int_model_runs",) in here or not published.exists():
        return ""
    # Tables of a release that had other folders.
    for schema in ("features", "segmentation", "meaning", "seeds", "marts"):
        connection.execute(f"drop schema if exists {schema} cascade")
    connection.execute("create schema if not exists model")
    try:
        connection.execute(f"attach {sql_text(str(published.resolve()))} as published (read_only)")
        for table, mart in tables.items():
            connection.execute(f"create or replace table model.{table} as from published.marts.{mart}")
        connection.execute("detach published")
    except duckdb.Error as error:
        return f"{published}: cannot be read ({str(error).splitlines()[0]}), so that models shows none of earlier builds"
    return ""


def _notes_on(objections: Objections, warehouse: Path) -> list[str]:
    notes = []
    if objections.added or objections.withdrawn or objections.kept:
        notes.append(
            f"objections: {objections.added:,} new, {objections.withdrawn:,} withdrawn,"
            f" {len(objections.ids):,} in the register"
            + (
                f", {objections.kept:,} of them not in the list handed in; they stay"
                if objections.kept
                else ""
            )
        )
    notes.extend(objections.strangers)
    if objections.added and any((warehouse / VERSIONS).glob(f"{version_name('*')}.duckdb")):
        notes.append(
            "versions published before still hold the segments of those who objected now; KEEP_VERSIONS=1"
            " removes them with this build"
        )
    return notes


def notes_on_currency(used: str, of_column: str, assumed: str) -> list[str]:
    """What there is to say of the currency in use: another than a column of the input names, or than the assumptions'."""
    notes = []
    if of_column and used.upper() != of_column.upper():
        notes.append(
            f"amounts are taken to be in {used}, as was said, though a column of the input says {of_column}"
        )
    if used and used.upper() != assumed.upper():
        notes.append(
            f"amounts are in {used}, money in dbt_project/seeds/economics_assumptions.csv in {assumed}: values a year"
            " that need it are unknown until yours stands there"
        )
    return notes


def _protected(connection: duckdb.DuckDBPyConnection, intake: Intake, named: str) -> str:
    """Return the columns with protected traits as the input spells them; raise UserError for one it has not."""
    entity = "accounts" if intake.kind == "ledger" else "customer_summary"
    found = [row[0] for row in connection.execute(f"describe raw.{entity}").fetchall() if row[0][0] != "_"]
    contract = load_contract(STAGING).entities(intake.kind)[entity]
    others = [name for name in found if name not in {column.name for column in contract}]
    wanted = [normalise(name) for name in named.split(",") if name.strip()]
    for name in wanted:
        if name not in others:
            raise UserError(
                f"PROTECTED={name}: {entity} has no such column beside those the job needs; "
                + (f"it has {', '.join(others)}." if others else "it has no others.")
            )
    return ",".join(dict.fromkeys(wanted))


def _mapping(
    settings: dict[str, Any],
    source: Path,
    origin: Origin,
    before: Origin | None,
    contract: Contract,
    console: Console,
) -> InputMapping:
    """The mapping of this input, and a line that says which one it is."""
    if origin.is_sample:
        for name in ("mapping", "ids"):
            if settings[name]:
                raise UserError(
                    f"{name.upper()}: the generated sample has the job's own names and ids; give SOURCE, or leave it out."
                )
        return UNMAPPED
    path = find_mapping(source, settings["mapping"], before.mapping if before else None)
    mapping = load_mapping(path, contract) if path else UNMAPPED
    if path:
        beside_or_named = settings["mapping"] or path == mapping_beside(source.absolute())
        console.note(
            f"names and codes are those of {path}"
            if beside_or_named
            else f"MAPPING is left out: that of the last build, {path}; MAPPING=none does without"
        )
    if settings["ids"]:
        if source.is_dir():
            raise UserError(
                f"IDS=rows: is for a customer summary, but SOURCE={source} is a ledger; leave it out."
            )
        mapping = with_row_ids(mapping, contract)
        console.note(
            "ids are the numbers of the rows: they mean nothing in another file, nor in a list of customers"
        )
    return mapping


def _write_stages(console: Console, path: Path) -> None:
    """Leave rows and seconds per stage beside dbt's log, for whoever asks later where the time went."""
    stages = [{"stage": s.title, "rows": s.rows, "seconds": round(s.seconds, 3)} for s in console.stages]
    path.write_text(json.dumps(stages, indent=1) + "\n", encoding="utf-8")


def _named(settings: dict[str, Any], origin: Origin) -> Path:
    """The input's path as it was typed, for the words of an error; else where the last build found it."""
    return given_path("SOURCE", settings["source"] or str(origin.path))


def _sample(settings: dict[str, Any], console: Console) -> Path:
    from scripts.sample.ledger import write_sample_ledger

    out = SAMPLE
    with console.stage("Generate the sample") as stage:
        made = write_sample_ledger(
            out,
            customers=settings["customers"],
            seed=settings["seed"],
            file_format="csv",
            months=settings["sample_months"],
        )
        stage.rows = sum(made.rows.values())
    return out


def _open_work(work: Path) -> duckdb.DuckDBPyConnection:
    try:
        return duckdb.connect(str(work))
    except duckdb.Error as error:
        words = str(error).splitlines()[0]
        if "Could not set lock" in words:
            raise UserError(
                f"{work}: another process has it open ({_pid_of_holder(words)}); close it and build again."
            ) from None
        if "Permission denied" in words or not work.exists():
            raise UserError(f"{work}: cannot be written; check the folder's permissions.") from None
    # A file that cannot be read holds nothing the job could go on from; it is kept for a look, log and all.
    aside = work.with_suffix(f".broken-{int(time.time())}")
    work.rename(aside)
    log = Path(f"{work}.wal")
    if log.exists():
        log.rename(f"{aside}.wal")
    return duckdb.connect(str(work))


def _pid_of_holder(words: str) -> str:
    found = re.search(r"PID (\d+)", words)
    return f"pid {found[1]}" if found else "which one is not known"


def _run_dbt(variables: dict[str, Any], warehouse: Path, console: Console) -> Path:
    """Run `dbt build` in this process and return its manifest; raise UserError when a step failed."""
    console.start_dbt("Start dbt")
    result = run_dbt(
        ["build", "--exclude-resource-type", "unit_test"],
        variables,
        work=warehouse / WORK,
        target=warehouse / DBT_TARGET,
        logs=warehouse / LOGS,
        on_event=console.on_dbt_event,
    )
    console.end_dbt()
    if not result.success:
        raise UserError(why_dbt_failed(result, warehouse))
    return warehouse / MANIFEST

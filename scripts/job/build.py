"""The build: input to published segments, step by step. Writes below warehouse/, and data/sample for the sample."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from python_models.progress import LOGGER as LEARNING
from python_models.result_columns import FORMAT
from scripts.base.console import Console
from scripts.base.errors import UserError
from scripts.base.interrupts import uninterrupted
from scripts.base.lock import build_lock
from scripts.base.parameters import SPARK, dbt_variables, default_parameters, machine_limits
from scripts.base.paths import (
    CAMPAIGNS,
    CURRENT,
    DBT_TARGET,
    FORGOTTEN,
    FORGOTTEN_KEY,
    LINK,
    LOGS,
    MANIFEST,
    METABASE,
    OBJECTIONS,
    ROWS,
    SAMPLE,
    SEEDS,
    STAGING,
    VERSIONS,
    WORK,
    given_path,
)  # fmt: skip
from scripts.base.rights import group_named, group_that_reads, name_of_group, share
from scripts.base.seeds import assumed_currency, check_seeds
from scripts.base.sentences import listed, shown
from scripts.base.warehouse import make_warehouse
from scripts.campaigns.publishing import campaigns_of, hand_over_campaigns
from scripts.campaigns.publishing import digest_of as digest_of_campaigns
from scripts.dbt.failures import why_dbt_failed
from scripts.dbt.runner import run_dbt
from scripts.dbt.spark import check_spark
from scripts.intake.csv_dialect import normalise
from scripts.intake.customer_ids import collect_customers
from scripts.intake.forgotten import forgotten_among
from scripts.intake.mapping import (
    UNMAPPED,
    InputMapping,
    find_mapping,
    load_mapping,
    mapping_beside,
    with_row_ids,
)
from scripts.intake.objections import Objections, hand_over, objectors, update_register
from scripts.intake.pseudonyms import (
    Pseudonyms,
    choose_pseudonyms,
    pseudonyms_in_use,
    refuse_such_ids,
    remembered,
)
from scripts.intake.source import Contract, Intake, files_of, load_contract, open_source
from scripts.job.built_from import (
    UNTOLD,
    campaigns_are_told,
    digest_of,
    is_asked_to_build,
    is_published,
    what_it_is_built_from,
    who_is_left_out,
)
from scripts.job.built_from import keep as keep_built_from
from scripts.job.forgetting import take_out_of_versions, who_objects
from scripts.job.kept_rows import TABLES, keep_rows, known_files, offer_rows
from scripts.job.learning_request import learning_request
from scripts.job.on_spark import WITHOUT_LEDGER, compute_ledger
from scripts.job.origin import Origin, check_kept, check_portfolio, choose_origin, continues, read_origin
from scripts.job.state import take_over
from scripts.job.summary import Summary, summarise
from scripts.job.table_docs import keep_documentation
from scripts.job.unchanged_input import check_read, check_unchanged, look_at
from scripts.job.work_file import empty_work, renew_work
from scripts.outputs.metabase.resync import ask_for_resync
from scripts.outputs.report.page import write_report
from scripts.outputs.workbook.workbook import write_workbook
from scripts.published.pseudonymised import mart_as_published
from scripts.published.taking_out import take_out_of_work
from scripts.published.version import (
    Published,
    number_of,
    prepare,
    publish,
    remove_leftovers,
    version_in_use,
    versions_of,
)

# What no group may read, whatever is shared.
PRIVATE = (DBT_TARGET, LOGS, WORK, ROWS, OBJECTIONS, FORGOTTEN, FORGOTTEN_KEY, CAMPAIGNS, METABASE)


def build(given: dict[str, Any], warehouse: Path, console: Console) -> Summary:
    """Run the whole job and return what there is to say of it.

    given: the parameters that were set, by their var's name. Raises UserError where the input, a
    parameter or the surroundings are at fault; what was published before stays as it was.
    """
    settings = {**default_parameters(), **given}
    machine = machine_limits()
    on_spark = settings["engine"] == SPARK
    if on_spark:
        check_spark()
    check_seeds(SEEDS)
    make_warehouse(warehouse)
    with build_lock(warehouse), _without_traces(warehouse):
        group = _keep_private(given, warehouse, console)
        for remark in remove_leftovers(warehouse):
            console.note(remark)
        work = warehouse / WORK
        published_before = read_origin(warehouse)
        origin = choose_origin(given, published_before, warehouse)
        if origin == published_before and not given.get("source"):
            console.note(f"SOURCE is left out: the input is that of the last build, {origin.words}")
        source = SAMPLE if origin.is_sample else _named(settings, origin)
        contract = load_contract(STAGING)
        mapping = _mapping(settings, source, origin, published_before, contract, console)
        given = {**mapping.parameters, **given}
        settings |= given
        in_use = version_in_use(warehouse)
        pseudonyms = choose_pseudonyms(
            settings["pseudonyms"], settings["pseudonym_key"], warehouse, versions_of(warehouse), in_use
        )
        for note in _notes_on_pseudonyms(settings["pseudonyms"], pseudonyms, bool(remembered(in_use))):
            console.note(note)
        is_told = campaigns_are_told(settings["publish_campaigns"], in_use)
        campaigns = campaigns_of(warehouse) if is_told else ([], [])
        if not is_told and not settings["publish_campaigns"]:
            console.note("PUBLISH_CAMPAIGNS is left out: campaigns are not published, as before")
        files = {} if origin.is_sample else look_at(files_of(source, contract, mapping), source)
        # Before anything is read by it: what changes meanwhile is for the next build.
        built_from = what_it_is_built_from(
            source.absolute(),
            files,
            mapping.path,
            given,
            warehouse,
            pseudonyms.mark if pseudonyms else "",
            digest_of_campaigns(campaigns) if is_told else UNTOLD,
        )
        if not is_asked_to_build(given):
            same = is_published(built_from, warehouse)
            if same:
                console.note(
                    f"input, parameters and rules are those of version {number_of(same)}, which is published: there is"
                    " nothing to do. REBUILD=yes builds it again."
                )
                # What an earlier build may have had no time for.
                objected = who_objects(warehouse, objectors(warehouse))
                for remark in take_out_of_versions(warehouse, objected, console, but=same):
                    console.note(remark)
                return summarise(same / LINK, warehouse)
        if origin.is_sample:
            _generate_sample(settings, console)
            files = look_at(files_of(source, contract), source)
        mapping_digest = digest_of(mapping.path) if mapping.path else ""
        renew_work(work)
        with console.stage("Open the input") as stage, duckdb.connect(str(work)) as connection:
            goes_on = continues(origin, published_before) and not settings["new_source"]
            # Where pseudonyms end with this build, those published before are translated all the same.
            known = pseudonyms or (pseudonyms_in_use(warehouse, in_use) if goes_on else None)
            if known:
                known.show(connection)
            remarks = take_over(connection, warehouse if goes_on else None, in_clear=bool(known))
            request = learning_request(connection, given)
            intake = open_source(
                connection,
                source,
                contract,
                mapping,
                decimal_mark=settings["decimal_mark"],
                date_order=settings["date_order"],
                time_zone=settings["time_zone"],
                known=known_files(warehouse, files, mapping_digest),
                for_spark=on_spark,
            )
            check_read(intake.files, files, source)
            stage.rows = connection.execute("select coalesce(sum(rows), 0) from raw.inputs").fetchall()[0][0]
            customers = collect_customers(connection, intake.kind)
            if pseudonyms:
                refuse_such_ids(connection, customers)
            if known:
                before = "select customer_id from state.segment_history"
                known.learn(connection, f"select customer_id from {customers} union all {before}")
            delivery = check_portfolio(
                connection,
                customers,
                origin,
                published_before,
                warehouse,
                new_source=bool(settings["new_source"]),
                kept_share=settings["min_kept_share"],
                in_clear=bool(known),
            )
            objections = update_register(
                warehouse,
                settings["objections"],
                settings["objections_withdrawn"],
                connection,
                customers,
                settings["unmatched"],
                mapping.id_columns,
                known,
            )
            forgotten = forgotten_among(warehouse, connection, customers)
            hand_over(connection, objections.ids, forgotten)
            hand_over_campaigns(connection, campaigns)
            if pseudonyms:
                pseudonyms.keep(connection, forgotten)
            rows = offer_rows(
                connection,
                intake,
                files,
                mapping_digest,
                warehouse,
                # None where somebody was forgotten, whose rows would be among them.
                tables=[] if forgotten else [name for name in TABLES if not mapping.table(name).taken_from],
            )
            protected = _protected(connection, intake, settings["protected"])
        for note in (*remarks, *intake.notes, *filter(None, [rows.remark, delivery])):
            console.note(note)
        for note in _notes_on(objections, forgotten):
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
            "results_format": FORMAT,
            "rename": bool(settings["rename"]),
            **request.variables(),
        }
        try:
            if on_spark:
                console.note("Spark reads the whole ledger each time, as every build of Parquet files does")
                compute_ledger(variables, intake.for_spark, warehouse, console)
            manifest = _run_dbt(variables, warehouse, console, WITHOUT_LEDGER if on_spark else ())
            check_unchanged(files, source)
            if not settings["new_source"]:
                check_kept(work, origin, published_before, warehouse, settings["min_kept_share"])
            with console.stage("Write the tables") as stage:
                take_out_of_work(work, objections.ids, forgotten)
                version = prepare(
                    work=work,
                    warehouse=warehouse,
                    manifest=manifest,
                    at=dt.datetime.now(dt.UTC),
                    memory_limit=machine.memory,
                    threads=machine.threads,
                    seen_as=partial(mart_as_published, pseudonyms) if pseudonyms else None,
                )
                if pseudonyms:
                    pseudonyms.remember(version.folder)
                stage.rows = sum(version.tables.values())
            with console.stage("Write the report"):
                write_report(version.path, version.folder)
            with console.stage("Write the workbook") as stage:
                _, stage.rows = write_workbook(
                    version.path, version.folder, most_listed=settings["workbook_customers"]
                )
            keep_built_from(built_from | who_is_left_out(warehouse), version.folder)
            summary = summarise(version.path, warehouse)
            # Stopped in the midst, nobody could say which version is in use.
            with uninterrupted(), console.stage("Publish"):
                published = publish(version, keep=settings["keep_versions"], group=group)
                console.standing = f"version {number_of(published.folder)} is published."
                unkept = keep_rows(rows)
        finally:
            unremoved = remove_leftovers(warehouse)
        for remark in (
            *published.remarks,
            *unremoved,
            *filter(None, [unkept]),
            *_after_publishing(warehouse, published, objections, console),
        ):
            console.note(remark)
    return summary


@contextmanager
def _without_traces(warehouse: Path) -> Iterator[None]:
    """Empty the work file of a build that fails, where somebody was forgotten: it has read the input with them in it."""
    try:
        yield
    except BaseException:
        if (warehouse / FORGOTTEN).exists():
            empty_work(warehouse / WORK)
        raise


def _keep_private(given: dict[str, Any], warehouse: Path, console: Console) -> int | None:
    """Take from the warehouse what others may read; returns the group that may read what is published."""
    named = str(given.get("share_group") or "")
    group = group_that_reads((warehouse / CURRENT).resolve()) if not named else None
    if named not in ("", "none"):
        group = group_named(named)
    elif group is not None:
        console.note(
            f"SHARE_GROUP is left out: group {name_of_group(group)} may read what is published, as before"
        )
    was_open = False
    try:
        for path in (warehouse / name for name in PRIVATE):
            if path.exists():
                share(path, None)
        for path in (*warehouse.glob(f"{VERSIONS}/**/*"), *warehouse.glob(VERSIONS), warehouse):
            was_open |= share(path, group)
    except OSError as error:
        raise UserError(
            f"{error.filename}: its permissions cannot be changed ({error.strerror}); check whose it is."
        ) from None
    if was_open and any(warehouse.iterdir()):
        console.note(f"{warehouse} could be read by every user of this machine; from now on it cannot")
    return group


def _after_publishing(
    warehouse: Path, published: Published, objections: Objections, console: Console
) -> list[str]:
    """Do what follows on a new version; returns what cannot be done, in sentences: the build has succeeded by now."""
    steps: list[Callable[[], Iterable[str | None]]] = [
        lambda: [empty_work(warehouse / WORK)],
        lambda: take_out_of_versions(
            warehouse, who_objects(warehouse, objections.ids), console, but=published.folder
        ),
        lambda: [_note_on_versions_in_clear(warehouse, published)],
        lambda: [ask_for_resync(warehouse, published.link)],
    ]
    remarks: list[str | None] = []
    for step in steps:
        try:
            remarks.extend(step())
        except Exception as error:
            # Whatever it is, the new version is in use.
            remarks.append(
                f"the new version is published; what comes after did not end well ({type(error).__name__}: {error})"
            )
    return [remark for remark in remarks if remark]


def _notes_on_pseudonyms(wanted: str, pseudonyms: Pseudonyms | None, was_so: bool) -> list[str]:
    if pseudonyms and not was_so:
        return [
            f"ids are published as pseudonyms from now on; their key is {pseudonyms.path}: keep a copy of it elsewhere, without"
            " it no build goes on"
        ]
    if pseudonyms and not wanted:
        return [f"PSEUDONYMS is left out: ids are published as pseudonyms by {pseudonyms.path}, as before"]
    if was_so and not pseudonyms:
        return ["PSEUDONYMS=no: ids are published as the input has them from now on"]
    return []


def _note_on_versions_in_clear(warehouse: Path, published: Published) -> str:
    """Say how many older versions still hold customers' own ids where the new one has pseudonyms; else nothing."""
    if not remembered(published.folder):
        return ""
    count = sum(not remembered(each) for each in versions_of(warehouse))
    if not count:
        return ""
    hold = "1 older version holds" if count == 1 else f"{count:,} older versions hold"
    return f"{hold} customers' own ids and can be read until newer ones take the place; KEEP_VERSIONS=1 keeps none of them"


def _notes_on(objections: Objections, forgotten: list[str]) -> list[str]:
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
    if forgotten:
        notes.append(f"forgotten: {len(forgotten):,} of the input's customers; nothing is published of them")
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
                f"PROTECTED={shown(name)}: {entity} has no such column beside those the job needs; "
                + (f"it has {listed(others)}." if others else "it has no others.")
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


def _named(settings: dict[str, Any], origin: Origin) -> Path:
    """The input's path as it was typed, for the words of an error; else where the last build found it."""
    return given_path("SOURCE", settings["source"] or str(origin.path))


def _generate_sample(settings: dict[str, Any], console: Console) -> None:
    from scripts.sample.ledger import write_sample_ledger

    with console.stage("Generate the sample") as stage:
        made = write_sample_ledger(
            SAMPLE,
            customers=settings["customers"],
            seed=settings["seed"],
            file_format="csv",
            months=settings["sample_months"],
            more_months=settings["more_months"],
        )
        stage.rows = sum(made.rows.values())


def _run_dbt(variables: dict[str, Any], warehouse: Path, console: Console, more: Sequence[str]) -> Path:
    """Run `dbt build` in this process, keep what documents it, and return its manifest; raise UserError when a step failed.

    more: arguments for dbt.
    """
    console.start_dbt("Take the features over" if more else "Start dbt")
    with console.following(LEARNING):
        result = run_dbt(
            ["build", "--exclude-resource-type", "unit_test", *more],
            variables,
            work=warehouse / WORK,
            target=warehouse / DBT_TARGET,
            logs=warehouse / LOGS,
            on_event=console.on_dbt_event,
        )
    console.end_dbt()
    if not result.success:
        raise why_dbt_failed(result, warehouse)
    keep_documentation(warehouse)
    return warehouse / MANIFEST

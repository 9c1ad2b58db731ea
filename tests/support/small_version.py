"""A small published version, made by hand, for tests of how it is passed on."""

from pathlib import Path

import duckdb

from scripts.published.version import link_names

ROWS = 2000
ODD = [
    'it\'s "quoted"',
    "tab\tnew\nline\rback\\slash \\N \\.",
    "",
    "Größe 客户 \N{SMILING FACE WITH SUNGLASSES} \N{COMBINING ACUTE ACCENT}",
    "%s {} $1 $do$",
    "=1+1",
]


def write_published(warehouse: Path, run: int, rows: int = ROWS, more: str = "") -> Path:
    """Write a small published file as a build leaves it, every row with the run's model; return its link."""
    folder = warehouse / "versions" / f"{run:06}-20251231T235959Z"
    folder.mkdir(parents=True, exist_ok=True)
    version = folder / "card_segments.duckdb"
    version.unlink(missing_ok=True)
    odd = ", ".join("'" + text.replace("'", "''") + "'" for text in ODD)
    with duckdb.connect(str(version)) as connection:
        connection.execute(
            f"""
            create schema marts;
            create table marts.customer_segments as
                select printf('%010d', i) as customer_id, date '2025-12-31' as as_of_date,
                    (i % 5 + 1)::integer as segment_id, ([{odd}])[i % 7 + 1] as segment_name,
                    i / 7 as confidence, 'run{run}' as model_id
                from range({rows}) as r (i);
            create table marts.customer_values as
                select customer_id, confidence * 100 as value_base, model_id from marts.customer_segments;
            create table marts.segment_profiles as
                select segment_id, 'Segment ' || segment_id as segment_name, count(*) as customers,
                    count(*) / 2000 as customer_share
                from marts.customer_segments group by 1;
            create table marts.model_runs as select 'run{run}' as model_id, {run} as run_number, timestamp '2025-12-31 23:59:59.123456' as trained_at;
            create table marts.words (key varchar primary key, text varchar);
            create table marts.segment_drift (measure varchar);
            create table marts.segment_playbook (segment_id integer, play_rank integer);
            create table marts.segment_rules (segment_id integer, rule integer, primary key (segment_id, rule));
            alter table marts.customer_segments add primary key (customer_id);
            alter table marts.customer_values add primary key (customer_id);
            alter table marts.segment_profiles add primary key (segment_id);
            comment on table marts.customer_segments is 'One row per customer; it''s \\ all.';
            comment on column marts.customer_segments.customer_id is 'The customer''s id.';
            {more}
            """
        )
    new = warehouse / "link"
    new.symlink_to(Path("versions") / folder.name)
    new.replace(warehouse / "current")
    link_names(warehouse)
    return warehouse / "card_segments.duckdb"

# Parameters are NAME=value on make's command line: make build SOURCE=path K=7
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
# Names given on the command line; their values reach the recipe through the environment, whatever is in them.
GIVEN := $(foreach v,$(.VARIABLES),$(if $(filter command%,$(origin $v)),$(filter-out PYTHON VENV,$v)))
# As they were typed: make would expand `$` in them, and run what stands in $(shell ...).
$(foreach v,$(GIVEN),$(eval override $v := $$(value $v))$(eval export $v))
ARGUMENTS = $(foreach v,$(GIVEN),$v="$$$v")

.DEFAULT_GOAL := help
.PHONY: help build retrain promote status rollback forget mapping report excel slides postgres metabase metabase-stop metabase-logs sql docs campaign campaign-cancel campaign-results models scoring-sql spark test bench lint lock clean

help:  ## Show this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-17s %s\n", $$1, $$2}'

build: $(VENV)/.ready  ## Segments from SOURCE (a summary file or a ledger folder), or from a generated sample
	@$(RUN) -m scripts.build $(ARGUMENTS)

retrain: $(VENV)/.ready  ## Build, and learn a new model: it replaces the one in use if it passes (docs/life.md)
	@$(RUN) -m scripts.build RETRAIN=yes $(ARGUMENTS)

promote: $(VENV)/.ready  ## Build with another of the models that make models lists: MODEL=
	@$(RUN) -m scripts.promote $(ARGUMENTS)

status: $(VENV)/.ready  ## What is published, by which model, and whether it drifts: [FORMAT=json]
	@$(RUN) -m scripts.status $(ARGUMENTS)

rollback: $(VENV)/.ready  ## Put an earlier version in use again: [VERSION=number]
	@$(RUN) -m scripts.rollback $(ARGUMENTS)

forget: $(VENV)/.ready  ## Take customers out of everything below the warehouse: CUSTOMER=id or CUSTOMERS=list
	@$(RUN) -m scripts.forget $(ARGUMENTS)

mapping: $(VENV)/.ready  ## Draft the file that says what your tables, columns and codes are called: SOURCE= [MAPPING=]
	@$(RUN) -m scripts.mapping $(ARGUMENTS)

report: $(VENV)/.ready  ## Write the report on what is published, one HTML page [LANGUAGE=code], or two to print: FORMAT=pdf
	@$(RUN) -m scripts.report $(ARGUMENTS)

excel: $(VENV)/.ready  ## Write the workbook on what is published, for Excel [WORKBOOK_CUSTOMERS=]
	@$(RUN) -m scripts.excel $(ARGUMENTS)

slides: $(VENV)/.ready  ## Write slides on what is published, for PowerPoint
	@$(RUN) -m scripts.slides $(ARGUMENTS)

# Names only: the script takes the values from the environment, so that no password gets into the list of processes.
postgres: $(VENV)/.ready  ## Publish to PostgreSQL, where the variable DSN or PG* say: [SCHEMA= READERS=role]
	@$(RUN) -m scripts.postgres $(GIVEN)

metabase: $(VENV)/.ready  ## Metabase with dashboards, in Docker: EMAIL= once [PORT=], or one you run (METABASE_URL)
	@$(RUN) -m scripts.metabase $(ARGUMENTS)

metabase-stop: $(VENV)/.ready  ## Stop Metabase; what people made in it stays
	@$(RUN) -m scripts.metabase stop

metabase-logs: $(VENV)/.ready  ## Show what Metabase wrote last
	@$(RUN) -m scripts.metabase logs

sql: $(VENV)/.ready  ## Open an SQL shell on what is published, or answer QUERY="from segment_profiles"
	@$(RUN) -m scripts.sql $(ARGUMENTS)

docs: $(VENV)/.ready  ## Write the documentation of every table and its lineage, one HTML page
	@$(RUN) -m scripts.docs $(ARGUMENTS)

campaign: $(VENV)/.ready  ## Plan a target list with a holdout, and write it: NAME= SEGMENT= [HOLDOUT= ...] CONFIRM=yes
	@$(RUN) -m scripts.campaign $(ARGUMENTS)

campaign-cancel: $(VENV)/.ready  ## Give back the customers of a campaign that does not take place: NAME=
	@$(RUN) -m scripts.campaign_cancel $(ARGUMENTS)

campaign-results: $(VENV)/.ready  ## Say whether a campaign worked: NAME= OUTCOMES=file
	@$(RUN) -m scripts.campaign_results $(ARGUMENTS)

models: $(VENV)/.ready  ## List the models trained so far
	@$(RUN) -m scripts.models $(ARGUMENTS)

scoring-sql: $(VENV)/.ready  ## Print the SQL that labels customers, of MODEL (an id) or of the last one
	@$(RUN) -m scripts.scoring_sql $(ARGUMENTS)

test: $(VENV)/.ready  ## Run the whole test suite
	@$(RUN) -m pytest

lint: $(VENV)/.ready  ## Check style and types, of Python and of SQL
	@$(RUN) -m ruff check . && $(RUN) -m ruff format --check .
	@$(RUN) -m mypy
# The dbt templater compiles the models of both kinds of input, without a warehouse; then files are checked on all cores,
# without what Python says of the semaphores of processes that have ended.
	@work=$$(mktemp -d) && trap 'rm -rf "$$work"' EXIT && \
	CARD_SEGMENTS_WORK=:memory: CARD_SEGMENTS_THREADS=1 CARD_SEGMENTS_MEMORY=1GB \
	DBT_TARGET_PATH="$$work" DBT_LOG_PATH="$$work" \
	$(RUN) -W ignore::UserWarning:multiprocessing.resource_tracker -m sqlfluff lint --processes 0 \
	dbt_project/models dbt_project/tests

spark: $(VENV)/.ready  ## Add to the environment what ENGINE=spark needs, 490 MB (docs/spark.md)
	@$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-spark.lock

bench: $(VENV)/.ready  ## Time the job on generated ledgers, beside other ways: [SIZES= REPEATS= PEERS= PYCARET=]
	@$(RUN) -m scripts.benchmark $(ARGUMENTS)

# What ENGINE=spark needs is in a lock of its own, with the same pins, so that nobody else installs it.
COMPILE := uv pip compile pyproject.toml --universal --generate-hashes --no-strip-extras --no-emit-index-url --no-emit-find-links --python-version 3.11 --custom-compile-command "make lock" -q
lock:  ## Pin every dependency again, with hashes (needs uv)
	$(COMPILE) $(foreach extra,dev metabase postgres slides,--extra $(extra)) -o requirements.lock
	$(COMPILE) --extra spark -c requirements.lock -o requirements-spark.lock

clean:  ## Remove the environment, the sample and caches; the warehouse stays
	rm -rf $(VENV) data dbt_project/target .pytest_cache .mypy_cache .ruff_cache

# Without bytecode every start is several seconds slower, and a shell may forbid Python to write it later: it is compiled
# here, on all cores, but for tests of packages and what Python cannot read. TensorFlow's headers are for who compiles
# operations of his own.
$(VENV)/.ready: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] <= (3, 13) else "Python 3.11, 3.12 or 3.13 is needed; this is " + sys.version.split()[0] + ". Say which with make PYTHON=python3.12 build.")'
	@echo "Making the environment in $(VENV) (once)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(RUN) -m pip install --quiet --disable-pip-version-check --no-compile --no-deps --require-hashes -r requirements.lock
	@rm -rf $(VENV)/lib/python3*/site-packages/tensorflow/include
	@$(RUN) -m compileall -qq -j 0 -x '/site-packages/.*/tests?/' $(VENV)/lib python_models scripts || true
	@touch $@

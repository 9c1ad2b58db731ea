"""The examples for schedulers in docs/schedules: each is read as its scheduler reads it, and each knows the exit codes."""

import ast
import importlib.util
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.base import errors
from scripts.base.parameters import parse_parameters
from tests.support.builds import REPO

EXAMPLES = REPO / "docs" / "schedules"
SCRIPT = EXAMPLES / "monthly.sh"
CODES = {
    errors.REFUSED,
    errors.GATE_FAILED,
    errors.LOCK_HELD,
    errors.WATCH,
    errors.ACT,
    errors.OUR_FAULT,
    130,
    143,
}
CRON = re.compile(r"[0-9*,/-]+( [0-9*,/-]+){4}")
PYTHON_EXAMPLES = {"airflow_dag.py": "airflow", "dagster_definitions.py": "dagster"}


def targets() -> set[str]:
    return set(
        re.findall(r"^([a-z][a-z-]*):.*##", (REPO / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    )


def check_command(words: list[str]) -> None:
    """A command that an example starts is there, and takes what it is given."""
    if words[0] == "make":
        assert words[1] in targets(), words
        return
    assert words[0].endswith("docs/schedules/monthly.sh"), words
    parse_parameters(words[1:])


# The script


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose Python ends with the codes that it is told, one after the other, and notes what was asked of it."""
    (tmp_path / "docs" / "schedules").mkdir(parents=True)
    shutil.copy(SCRIPT, tmp_path / "docs" / "schedules")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / "bin").mkdir()
    for name, text in {
        ".venv/bin/python": 'echo "$*" >> asked; code=$(head -n 1 codes); sed -i 1d codes; exit "$code"',
        "bin/sleep": 'echo "sleep $*" >> asked',
    }.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    return tmp_path


def run(project: Path, codes: list[int]) -> tuple[int, str, list[str]]:
    (project / "codes").write_text("".join(f"{code}\n" for code in codes))
    done = subprocess.run(
        [project / "docs" / "schedules" / "monthly.sh", "SOURCE=a b"],
        env={**os.environ, "PATH": f"{project / 'bin'}:{os.environ['PATH']}"},
        capture_output=True, text=True, timeout=60, cwd="/",
    )  # fmt: skip
    return done.returncode, done.stderr, (project / "asked").read_text().splitlines()


BUILD, STATUS, SLEEP = "-m scripts.build LOG=json SOURCE=a b", "-m scripts.status FORMAT=json", "sleep 600"


@pytest.mark.parametrize(
    ("codes", "ends", "words", "asked"),
    [
        ([0, 0], 0, "", [BUILD, STATUS]),
        ([0, 4], 4, "watch it", [BUILD, STATUS]),
        ([0, 5], 5, "make retrain", [BUILD, STATUS]),
        ([1], 1, "refused", [BUILD]),
        ([2], 2, "look at it", [BUILD]),
        ([3, 3, 0, 0], 0, "", [BUILD, SLEEP, BUILD, SLEEP, BUILD, STATUS]),
        ([3] * 7, 3, "for an hour", [BUILD, SLEEP] * 6 + [BUILD]),
        ([70], 70, "report it", [BUILD]),
        ([143], 143, "start it again", [BUILD]),
    ],
)
def test_the_script_ends_with_the_code_and_says_what_it_means(
    project: Path, codes: list[int], ends: int, words: str, asked: list[str]
) -> None:
    code, said, done = run(project, codes)
    assert (code, done) == (ends, asked)
    assert words in said and bool(said) == bool(words)


def test_the_script_starts_the_job(tmp_path: Path) -> None:
    done = subprocess.run(
        [SCRIPT, f"SOURCE={tmp_path / 'none'}"],
        env={**os.environ, "CARD_SEGMENTS_WAREHOUSE": str(tmp_path / "warehouse")},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "none" in done.stderr and done.stderr.endswith("changes nothing\n")
    for path in (tmp_path / "warehouse").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_the_script_is_one_for_every_shell() -> None:
    assert os.access(SCRIPT, os.X_OK)
    text = SCRIPT.read_text(encoding="utf-8")
    assert subprocess.run(["sh", "-n", SCRIPT], check=False).returncode == 0
    assert {int(code) for code in re.findall(r"\b(\d+)(?= \||\))", text)} >= CODES


# What starts it


def test_the_line_of_cron() -> None:
    [line] = [
        line
        for line in (EXAMPLES / "crontab").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#") and not re.match(r"[A-Z_]+=", line)
    ]
    schedule, command = " ".join(line.split(" ")[:5]), line.split(" ", 5)[5]
    assert CRON.fullmatch(schedule) and "%" not in command, "cron takes % for a line break"
    assert subprocess.run(["sh", "-n", "-c", command], check=False).returncode == 0
    started = command.removeprefix("umask 077; ").split(" >> ")[0]
    check_command(started.split())


def test_the_line_of_cron_says_the_code_and_keeps_its_log_private(project: Path, tmp_path: Path) -> None:
    line = (EXAMPLES / "crontab").read_text(encoding="utf-8").splitlines()[-1]
    command = line.split(" ", 5)[5].replace("/opt/card-segments", str(project))
    command = command.replace("/var/log", str(tmp_path))
    for code, said in ((0, ""), (2, "card segments: exit code 2\n")):
        (project / "codes").write_text(f"{code}\n0\n")
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60)
        assert done.stdout.startswith(said) and bool(done.stdout) == bool(said)
    assert stat.S_IMODE((tmp_path / "card-segments.log").stat().st_mode) == 0o600


def test_the_workflow_of_github() -> None:
    # YAML 1.1 takes `on` for true.
    workflow: dict[Any, Any] = yaml.safe_load((EXAMPLES / "github_actions.yml").read_text(encoding="utf-8"))
    assert set(workflow) == {"name", True, "concurrency", "permissions", "jobs"}
    [schedule] = workflow[True]["schedule"]
    assert CRON.fullmatch(schedule["cron"])
    [job] = workflow["jobs"].values()
    assert "self-hosted" in job["runs-on"], "customers do not leave the house"
    build, show = (step["run"] for step in job["steps"])
    for text in (build, show):
        assert subprocess.run(["sh", "-n", "-c", text], check=False).returncode == 0
        assert subprocess.run(["bash", "-n", "-c", text], check=False).returncode == 0
    check_command(re.findall(r"^\s*(\S+monthly\.sh[^|]*)", build, re.MULTILINE)[0].split())
    check_command(show.split()[:2])


@pytest.mark.parametrize(
    ("code", "ends"), [(0, 0), (1, 1), (2, 2), (3, 3), (4, 0), (5, 0), (70, 70), (143, 143)]
)
def test_the_step_of_github_ends_badly_where_nothing_was_published(
    tmp_path: Path, code: int, ends: int
) -> None:
    workflow: dict[Any, Any] = yaml.safe_load((EXAMPLES / "github_actions.yml").read_text(encoding="utf-8"))
    script = tmp_path / "docs" / "schedules" / "monthly.sh"
    script.parent.mkdir(parents=True)
    script.write_text(f"#!/bin/sh\nexit {code}\n")
    script.chmod(0o755)
    step = workflow["jobs"]["build"]["steps"][0]["run"]
    # As GitHub starts a step.
    done = subprocess.run(
        ["bash", "-e", "-c", step], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == ends
    assert done.stdout.startswith("::warning::" if code in (4, 5) else "::error::" if code else "")


@pytest.mark.parametrize(("name", "package"), PYTHON_EXAMPLES.items())
def test_the_examples_in_python(name: str, package: str) -> None:
    path = EXAMPLES / name
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    compile(text, name, "exec")
    constants: dict[str, Any] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            try:
                constants[node.targets[0].id] = ast.literal_eval(node.value)
            except ValueError:
                continue
    check_command(constants["COMMAND"])
    assert constants["AGAIN"] == {3, 130, 143}
    numbers = {
        node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and type(node.value) is int
    }
    assert numbers >= {0, 3, 4, 5, 130, 143}
    assert [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and CRON.fullmatch(str(n.value))]
    imports = {
        alias.name if isinstance(node, ast.Import) else str(node.module)
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert {each.split(".")[0] for each in imports} - set(sys.stdlib_module_names) == {package}
    if importlib.util.find_spec(package):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec and spec.loader
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


# A CronJob of batch/v1, as far as an example needs it: what must be there, and of which kind; nothing else may be.
CONTAINER = {
    "name": str, "image": str, "command": [str], "env?": [{"name": str, "value": str}],
    "resources?": {"requests?": {"cpu?": str, "memory?": str}, "limits?": {"cpu?": str, "memory?": str}},
    "volumeMounts?": [{"name": str, "mountPath": str, "readOnly?": bool}],
}  # fmt: skip
RULE = {"action": str, "onExitCodes": {"containerName?": str, "operator": str, "values": [int]}}
POD = {
    "restartPolicy": str, "securityContext?": {"runAsUser?": int, "runAsGroup?": int, "runAsNonRoot?": bool},
    "containers": [CONTAINER],
    "volumes?": [{"name": str, "persistentVolumeClaim": {"claimName": str, "readOnly?": bool}}],
}  # fmt: skip
JOB = {
    "backoffLimit?": int, "activeDeadlineSeconds?": int, "podFailurePolicy?": {"rules": [RULE]},
    "template": {"spec": POD},
}  # fmt: skip
CRON_JOB = {
    "apiVersion": str, "kind": str, "metadata": {"name": str},
    "spec": {
        "schedule": str, "concurrencyPolicy?": str, "failedJobsHistoryLimit?": int, "jobTemplate": {"spec": JOB},
    },
}  # fmt: skip


def faults(found: Any, wanted: Any, place: str = "") -> list[str]:
    """What of a document is not as its schema says."""
    if isinstance(wanted, type):
        return [] if type(found) is wanted else [f"{place}: {found!r} is no {wanted.__name__}"]
    if isinstance(wanted, list):
        if not isinstance(found, list) or not found:
            return [f"{place}: expected a list"]
        return [each for n, item in enumerate(found) for each in faults(item, wanted[0], f"{place}[{n}]")]
    if not isinstance(found, dict):
        return [f"{place}: expected names and values"]
    known = {name.rstrip("?"): (name, kind) for name, kind in wanted.items()}
    missing = [
        f"{place}.{name} is missing" for name in wanted if not name.endswith("?") and name not in found
    ]
    unknown = [f"{place}.{name} is unknown" for name in found if name not in known]
    return [
        *missing, *unknown,
        *(each for name in found if name in known for each in faults(found[name], known[name][1], f"{place}.{name}")),
    ]  # fmt: skip


def cron_job() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((EXAMPLES / "kubernetes_cronjob.yml").read_text(encoding="utf-8"))
    return found


def test_the_cron_job_of_kubernetes() -> None:
    found = cron_job()
    assert faults(found, CRON_JOB) == []
    assert (found["apiVersion"], found["kind"]) == ("batch/v1", "CronJob")
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,50}[a-z0-9])?", found["metadata"]["name"])
    spec = found["spec"]
    assert CRON.fullmatch(spec["schedule"]) and spec["concurrencyPolicy"] == "Forbid"
    job, pod = spec["jobTemplate"]["spec"], spec["jobTemplate"]["spec"]["template"]["spec"]
    # A policy for exit codes asks for it.
    assert pod["restartPolicy"] == "Never"
    [container] = pod["containers"]
    check_command(container["command"])
    assert {each["name"] for each in container["volumeMounts"]} == {each["name"] for each in pod["volumes"]}
    acts: dict[str, set[int]] = {}
    for rule in job["podFailurePolicy"]["rules"]:
        assert (
            rule["onExitCodes"]["containerName"] == container["name"]
            and rule["onExitCodes"]["operator"] == "In"
        )
        acts[rule["action"]] = set(rule["onExitCodes"]["values"])
    assert acts == {"FailJob": {1, 2, 4, 5, 70}, "Count": {3, 130, 143}}
    assert set().union(*acts.values()) == CODES


def test_a_cron_job_that_is_none_is_seen() -> None:
    found = cron_job()
    del found["spec"]["schedule"]
    found["spec"]["jobTemplate"]["spec"]["backoffLimit"] = "3"
    found["spec"]["jobTemplate"]["spec"]["template"]["spec"]["comand"] = []
    assert set(faults(found, CRON_JOB)) == {
        ".spec.schedule is missing",
        ".spec.jobTemplate.spec.template.spec.comand is unknown",
        ".spec.jobTemplate.spec.backoffLimit: '3' is no int",
    }

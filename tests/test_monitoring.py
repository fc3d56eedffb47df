"""Alerts, dashboard and page speak of figures that exist, and each alert is tried: by promtool, Prometheus' own judge."""

import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric

from recorder.archive.figures import Figures
from recorder.archive.metrics import Source, _Collector
from recorder.archive.watch import Watch
from recorder.config import load
from recorder.fleet.authority import Authority
from recorder.meeting.fault import Fault
from recorder.tls import Identity
from recorder.wire.status import Status

ROOT = Path(__file__).parent.parent
MONITORING = ROOT / "provisioning" / "monitoring"
PAGE = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
RULES = yaml.safe_load((MONITORING / "rules.yml").read_text(encoding="utf-8"))
ALERTS = [rule for group in RULES["groups"] for rule in group["rules"]]
DASHBOARD = json.loads((MONITORING / "dashboard.json").read_text(encoding="utf-8"))


def promtool(*arguments: object, given: bytes | None = None) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        ["promtool", *map(str, arguments)], input=given, capture_output=True, check=False, timeout=60, cwd=MONITORING
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


class Enrolled:
    """A catalogue, as far as a watch asks it."""

    def enrolled(self) -> list[str]:
        return ["room-1"]


@pytest.fixture
def sources(tmp_path: Path) -> list[Source]:
    """Intake and watch, with something to say in every family."""
    Authority.create(tmp_path / "authority").enrol_archive(tmp_path / "archive")
    watch = Watch(load().archive, Identity(tmp_path / "archive" / "keys"), Enrolled(), lambda: None)  # type: ignore[arg-type]
    assert watch._going()
    said = Status(
        "room-1",
        online=True,
        version="1",
        faults=("clock",),
        spool_capacity_bytes=1,
        certificate_ends_ms=1,
        started_ms=1,
    )
    watch._hear("rec/v1/room-1/status", msgspec.json.encode(said))
    hours = iter(range(0, 1_000_000, 3_600))
    figures = Figures(Counter(), tmp_path, 2e9, 1, 1, wall=lambda: float(next(hours)))
    figures.believes_broker(until=3e9)
    figures.began()
    figures.done(0)
    return [figures, watch]


@pytest.fixture
def families(sources: list[Source]) -> dict[str, Metric]:
    """By the samples' name."""
    found = {}
    for source in sources:
        for family in source.collect():
            assert family.samples, f"{family.name} says nothing here"
            assert family.samples[0].name not in found
            found[family.samples[0].name] = family
    return found


def table(name: str) -> list[list[str]]:
    """The rows of the page's table after this mark."""
    text = PAGE.partition(f"<!-- {name} -->")[2].partition("\n\n")[0].strip()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]
    assert len(rows) > 3
    return rows[2:]


def expressions() -> Iterator[str]:
    """Of the dashboard."""
    for panel in DASHBOARD["panels"]:
        assert panel["targets"], panel["title"]
        for target in panel["targets"]:
            yield target["expr"]


def names(text: str) -> set[str]:
    return set(re.findall(r"\bwederhoor_\w+", text))


def test_the_page_has_every_figure_with_its_labels_and_no_other(families: dict[str, Metric]) -> None:
    told = {row[0].strip("`"): set(re.findall(r"\w+", row[1])) for row in table("metrics")}
    assert told == {name: set(family.samples[0].labels) for name, family in families.items()}


def test_alerts_and_dashboard_speak_of_figures_that_exist(families: dict[str, Metric]) -> None:
    alerts = {name for alert in ALERTS for name in names(alert["expr"])}
    shown = {name for expression in expressions() for name in names(expression)}
    assert alerts and shown
    assert alerts | shown <= set(families)
    assert set(families) <= shown, "a figure that nobody is shown"


def test_labels_that_alerts_and_dashboard_name_exist(families: dict[str, Metric]) -> None:
    for text in [alert["expr"] for alert in ALERTS] + list(expressions()):
        for name, selector in re.findall(r"\b(wederhoor_\w+)\{([^}]*)\}", text):
            assert set(re.findall(r"(\w+)[!=]", selector)) <= set(families[name].samples[0].labels), text
    for alert in ALERTS:
        labels = {label for name in names(alert["expr"]) for label in families[name].samples[0].labels}
        assert set(re.findall(r"\$labels\.(\w+)", alert["annotations"]["summary"])) <= labels, alert["alert"]


def test_the_faults_that_let_no_recording_begin_are_critical() -> None:
    grave = "|".join(fault.name.lower() for fault in Fault if fault.grave)
    expressions = {alert["alert"]: alert["expr"] for alert in ALERTS}
    assert expressions["RoomBroken"] == f'wederhoor_room_fault{{fault=~"{grave}"}} == 1'
    assert expressions["RoomFault"] == f'wederhoor_room_fault{{fault!~"{grave}"}} == 1'
    assert f'fault=~"{grave}"' in "".join(
        target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]
    )


def test_the_page_says_of_every_alert_what_to_do() -> None:
    told = {row[0].strip("`"): row[1] for row in table("alerts")}
    assert told == {alert["alert"]: alert["labels"]["severity"] for alert in ALERTS}
    assert all(len(row) == 4 and row[2] and row[3] for row in table("alerts"))


def test_jobs_and_ports_are_those_of_the_settings() -> None:
    settings = yaml.safe_load((MONITORING / "prometheus.yml").read_text(encoding="utf-8"))
    targets = {each["job_name"]: each["static_configs"][0]["targets"] for each in settings["scrape_configs"]}
    metrics = load().metrics
    assert targets["wederhoor-watch"] == [f"{metrics.host}:{metrics.watch_port}"]
    assert {job for alert in ALERTS for job in re.findall(r'job="([\w-]+)"', alert["expr"])} == set(targets)


@pytest.mark.parametrize("arguments", [("check", "config", "prometheus.yml"), ("test", "rules", "rules_test.yml")])
def test_prometheus_takes_settings_and_alerts(arguments: tuple[str, ...]) -> None:
    done = promtool(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_seen_to_fire_and_to_be_quiet() -> None:
    seen: dict[str, set[bool]] = {}
    for test in yaml.safe_load((MONITORING / "rules_test.yml").read_text(encoding="utf-8"))["tests"]:
        for each in test["alert_rule_test"]:
            seen.setdefault(each["alertname"], set()).add(bool(each["exp_alerts"]))
    assert seen == {alert["alert"]: {True, False} for alert in ALERTS}


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: str(alert["alert"]))
def test_an_alert_that_never_fires_or_always_does_is_noticed(alert: dict[str, Any], tmp_path: Path) -> None:
    tried = yaml.safe_load((MONITORING / "rules_test.yml").read_text(encoding="utf-8"))
    tried["tests"] = [test for test in tried["tests"] if test["alert_rule_test"][0]["alertname"] == alert["alert"]]
    (tmp_path / "rules_test.yml").write_text(yaml.safe_dump(tried))
    for expression in ("vector(0) == 1", f"vector(1) or {alert['expr']}"):
        rules = [rule | ({"expr": expression} if rule is alert else {}) for rule in ALERTS]
        (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": rules}]}))
        done = promtool("test", "rules", tmp_path / "rules_test.yml")
        assert done.returncode == 1 and f"alertname: {alert['alert']}," in done.stdout + done.stderr


def test_prometheus_understands_what_the_dashboard_asks(tmp_path: Path) -> None:
    rules = [{"record": f"shown:{number}", "expr": expression} for number, expression in enumerate(expressions())]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    done = promtool("check", "rules", file)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {panel["datasource"]["uid"] for panel in DASHBOARD["panels"]} == {"${datasource}"}
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_figures_are_named_as_prometheus_advises(sources: list[Source]) -> None:
    for source in sources:
        registry = CollectorRegistry()
        registry.register(_Collector(source))
        done = promtool("check", "metrics", given=generate_latest(registry))
        assert (done.returncode, done.stdout + done.stderr) == (0, "")

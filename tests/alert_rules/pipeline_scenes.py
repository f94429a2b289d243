"""Around every threshold of the pipeline's alerts: a scene in which it fires, and one beside it in which it does not.

A range ends before its first moment in Prometheus 3, and with it before: no scene here hangs on that one sample.
"""

from __future__ import annotations

from alert_rules.options import Jobs, RuleOptions
from alert_rules.pipeline import pipeline_alerts
from tests.alert_rules.city import SMALL_CITY
from tests.alert_rules.promtool import Scene

OPTIONS = RuleOptions(jobs=Jobs(intake="kept-intake", summary="kept-summary"))
ALERTS = {alert.name: alert for alert in pipeline_alerts(SMALL_CITY, OPTIONS)}
UP = {'up{job="kept-worker",instance="a"}': "1x900"}
ONE = {"instance": "a", "job": "kept-worker"}


def events(**accounts: str) -> dict[str, str]:
    return {f'kept_events_total{{partition="0",account="{name}"}}': values for name, values in accounts.items()}


def lag(values: str) -> dict[str, str]:
    return {'kept_lag_records{topic="service-events",partition="0",instance="a"}': values}


def published(values: str, service: str = "library") -> dict[str, str]:
    return {f'kept_indicator_timestamp_seconds{{service="{service}",instance="a"}}': values}


def fires(name: str, series: dict[str, str], at: int, said: str, **labels: str) -> Scene:
    return Scene(name="fires", alert=name, series=series, at=at, fires=((labels, said),))


def quiet(name: str, why: str, series: dict[str, str], at: int) -> Scene:
    return Scene(name=why, alert=name, series=series, at=at)


PROMETHEUS = 'job="prometheus",instance="p"'
ALERTMANAGER = 'job="alertmanager",instance="m"'
INTAKE = 'job="kept-intake",instance="i"'
SUMMARY = 'job="kept-summary",instance="s"'
AT_INTAKE = {"job": "kept-intake", "instance": "i"}

SCENES: tuple[Scene, ...] = (
    fires(
        "KeptWorkersDown",
        {'up{job="kept-worker",instance="a"}': "1x9 0x20", 'up{job="kept-worker",instance="b"}': "0x30"},
        17,
        "No worker answers Prometheus, or each answers fewer than half of the scrapes.",
    ),
    quiet("KeptWorkersDown", "one of two still answers", UP | {'up{job="kept-worker",instance="b"}': "0x30"}, 20),
    quiet("KeptWorkersDown", "a restart", {'up{job="kept-worker",instance="a"}': "1x9 0 0 1x20"}, 12),
    quiet("KeptWorkersDown", "a boot", {'up{job="kept-worker",instance="a"}': "0 0 1x30"}, 2),
    quiet("KeptWorkersDown", "a boot, later", {'up{job="kept-worker",instance="a"}': "0 0 1x30"}, 4),
    quiet(
        "KeptWorkersDown",
        "half of the scrapes",
        {'up{job="kept-worker",instance="a"}': "1 0 1 0 1 0 1 0 1 0 1 0 1"},
        10,
    ),
    fires(
        "KeptWorkersAbsent",
        {'up{job="other"}': "1x30"},
        5,
        "There is no target of job kept-worker; alerts on figures fall silent instead of firing.",
        job="kept-worker",
    ),
    quiet("KeptWorkersAbsent", "there is one, though down", {'up{job="kept-worker",instance="a"}': "0x30"}, 20),
    quiet("KeptWorkersAbsent", "not for long enough", {}, 4),
    fires(
        "KeptTargetDown",
        {'up{job="kept-worker",instance="a"}': "1x5 0x20", 'up{job="kept-worker",instance="b"}': "1x30"},
        20,
        "kept-worker at a answers fewer than half of the scrapes.",
        **ONE,
    ),
    fires(
        "KeptTargetDown",
        {'up{job="kept-worker",instance="a"}': "1 0 0 0 1 0 0 0 1 0 0 0 1 0 0 0"},  # a crash loop
        11,
        "kept-worker at a answers fewer than half of the scrapes.",
        **ONE,
    ),
    quiet("KeptTargetDown", "a restart", {'up{job="kept-worker",instance="a"}': "1x9 0 0 1x20"}, 12),
    quiet("KeptTargetDown", "not one of ours", {'up{job="node",instance="a"}': "0x30"}, 20),
    Scene(
        name="fires",
        alert="KeptTargetAbsent",
        series=UP | {f"up{{{PROMETHEUS}}}": "1x30"},
        at=5,
        fires=tuple(
            (
                {"job": job},
                f"There is no target of job {job}; alerts that read its metrics fall silent.",
            )
            for job in ("alertmanager", "kept-intake", "kept-summary")
        ),
    ),
    quiet(
        "KeptTargetAbsent",
        "all are there",
        {f"up{{{job}}}": "0x30" for job in (PROMETHEUS, ALERTMANAGER, INTAKE, SUMMARY)},
        20,
    ),
    fires(
        "KeptLagGrowing",
        lag("1000+100x60"),
        45,
        "5500 records of topic service-events wait to be counted.",
        topic="service-events",
    ),
    Scene(
        name="two topics are two alerts",
        alert="KeptLagGrowing",
        series=lag("1000+100x60") | {'kept_lag_records{topic="tallies",partition="1"}': "2000+1000x60"},
        at=45,
        fires=tuple(
            (
                {"topic": topic},
                f"{count} records of topic {topic} wait to be counted.",
            )
            for topic, count in (("service-events", 5500), ("tallies", 47000))
        ),
    ),
    fires(
        "KeptLagGrowing",
        lag("0+1000x400"),  # for hours: a quarter of an hour is no tenth of it any more
        390,
        "390000 records of topic service-events wait to be counted.",
        topic="service-events",
    ),
    quiet("KeptLagGrowing", "grew for hours, and grows no more", lag("0+1000x200 200000x60"), 220),
    quiet("KeptLagGrowing", "a thousand", lag("0+20x50 1000x60"), 60),
    quiet("KeptLagGrowing", "large, but being worked off", lag("1000000-1000x60"), 45),
    quiet("KeptLagGrowing", "grows by less than a tenth", lag("100000+500x60"), 45),
    quiet("KeptLagGrowing", "a short burst", lag("0x9 5000 20000 40000 30000 9000 100x60"), 30),
    fires(
        "KeptLagUnknown",
        UP,
        5,
        "No worker shows how many records wait: none owns a partition, or the broker is silent.",
    ),
    quiet("KeptLagUnknown", "known to be nothing", UP | lag("0x30"), 20),
    quiet("KeptLagUnknown", "no worker at all: another alert", {'up{job="kept-worker",instance="a"}': "0x30"}, 20),
    fires(
        "KeptWatermarkStuck",
        lag("5x60") | published("300+60x9 840x60"),  # stands from minute 9 on
        30,
        "The published time of library has not moved for 15 minutes, and records wait.",
        service="library",
    ),
    quiet("KeptWatermarkStuck", "not for long enough", lag("5x60") | published("300+60x9 840x60"), 27),
    quiet("KeptWatermarkStuck", "a start on a backlog", lag("5x60") | published("300x60"), 14),
    quiet("KeptWatermarkStuck", "it moves now and then", lag("5x60") | published("300x13 600x13 900x13 1200x13"), 40),
    quiet("KeptWatermarkStuck", "nothing waits: a quiet city", lag("0x60") | published("300x60"), 40),
    quiet(
        "KeptWatermarkStuck",
        "the worker was replaced by another, which counts",
        lag("5x60")
        | published("300+60x9 _x60")
        | {'kept_indicator_timestamp_seconds{service="library",instance="b"}': "_x9 900+60x60"},
        40,
    ),
    fires(
        "KeptNothingPublished",
        UP | events(received="5x60"),
        30,
        "No service has a published time, though events were received.",
    ),
    quiet("KeptNothingPublished", "nothing was ever sent", UP | events(received="0x60"), 45),
    quiet(
        "KeptNothingPublished", "state is being read back", UP | events(received="5x60") | published("_x29 300x60"), 40
    ),
    quiet("KeptNothingPublished", "no worker at all", {'up{job="kept-worker",instance="a"}': "0x60"}, 45),
    fires(
        "KeptStreamSilent",
        published("0x200"),
        126,  # 2 hours, the minute after, and 5 minutes
        "The newest published moment is 2h 6m old; the liveliest service is expected to be silent for 2 hours at most.",
    ),
    quiet("KeptStreamSilent", "two hours", published("0x200"), 125),
    quiet(
        "KeptStreamSilent", "one service is alive", published("0x200") | published("0+60x200", "parking-permits"), 190
    ),
    quiet("KeptStreamSilent", "far behind, but gaining on the clock", published("0x300 0+150x100"), 340),
    fires(
        "KeptStreamSilent",
        published("0x130 0+60x100"),  # as fast as the clock: it will never catch up
        200,
        "The newest published moment is 2h 11m old; "
        "the liveliest service is expected to be silent for 2 hours at most.",
    ),
    fires(
        "KeptDeadLettersRising",
        events(received="0+100x60", dead_lettered="0+1.1x60"),
        40,
        "1.1% of the events of half an hour became dead letters.",
    ),
    quiet("KeptDeadLettersRising", "nine in a thousand", events(received="0+100x60", dead_lettered="0+0.9x60"), 40),
    quiet(
        "KeptDeadLettersRising",
        "ten of twenty",
        events(received="0x29 0+1x19", dead_lettered="0x29 0 1 2 3 4 5 6 7 8 9x20"),
        45,
    ),
    quiet("KeptDeadLettersRising", "no event at all", events(received="900x60", dead_lettered="900x60"), 40),
    fires(
        "KeptAccountsDoNotAddUp",
        events(received="0+10x60", applied="0+7x60", duplicate="0+2x60", beyond_retention="0x60", dead_lettered="0x60"),
        30,
        "30 events of partition 0 are in no account.",
        partition="0",
    ),
    quiet(
        "KeptAccountsDoNotAddUp",
        "all four accounts",
        events(
            received="0+10x60", applied="0+6x60", duplicate="0+2x60", beyond_retention="0+1x60", dead_lettered="0+1x60"
        ),
        30,
    ),
    quiet(
        "KeptAccountsDoNotAddUp",
        "one scrape while a partition moves",
        events(received="10x9 20 10x20", applied="10x60"),
        12,
    ),
    fires(
        "KeptCataloguesDiffer",
        {f'kept_catalogue_info{{fingerprint="{one}",instance="{one}"}}': "1x60" for one in "ab"},
        30,
        "There are 2 versions of the catalogue among the workers.",
    ),
    quiet(
        "KeptCataloguesDiffer",
        "workers restarted one after the other",
        {
            'kept_catalogue_info{fingerprint="old",instance="a"}': "1x25 _x60",
            'kept_catalogue_info{fingerprint="new",instance="b"}': "1x60",
        },
        40,
    ),
    quiet(
        "KeptCataloguesDiffer",
        "two workers with one catalogue",
        {f'kept_catalogue_info{{fingerprint="a",instance="{one}"}}': "1x60" for one in "ab"},
        40,
    ),
    fires(
        "KeptSeriesOverBudget",
        {'kept_series_over_budget{instance="a"}': "0x60", 'kept_series_over_budget{instance="b"}': "12x60"},
        15,
        "12 series are left out; the history has them all.",
    ),
    fires(
        "KeptSliceValuesFolded",
        {'kept_slice_other_events{service="lights",dimension="area",instance="a"}': "_x9 7x60"},
        20,
        "lights: area has too many values; 7 cases and other events are under (other). Whole services stay right.",
        about="lights area",
        dimension="area",
    ),
    fires(
        "KeptSliceValuesFolded",
        {'kept_slice_other_events{service="lights",dimension="area",instance="a"}': "7x89 9x60"},
        100,
        "lights: area has too many values; 9 cases and other events are under (other). Whole services stay right.",
        about="lights area",
        dimension="area",
    ),
    quiet(
        "KeptSliceValuesFolded",
        "a worker restarts and nothing is added",
        {'kept_slice_other_events{service="lights",dimension="area",instance="a"}': "7x60 _x5 7x60"},
        90,
    ),
    quiet("KeptSeriesOverBudget", "within the budget", {'kept_series_over_budget{instance="a"}': "0x60"}, 30),
    fires(
        "KeptHistoryNotAccepting",
        {'kept_history_waiting_seconds{instance="a"}': "0 0+60x30"},
        8,
        "Points have waited for 7m; none is lost.",
    ),
    quiet("KeptHistoryNotAccepting", "five minutes", {'kept_history_waiting_seconds{instance="a"}': "300x30"}, 20),
    fires(
        "KeptHistoryRefusesPoints",
        {'kept_history_points_refused_total{reason="too_old",instance="a"}': "4x70 8x40"},
        80,
        "4 points were refused; reason: too_old.",
        reason="too_old",
    ),
    fires(
        "KeptHistoryRefusesPoints",
        {'kept_history_points_refused_total{reason="too_old",instance="a"}': "_x70 3x40"},  # begins above 0
        80,
        "3 points were refused; reason: too_old.",
        reason="too_old",
    ),
    quiet(
        "KeptHistoryRefusesPoints",
        "long ago",
        {'kept_history_points_refused_total{reason="too_old",instance="a"}': "3x200"},
        180,
    ),
    fires(
        "KeptRuleEvaluationFails",
        {f'prometheus_rule_evaluation_failures_total{{{PROMETHEUS},rule_group="s.yml;kept"}}': "0x9 0+1x30"},
        25,
        "Rules of s.yml;kept keep failing.",
        rule_group="s.yml;kept",
    ),
    quiet(
        "KeptRuleEvaluationFails",
        "failed before the last restart",
        {f'prometheus_rule_evaluation_failures_total{{{PROMETHEUS},rule_group="s.yml;kept"}}': "9x30"},
        25,
    ),
    fires(
        "KeptPrometheusCannotNotify",
        {
            f"prometheus_notifications_dropped_total{{{PROMETHEUS}}}": "0+1x30",
            f"prometheus_notifications_alertmanagers_discovered{{{PROMETHEUS}}}": "1x30",
        },
        15,
        "Alerts do not reach Alertmanager, or only one of several: this one may come late.",
    ),
    fires(
        "KeptPrometheusCannotNotify",
        {f'prometheus_notifications_errors_total{{{PROMETHEUS},alertmanager="http://m"}}': "0+1x30"},
        15,
        "Alerts do not reach Alertmanager, or only one of several: this one may come late.",
    ),
    fires(
        "KeptPrometheusCannotNotify",
        {f"prometheus_notifications_alertmanagers_discovered{{{PROMETHEUS}}}": "0x30"},
        5,
        "Alerts do not reach Alertmanager, or only one of several: this one may come late.",
    ),
    quiet(
        "KeptPrometheusCannotNotify",
        "one failure, while Alertmanager restarted",
        {
            f'prometheus_notifications_errors_total{{{PROMETHEUS},alertmanager="http://m"}}': "0x9 1x30",
            f"prometheus_notifications_alertmanagers_discovered{{{PROMETHEUS}}}": "1x40",
        },
        15,
    ),
    quiet(
        "KeptPrometheusCannotNotify",
        "all is delivered",
        {
            f"prometheus_notifications_dropped_total{{{PROMETHEUS}}}": "5x30",
            f'prometheus_notifications_errors_total{{{PROMETHEUS},alertmanager="http://m"}}': "2x30",
            f"prometheus_notifications_alertmanagers_discovered{{{PROMETHEUS}}}": "1x30",
        },
        25,
    ),
    fires(
        "KeptAlertmanagerCannotDeliver",
        {
            f'alertmanager_notifications_failed_total{{{ALERTMANAGER},integration="email"}}': "0+1x60",
            f'alertmanager_notifications_failed_total{{{ALERTMANAGER},integration="webhook"}}': "0x60",
        },
        30,
        "15 deliveries by email failed for good.",
        integration="email",
    ),
    quiet(
        "KeptAlertmanagerCannotDeliver",
        "two that failed",
        {f'alertmanager_notifications_failed_total{{{ALERTMANAGER},integration="email"}}': "0x9 2x30"},
        20,
    ),
    quiet(
        "KeptAlertmanagerCannotDeliver",
        "long ago",
        {f'alertmanager_notifications_failed_total{{{ALERTMANAGER},integration="email"}}': "3x60"},
        30,
    ),
    fires(
        "KeptConfigReloadFailed",
        {
            f"prometheus_config_last_reload_successful{{{PROMETHEUS}}}": "1x60",
            f"alertmanager_config_last_reload_successful{{{ALERTMANAGER}}}": "0x60",
        },
        5,
        "alertmanager at m could not load its configuration.",
        job="alertmanager",
        instance="m",
    ),
    quiet(
        "KeptConfigReloadFailed",
        "both loaded",
        {
            f"prometheus_config_last_reload_successful{{{PROMETHEUS}}}": "1x60",
            f"alertmanager_config_last_reload_successful{{{ALERTMANAGER}}}": "1x60",
        },
        30,
    ),
    fires("KeptWatchdog", {}, 0, "Alerts travel. A receiver outside must notice when this one no longer comes."),
    fires(
        "KeptSpoolFilling",
        {f"kept_spool_bytes{{{INTAKE}}}": "510x60", f"kept_spool_limit_bytes{{{INTAKE}}}": "1000x60"},
        10,
        "The spool at i is 51% full.",
        **AT_INTAKE,
    ),
    quiet(
        "KeptSpoolFilling",
        "half",
        {f"kept_spool_bytes{{{INTAKE}}}": "500x60", f"kept_spool_limit_bytes{{{INTAKE}}}": "1000x60"},
        30,
    ),
    fires(
        "KeptSpoolNearlyFull",
        {f"kept_spool_bytes{{{INTAKE}}}": "910x60", f"kept_spool_limit_bytes{{{INTAKE}}}": "1000x60"},
        1,
        "The spool at i is 91% full.",
        **AT_INTAKE,
    ),
    quiet(
        "KeptSpoolNearlyFull",
        "nine tenths",
        {f"kept_spool_bytes{{{INTAKE}}}": "900x60", f"kept_spool_limit_bytes{{{INTAKE}}}": "1000x60"},
        30,
    ),
    fires(
        "KeptBrokerNotConnected",
        {f"kept_broker_connected{{{INTAKE}}}": "1x9 0x30"},
        21,
        "The intake at i has no connection to a broker.",
        **AT_INTAKE,
    ),
    quiet(
        "KeptBrokerNotConnected",
        "connects again and again",
        {f"kept_broker_connected{{{INTAKE}}}": "0 1 0 0x3 1 0x3 1 0x3 1"},
        12,
    ),
    fires(
        "KeptSummaryMissed",
        {f"kept_summary_missed_weeks{{{SUMMARY}}}": "0x5 2x20"},
        17,
        "2 weeks have no delivered summary.",
    ),
    quiet(
        "KeptSummaryMissed",
        "sent late, at a restart",
        {f"kept_summary_missed_weeks{{{SUMMARY}}}": "0 1x8 0x10"},
        12,
    ),
    quiet("KeptSummaryMissed", "all delivered", {f"kept_summary_missed_weeks{{{SUMMARY}}}": "0x30"}, 20),
)

"""Alerts of the pipeline about its workers: are they there, do they count, does what they count add up?"""

from __future__ import annotations

from alert_rules.descriptions import DURATION
from alert_rules.options import RuleOptions
from alert_rules.pipeline_alert import FACT, PipelineAlert
from alert_rules.rule_text import duration, promql_string
from kept import metric_names as names
from kept import pipeline_limits as limits
from kept.durations import in_words, parse_duration
from kept.signals.kinds import BY_NAME

LAG = f"sum by (topic) ({names.LAG.name})"
LAG_BEFORE = f"sum by (topic) ({names.LAG.name} offset {duration(limits.LAG_WAIT)})"
TIME = names.INDICATOR_TIME.name
FOLDED = f"sum by (service, dimension) ({names.FOLDED_SLICES.name})"


def presence(options: RuleOptions) -> tuple[PipelineAlert, ...]:
    """Workers down or not even looked at, and any other target."""
    jobs = options.jobs
    worker = promql_string(jobs.worker)
    down = f"{limits.UP_SHARE:g}"
    every = promql_string("|".join(jobs.all()))
    absent = " or ".join(f"absent(up{{job={promql_string(job)}}})" for job in jobs.all() if job != jobs.worker)
    return (
        PipelineAlert(
            name="KeptWorkersDown",
            severity="page",
            summary="No worker answers: nothing is counted and no signal is judged",
            condition=f"every worker answered less than half of the scrapes of {limits.UP_WINDOW}",
            description="No worker answers Prometheus, or each answers fewer than half of the scrapes.",
            first="Read the last line that a worker wrote, mend what it names, start it again; nothing is lost",
            expr=f"max(avg_over_time(up{{job={worker}}}[{limits.UP_WINDOW}])) < {down}",
            wait_seconds=limits.UP_WAIT,
            sibling="KeptWorkersAbsent",
            false_alarms_per_year=0,
            budget_from=FACT,
        ),
        PipelineAlert(
            name="KeptWorkersAbsent",
            severity="page",
            summary="Prometheus looks at no worker: no alert about a service can fire",
            condition=f"no target of job {jobs.worker} for {duration(limits.ABSENT_WAIT)}",
            description=f"There is no target of job {jobs.worker}; alerts on figures fall silent instead of firing.",
            first="Put the workers back among the targets of Prometheus, or find out why it no longer finds them",
            expr=f"absent(up{{job={worker}}})",
            wait_seconds=limits.ABSENT_WAIT,
            false_alarms_per_year=0,
            budget_from=FACT,
        ),
        PipelineAlert(
            name="KeptTargetDown",
            severity="ticket",
            summary="A process of the pipeline does not answer Prometheus",
            condition=f"a target answered less than half of the scrapes of {limits.UP_WINDOW}",
            description="{{ $labels.job }} at {{ $labels.instance }} answers fewer than half of the scrapes.",
            first="Read its log and start it again; other workers have taken over the partitions of a lost one",
            expr=f"avg_over_time(up{{job=~{every}}}[{limits.UP_WINDOW}]) < {down}",
            wait_seconds=limits.UP_WAIT,
            sibling="KeptTargetAbsent",
            false_alarms_per_year=0,
            budget_from=FACT,
        ),
        PipelineAlert(
            name="KeptTargetAbsent",
            severity="ticket",
            summary="Prometheus looks at no process of a job that the pipeline needs",
            condition=f"no target of another job for {duration(limits.ABSENT_WAIT)}",
            description="There is no target of job {{ $labels.job }}; alerts that read its metrics fall silent.",
            first="Put the job back among the targets of Prometheus",
            expr=absent,
            wait_seconds=limits.ABSENT_WAIT,
            false_alarms_per_year=0,
            budget_from=FACT,
        ),
    )


def progress(options: RuleOptions, silences: tuple[str, ...]) -> tuple[PipelineAlert, ...]:
    """Is event time moving, and does the work keep up? `silences` are the expected silences of the services."""
    worker_is_up = f"max(up{{job={promql_string(options.jobs.worker)}}}) == 1"
    always = (
        PipelineAlert(
            name="KeptLagGrowing",
            severity="ticket",
            summary="Events come faster than they are counted",
            condition=f"over {limits.LAG_RECORDS:,} records wait, a tenth more than {duration(limits.LAG_WAIT)} ago; "
            "it ends when no more wait than then",
            description='{{ $value | printf "%.0f" }} records of topic {{ $labels.topic }} wait to be counted.',
            first="See whether a worker is missing or the history is slow; else start one more worker",
            # A lag that grows steadily is no tenth more after some hours: what was told stands for as long as it grows.
            expr=f"{LAG} > {limits.LAG_RECORDS} and ({LAG} > {limits.LAG_GROWTH} * {LAG_BEFORE} or {LAG} > {LAG_BEFORE}"
            ' and on (topic) ALERTS{alertname="KeptLagGrowing",alertstate="firing"})',
            wait_seconds=limits.LAG_WAIT,
            sibling="KeptLagUnknown",
            labels={"topic": "{{ $labels.topic }}"},
            false_alarms_per_year=0,
            budget_from=FACT,
        ),
        PipelineAlert(
            name="KeptLagUnknown",
            severity="ticket",
            summary="Workers answer, but do not know how far they are behind",
            condition=f"a worker is up and none shows its lag for {duration(limits.ABSENT_WAIT)}",
            description="No worker shows how many records wait: none owns a partition, or the broker is silent.",
            first="Check that the topics are there and that the broker answers",
            expr=f"absent({names.LAG.name}) and on () {worker_is_up}",
            wait_seconds=limits.ABSENT_WAIT,
            sibling="KeptWorkersDown",
            false_alarms_per_year=0,
            budget_from=FACT,
        ),
        PipelineAlert(
            name="KeptWatermarkStuck",
            severity="page",
            summary="Events wait, but the published time of a service does not move: its figures stand still",
            condition=f"published time unchanged for {limits.STUCK_WINDOW} while records wait all the time",
            description="The published time of {{ $labels.service }} has not moved for 15 minutes, and records wait.",
            first="Ask /healthz of each worker which processor makes no progress, and read that worker's log",
            expr=f"max by (service) (changes({TIME}[{limits.STUCK_WINDOW}])) == 0 and on () "
            f"min_over_time(sum({names.LAG.name})[{limits.STUCK_WINDOW}:1m]) > 0 and on (service) "
            f"max by (service) ({TIME} offset {limits.STUCK_WINDOW})",  # shown for so long: it is no start
            wait_seconds=limits.STUCK_WAIT,
            sibling="KeptNothingPublished",
            labels={"service": "{{ $labels.service }}"},
            false_alarms_per_year=0,
            budget_from=FACT,
        ),
        PipelineAlert(
            name="KeptNothingPublished",
            severity="page",
            summary="Events were received, but no figure of any service is published",
            condition="events were received, a worker is up and no service has a published time for "
            f"{duration(limits.NOTHING_PUBLISHED_WAIT)}",
            description="No service has a published time, though events were received.",
            first="See whether events reach the topic, and whether a partition has no worker",
            expr=f"absent({TIME}) and on () {worker_is_up} and on () "
            f'sum({names.EVENTS.name}{{account="received"}}) > 0',
            wait_seconds=limits.NOTHING_PUBLISHED_WAIT,
            sibling="KeptWorkersDown",
            false_alarms_per_year=0,
            budget_from=FACT,
        ),
    )
    return (*always, *(_silence(silences) if options.live else ()))


def _silence(silences: tuple[str, ...]) -> tuple[PipelineAlert, ...]:
    """Event time stands still with the last event, so that no service can be judged silent by it: the clock must."""
    shortest_ms = min(map(parse_duration, silences))
    shortest = shortest_ms // 1000
    return (
        PipelineAlert(
            name="KeptStreamSilent",
            severity="page",
            summary="No service's system has told anything for longer than the liveliest of them ever should",
            condition=f"published time is {in_words(shortest_ms)} behind the clock (the shortest expected silence in "
            "the catalogue) and does not gain on it",
            description=f"The newest published moment is {{{{ $value | {DURATION} }}}} old; the liveliest service is "
            f"expected to be silent for {in_words(shortest_ms)} at most.",
            first="See whether events reach the topic at all: the network, the producers, the broker, the clock",
            expr=f"time() - max({TIME}) > {shortest} and max({TIME}) - max({TIME} offset 15m)"
            f" < {limits.CATCHING_UP_SECONDS}",
            wait_seconds=limits.STUCK_WAIT,
            sibling="KeptNothingPublished",
            false_alarms_per_year=BY_NAME["source_silent"].false_alarms_per_service_year,
            budget_from="at most that of KeptSourceSilent: the service with the shortest expected silence is silent",
        ),
    )


def accounts(options: RuleOptions) -> tuple[PipelineAlert, ...]:
    """Does every event end in an account, and do all workers count alike?"""
    events = names.EVENTS.name
    dead = f'sum(increase({events}{{account="dead_lettered"}}[{limits.DEAD_WINDOW}]))'
    received = f'sum(increase({events}{{account="received"}}[{limits.DEAD_WINDOW}]))'
    return (
        PipelineAlert(
            name="KeptDeadLettersRising",
            severity="ticket",
            summary="Events are refused: what they tell is missing from the figures",
            condition=f"more than {limits.DEAD_SHARE:.0%} of the events of {limits.DEAD_WINDOW}, and more than "
            f"{limits.DEAD_LETTERS}, became dead letters",
            description="{{ $value | humanizePercentage }} of the events of half an hour became dead letters.",
            first="See what they have in common, mend the source or the catalogue, and redrive them",
            expr=f"{dead} / {received} > {limits.DEAD_SHARE} and {dead} > {limits.DEAD_LETTERS}",
            wait_seconds=limits.DEAD_WAIT,
            hold_seconds=15 * limits.MINUTE,
            sibling="KeptStreamSilent",
            false_alarms_per_year=0,
            budget_from=FACT,
        ),
        PipelineAlert(
            name="KeptAccountsDoNotAddUp",
            severity="page",
            summary="Events were received that are in no account: figures may be wrong",
            condition="received differs from applied + duplicate + beyond retention + dead-lettered for "
            f"{duration(limits.ACCOUNTS_WAIT)}",
            description='{{ $value | printf "%.0f" }} events of partition {{ $labels.partition }} are in no account.',
            first="Trust no figure until it is explained; keep the topics, compare with an embedded replay",
            expr=f'sum by (partition) ({events}{{account="received"}}) - sum by (partition) '
            f'({events}{{account=~"applied|duplicate|beyond_retention|dead_lettered"}}) != 0',
            wait_seconds=limits.ACCOUNTS_WAIT,
            sibling="KeptWorkersDown",
            false_alarms_per_year=0,
            budget_from=FACT,
        ),
        PipelineAlert(
            name="KeptCataloguesDiffer",
            severity="ticket",
            summary="Workers count by different catalogues",
            condition=f"two fingerprints of the catalogue for {duration(limits.CATALOGUES_WAIT)}",
            description='There are {{ $value | printf "%.0f" }} versions of the catalogue among the workers.',
            first="Restart the workers that still have the older catalogue",
            expr=f"count(count by (fingerprint) ({names.CATALOGUE.name})) > 1",
            wait_seconds=limits.CATALOGUES_WAIT,
            sibling="KeptWorkersDown",
            false_alarms_per_year=0,
            budget_from=FACT,
        ),
        PipelineAlert(
            name="KeptSeriesOverBudget",
            severity="ticket",
            summary="A worker has more series than its budget: some figures are not shown to Prometheus",
            condition=f"series left out for {duration(limits.SERIES_WAIT)}",
            description='{{ $value | printf "%.0f" }} series are left out; the history has them all.',
            first="Start one more worker, so that each shows fewer services",
            expr=f"sum({names.SERIES_DROPPED.name}) > 0",
            wait_seconds=limits.SERIES_WAIT,
            sibling="KeptWorkersDown",
            false_alarms_per_year=0,
            budget_from=FACT,
        ),
        PipelineAlert(
            name="KeptSliceValuesFolded",
            severity="ticket",
            summary="A dimension of a service has more values than are told apart: the newest are joined to (other)",
            condition=f"more was counted under (other) in the last {limits.FOLDED_NOW} than ever in the "
            f"{limits.FOLDED_BEFORE} before",
            description="{{ $labels.service }}: {{ $labels.dimension }} has too many values; "
            '{{ $value | printf "%.0f" }} cases and other events are under (other). Whole services stay right.',
            first="See what the source puts there (an address, a number?) and mend its mapping",
            expr=f"{FOLDED} > (max_over_time(({FOLDED})[{limits.FOLDED_BEFORE}:1m] offset {limits.FOLDED_NOW}) "
            f"or {FOLDED} * 0)",
            wait_seconds=limits.FOLDED_WAIT,
            hold_seconds=limits.FOLDED_HOLD,
            sibling="KeptWorkersDown",
            labels={"about": "{{ $labels.service }} {{ $labels.dimension }}"},
            false_alarms_per_year=0,
            budget_from=FACT,
        ),
    )

# What a backup holds beside InfluxDB: SERVICE PATH NAME of each volume, read and written by its service's own user.
# Left out, since they are made anew: rules, Alertmanager's configuration, tokens, the simulated city's spool.
# Sourced by backup and restore.
# shellcheck disable=SC2034
VOLUMES=(
    "kafka /var/lib/kafka/data kafka-data"
    "intake /var/lib/kept/spool intake-spool"
    "prometheus /prometheus prometheus-data"
    "alertmanager /alertmanager alertmanager-data"
    "grafana /var/lib/grafana grafana-data"
)

# Runs in a container of docker-compose.yml: a backup of InfluxDB to standard output, or from standard input.
# Only this and influxdb-init ever have the operator's token; it is on no command line.
set -eu

SCRATCH=/var/lib/influxdb2/backup
export INFLUX_HOST=http://influxdb:8086
INFLUX_TOKEN=$(cat /run/secrets/influxdb-operator-token)
export INFLUX_TOKEN

rm -rf "$SCRATCH"
mkdir "$SCRATCH"
trap 'rm -rf "$SCRATCH"' EXIT

case "${1:-}" in
    backup)
        influx backup "$SCRATCH" >&2
        tar -C "$SCRATCH" -cf - .
        ;;
    restore)
        tar -C "$SCRATCH" -xf -
        influx restore --full "$SCRATCH" >&2
        ;;
    *)
        echo "'${1:-}' is not valid; valid: backup, restore" >&2
        exit 2
        ;;
esac

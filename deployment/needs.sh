# For the other scripts in here: how they speak, and what they need. Sourced, not run.

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2
SECRETS=deployment/secrets

say() { printf '%s\n' "$*"; }

fail() {
    printf '%s\n' "$*" >&2
    exit 2
}

need_docker() {
    command -v docker >/dev/null || fail "Docker is not on this machine; install Docker Engine 25 or newer with its Compose plugin: https://docs.docker.com/engine/install/"
    docker compose version >/dev/null 2>&1 || fail "'docker compose' does not work: install the Compose plugin, 2.24 or newer: https://docs.docker.com/compose/install/"
    docker info >/dev/null 2>&1 || fail "the Docker daemon does not answer; start it, or join the group that may speak to it ('docker info' says why)"
}

# Every secret of docker-compose.yml, and how many random bytes it is made of.
SECRET_NAMES=(
    influxdb-operator-password
    influxdb-operator-token
    intake-token
    case-key
    board-token
    grafana-admin-password
    grafana-secret-key
)
# shellcheck disable=SC2034
SECRET_BYTES=32

need_secrets() {
    local name
    for name in "${SECRET_NAMES[@]}"; do
        [ -e "$SECRETS/$name" ] || fail "$SECRETS/$name is missing; make it with: make secrets"
        [ -r "$SECRETS/$name" ] || fail "$SECRETS/$name cannot be read by $(id -un); run this as the user who made it ($(stat -c %U "$SECRETS/$name"))"
        [ -s "$SECRETS/$name" ] || fail "$SECRETS/$name is empty; remove it and run: make secrets"
    done
}

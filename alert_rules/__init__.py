"""From the promises of the catalogue to Prometheus rules and the configuration of Alertmanager, by pure functions."""

"""Dashboards as code: what Grafana shows, where it reads it, and how it gets there."""

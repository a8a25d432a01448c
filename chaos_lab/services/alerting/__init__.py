"""Alerting: rules on what a black-box prober and /metrics see, told through Alertmanager's v2 API."""

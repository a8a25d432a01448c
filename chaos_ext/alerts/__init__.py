"""Alerts as seen from outside: one shape, many sources."""

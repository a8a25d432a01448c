"""The embedded lab: a small real product that failures are tried on first."""

"""Chaos Toolkit probes: what is seen of the fault, the users, the alert and the recovery."""

"""Chaos Toolkit actions: the guarded door (`fault`), the response (`respond`), and faults by family."""

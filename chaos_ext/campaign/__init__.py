"""Many failure modes at once: a process for each, one table, one summary.

A run belongs to a process (`trial.current()`), so a campaign starts `chaos verify ID` for every mode and hears
its events over a line of its own. Nothing of a run is done here.
"""

"""The meter: open-loop load on the user flows that is, in the same breath, the measurement.

`samples`, `writelog`, `slo` and `intervals` are pure or only read files, so that a verdict can be derived again from a
saved run; `schedule`, `template`, `transport` and `client` are what sends.
"""

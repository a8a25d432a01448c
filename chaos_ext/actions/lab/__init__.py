"""Faults in the embedded lab, as they are in life: processes that die, disks that are lost, bad releases."""

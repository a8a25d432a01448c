"""From what was saved of a run to what it proves. Pure: no I/O, no clock, so every old run can be judged again."""

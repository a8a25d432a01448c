"""From what was saved of a run to what it proves. Pure, so every old run can be judged again."""

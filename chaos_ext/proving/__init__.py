"""Whether every probe that a failure mode uses says no when it should: mutants of it must be noticed."""

"""Unable to break the wrong place, unable to leave a mess: guard, lock, undo ledger, janitor."""

"""Guidelines: what may be broken where, who has looked at it, and how little one needs to be allowed for it."""

"""Where the values of an environment's secrets are read from, when a run starts."""

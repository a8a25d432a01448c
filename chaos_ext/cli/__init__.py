"""What `chaos` gains: thin commands, light to import, because `chaos` loads all of them every time."""

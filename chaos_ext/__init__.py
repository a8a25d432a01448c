"""The toolkit: failure modes, runbooks, experiments, proof."""

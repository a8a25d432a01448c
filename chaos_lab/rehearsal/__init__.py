"""A cloud's control plane without a cloud: where runbooks are rehearsed that act on AWS. Nobody uses it."""

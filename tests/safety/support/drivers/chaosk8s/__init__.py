"""Stands in for chaostoolkit-kubernetes, which is not installed here: the arguments and defaults of 0.39."""

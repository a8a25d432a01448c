"""Figures and ratios, measured in one run: `make bench`, or `python -m bench NAME…` for some of them."""

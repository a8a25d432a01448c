"""What a place says it is, asked of the place itself: one module for each kind of proof."""

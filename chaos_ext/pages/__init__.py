"""What stays to be read: a run, a campaign and the catalogue as pages, Markdown and JSON."""

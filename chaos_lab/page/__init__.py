"""A page that shows a lab to a person, served by the command that was asked for it."""

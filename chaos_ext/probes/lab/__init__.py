"""What of the lab must be as it was after a trial. Probes that change nothing."""

"""What runs in the lab: a survey service, its HTTPS edge, the network between, and the alerting."""

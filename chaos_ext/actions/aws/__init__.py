"""Faults in an AWS account, one service a module. boto3 is imported when a function is called, not before."""

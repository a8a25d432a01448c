"""What people wrote about failures: read, understood, checked."""

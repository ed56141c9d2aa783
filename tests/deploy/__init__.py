"""What `deploy/` ships, run as it would run there."""

"""Rollout: from a directory of sites to thousands of ready ones."""

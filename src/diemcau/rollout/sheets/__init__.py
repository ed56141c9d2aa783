"""Connection sheets: paper that makes a site of a machine. See docs/rollout-sheets.md.

Nothing is imported here: the workers that print need a fraction of what the jobs do.
"""

"""Keeping what grading made of a submission: gradebook, notebook, page, record."""

"""Grading: intake, running one submission, the record, nbgrader, many submissions."""

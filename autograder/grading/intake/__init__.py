"""Intake: from whatever was handed in to one pristine notebook with the student's cells in it."""

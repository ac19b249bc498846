"""A student's own folder: notebooks, progress, and the page they start from."""

"""A student's notebook: read however damaged, told from what was built, laid into a new one."""

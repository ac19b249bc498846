"""What people see: the card under a check, a student's feedback page, the report on a class."""

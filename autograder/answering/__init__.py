"""An answer as a notebook holds it, and the verdict on it: the same for student and grader."""

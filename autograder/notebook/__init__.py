"""What a student's notebook calls: ``check`` an answer, ``commit`` to a prediction, and help."""

from autograder.notebook.checking import check as check
from autograder.notebook.failures import failing as failing
from autograder.notebook.helping import hint as hint
from autograder.notebook.helping import reference as reference
from autograder.notebook.panel import progress as progress
from autograder.notebook.predicting import commit as commit
from autograder.notebook.predicting import committed as committed
from autograder.notebook.resuming import resume as resume
from autograder.notebook.shell import open_lab as open_lab

"""Grading: intake, running one submission, the record, nbgrader, many submissions."""

import sys
from typing import Any, cast

# On its way to nbformat, jsonschema builds a grammar of web addresses by which nothing here is
# checked. It takes a second, and jsonschema does without where the package is missing.
sys.modules.setdefault("rfc3987_syntax", cast(Any, None))

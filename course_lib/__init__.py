"""Techniques of the course as small torch functions, each checked against an oracle.

One module per lab, named like it. `baseline`, `data`, `plotting`, `pretrained`, `tracing` and
`workers` are what the labs use besides; nobody is graded on them. `derivations` has the labs'
derivations, and `one_network` puts a piece of each lab into one training.
"""

GIVEN = ("baseline", "data", "plotting", "pretrained", "tracing", "workers")
"""What a notebook may import while it is graded."""

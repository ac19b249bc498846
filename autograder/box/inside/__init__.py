"""What runs inside the outer wall: the warm parent, and what becomes of its forks.

Standard library, ipykernel and pyseccomp only: these modules enter the box with the sealed room.
"""

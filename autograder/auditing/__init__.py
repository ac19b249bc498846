"""The audit: proof, by running them, that the checks do what they promise."""

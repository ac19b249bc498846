"""Running one submission: its cells and the probes in a kernel, the judgement here."""

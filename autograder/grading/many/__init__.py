"""Many submissions: workers that prove themselves, and one writer."""

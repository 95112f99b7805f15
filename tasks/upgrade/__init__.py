"""Where affected packages can go: the smallest versions without a known vulnerability, and what stands in the way."""

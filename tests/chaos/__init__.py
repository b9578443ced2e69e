"""The bench that attacks the promise: nothing lost, nothing twice. `python -m tests.chaos --help`."""

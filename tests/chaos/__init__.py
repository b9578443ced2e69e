"""The bench that attacks the promise of nothing lost, nothing twice. `python -m tests.chaos --help`."""

"""The core of oppsync. The version is stated here alone: packaging and `oppsync --version` read it."""

__version__ = "0.5.0"

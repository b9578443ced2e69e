"""All tests, and the harness they share."""

import pytest

# Failures of the contract suites show what was compared, as those of tests do; said before anything loads them.
pytest.register_assert_rewrite("sandbox.contracts")

"""All tests, and the harness they share."""

import pytest

# pytest must rewrite these assertions before the modules are imported, so that failures show the compared
# values.
pytest.register_assert_rewrite("sandbox.contracts")

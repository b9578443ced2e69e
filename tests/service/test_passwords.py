"""A password is not the firm's name, nor the person's."""

from __future__ import annotations

import pytest

from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.kernel.errors import InvalidInput
from oppsync.services.admin.commands import SetPassword
from tests.harness.builders import TENANT
from tests.harness.house import FINANCE, House


@pytest.mark.parametrize("password", ["AcmeAdvisory1", "Acme-Advisory-Inc-2026", "Finance.Fiona.2026"])
def test_a_password_of_names_that_everybody_here_knows_is_refused(house: House, password: str) -> None:
    with pytest.raises(InvalidInput, match="easy to guess"):
        house.application.dispatch(SetPassword(TENANT, COMMAND_LINE, FINANCE, password))

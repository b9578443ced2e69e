"""A refusal of the REST API and its shape: an array of errors."""

from collections.abc import Sequence

from sandbox.standins.wire import Json, Reply


class SalesforceError(Exception):
    def __init__(self, status: int, code: str, message: str, fields: Sequence[str] = ()) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.fields = list(fields)

    def as_json(self) -> dict[str, Json]:
        return {"message": self.message, "errorCode": self.code, "fields": self.fields}

    def reply(self) -> Reply:
        return Reply(self.status, [self.as_json()])


def not_found(message: str = "The requested resource does not exist") -> SalesforceError:
    return SalesforceError(404, "NOT_FOUND", message)


def no_such_column(name: str, sobject: str) -> SalesforceError:
    return SalesforceError(400, "INVALID_FIELD", f"No such column '{name}' on sobject of type {sobject}")


def malformed_query(message: str) -> SalesforceError:
    return SalesforceError(400, "MALFORMED_QUERY", message)

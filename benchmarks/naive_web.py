"""The naive chain's webhook: verify the signature, store nothing, send the first message, answer 202."""

from __future__ import annotations

import os
from collections.abc import Callable
from http import HTTPStatus

from flask import Flask, request
from flask.typing import ResponseReturnValue
from standardwebhooks import Webhook, WebhookVerificationError

SECRET = "NAIVE_SECRET"  # noqa: S105 - the name of a variable


def make_app(secret: str, accept: Callable[[str], object]) -> Flask:
    """`accept` gets the CRM's id of each deal that a verified webhook names."""
    app, webhook = Flask(__name__), Webhook(secret)

    @app.post("/webhooks/<_connection>")
    def receive(_connection: str) -> ResponseReturnValue:
        try:
            notification = webhook.verify(request.get_data(), dict(request.headers))
        except WebhookVerificationError:
            return {"error": "the signature is wrong"}, HTTPStatus.UNAUTHORIZED
        for opportunity in notification["opportunities"]:
            accept(opportunity["id"])
        return {}, HTTPStatus.ACCEPTED

    @app.get("/health/ready")
    def ready() -> ResponseReturnValue:
        return {"status": "ok"}

    return app


def from_environment() -> Flask:
    from benchmarks import naive_chain  # it names its broker as it is imported

    return make_app(os.environ[SECRET], naive_chain.validate.send)

"""All webhook signature schemes: how each verifies, and, where the secret is ours to make, how it is made and
signs."""

# A `Verify`.
SIGNATURE_SCHEMES = {
    "standard_webhooks": "adapters.connectors.signatures.standard_webhooks:verify",
}
# A `Sign`, for test events.
SIGNERS = {
    "standard_webhooks": "adapters.connectors.signatures.standard_webhooks:sign",
}
# () -> a new secret.
SECRET_MAKERS = {
    "standard_webhooks": "adapters.connectors.signatures.standard_webhooks:new_secret",
}

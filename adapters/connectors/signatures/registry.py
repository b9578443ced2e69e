"""All webhook signature schemes. Each is a `Verify`."""

SIGNATURE_SCHEMES = {
    "standard_webhooks": "adapters.connectors.signatures.standard_webhooks:verify",
}

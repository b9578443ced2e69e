"""The webhook signature schemes there are. Each is a `Verify`."""

SIGNATURE_SCHEMES = {
    "standard_webhooks": "adapters.signatures.standard_webhooks:verify",
}

"""The PSAs there are. Each is built as `Vendor(connection, secrets, clock)` and is a `Psa`."""

PSAS = {
    "kantata": "adapters.psa.kantata.adapter:KantataPsa",
}

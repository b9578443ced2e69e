"""The CRMs there are. Each is built as `Vendor(connection, secrets, clock)` and is a `Crm`."""

CRMS = {
    "salesforce": "adapters.crm.salesforce.adapter:SalesforceCrm",
}

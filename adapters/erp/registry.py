"""The ERPs there are. Each is built as `Vendor(connection, secrets, clock)` and is a `ProjectSystem`."""

PROJECT_SYSTEMS = {
    "tryton": "adapters.erp.tryton.adapter:TrytonProjects",
}

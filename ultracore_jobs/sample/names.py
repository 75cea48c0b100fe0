"""The sample's tenants."""

TENANTS: dict[str, str] = {"acacia": "Acacia Wealth (sample)", "banksia": "Banksia Advisers (sample)"}
"""The two tenants, by id, with the name people see; every client in them is invented."""

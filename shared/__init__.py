"""What the deployed functions share: a pure core, and adapters around it."""

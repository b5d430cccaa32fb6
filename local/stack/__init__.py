"""The whole system on one machine: gateway, functions, simulator, store, receiver."""

"""Commands for people who run a deployment: events, deny list, policies, signatures."""

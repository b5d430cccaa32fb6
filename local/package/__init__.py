"""The package that is deployed: what is in it, how it is built, and the checks before a deployment.

The program is `python -m local.package`; what the Serverless CLI does with the result is left to it.
"""

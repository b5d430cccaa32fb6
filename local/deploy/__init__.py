"""The deployment of the packages: what is checked before it, the deployment itself, and what is read back.

The program is `python -m local.deploy`.
"""

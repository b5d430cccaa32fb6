"""The whole system on a developer's machine; nothing in here is ever deployed.

`python -m local` lists the commands. The functions themselves live in `functions/` and `shared/`.
"""

"""What comes from outside and what is answered, declared once as pydantic models.

`models/` holds the models, for `local/` and tests: nothing that is deployed imports pydantic. What
pydantic compiles of them is written to `compiled.json` (`make schema`), by which `validation` validates
in the functions. `values` holds the validators that both use.
"""

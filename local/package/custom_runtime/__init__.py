"""Packaged for CustomRuntime, beside the function: the program that SCF executes, and the invoker."""

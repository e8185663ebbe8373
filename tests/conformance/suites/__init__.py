"""A suite names its entries, lists the cases of one, and runs a case (ops.py is the model)."""

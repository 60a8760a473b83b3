"""Readers: from evidence to an answer that says where each sentence comes from.

`cited` writes the prompt of a model and reads what it wrote, `extractive` answers without a model,
`unsourced` answers what needs no source, and `citations` finds and checks each [n]. None of them
does any input or output.
"""

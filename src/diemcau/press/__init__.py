"""Documents on paper: typst in processes of its own, so that a meeting goes before paper.

`workers.press` makes one PDF of many parts side by side; `paper.compile_page` is what runs inside such a
process (`plain`: a document that is nothing but a typst file and its data). Nothing is imported here: what
prints needs a fraction of a server.
"""
